import Hummingbird
import Identity
import JSON
import Secrets
import Tenancy

/// `users/{id}/identities` and `users/{id}/sessions` of a tenant: what a user signs in with, and where they are signed in.
struct UserCredentialRoutes: Sendable {
  let cursors: Cursors

  var endpoints: [Endpoint<ManagementContext>] { identities + sessions + [secondFactor] }

  private var secondFactor: Endpoint<ManagementContext> {
    .delete("users/{id}/mfa", "reset_user_mfa", .usersWrite) { request, context in
      try QueryParameters.none(request)
      try await SecondFactors.reset(try context.id(), author: context.author, in: context.database)
      return Response(status: .noContent)
    }
  }

  private var identities: [Endpoint<ManagementContext>] {
    [
      .get("users/{id}/identities", "list_user_identities", .usersRead, query: ListRequest.schema) {
        request, context in
        let user: ID<User> = try context.id()
        let list = try ListRequest(request, cursors, "identities \(user)", tenant: context.tenant.id.uuid) { _ in }
        let found = try await UserIdentities(context.database).list(of: user, list.slice)
        return list.response(found, id: \.id.uuid) { $0.writeMembers(to: &$1) }
      },
      .delete("users/{id}/identities/{identity_id}", "unlink_user_identity", .usersWrite) { request, context in
        try QueryParameters.none(request)
        try await UserIdentities(context.database).unlink(
          try context.id("identity_id"), of: try context.id(), author: context.author)
        return Response(status: .noContent)
      },
    ]
  }

  private var sessions: [Endpoint<ManagementContext>] {
    [
      .get("users/{id}/sessions", "list_user_sessions", .usersRead, query: ListRequest.schema) { request, context in
        let user: ID<User> = try context.id()
        let list = try ListRequest(request, cursors, "sessions \(user)", tenant: context.tenant.id.uuid) { _ in }
        let found = try await UserSessions(context.database).list(of: user, list.slice)
        return list.response(found, id: \.id.uuid) { $0.writeMembers(to: &$1) }
      },
      .delete("users/{id}/sessions/{session_id}", "end_user_session", .usersWrite) { request, context in
        try QueryParameters.none(request)
        try await UserSessions(context.database).end(
          try context.id("session_id"), of: try context.id(), author: context.author)
        return Response(status: .noContent)
      },
    ]
  }
}

extension FederatedIdentity {
  func writeMembers(to json: inout JSONWriter) {
    json.member("id", id.description)
    json.member("third_party_authz_client_id", clientID?.canonical)
    json.member("app_id", appID)
    json.member("openid", openid)
    json.member("unionid", unionid)
    json.member("open_platform_account", openPlatformAccount)
    json.member("last_login_at", lastLoginAt)
    json.member("created_at", createdAt)
    json.member("updated_at", updatedAt)
  }
}

extension Session {
  func writeMembers(to json: inout JSONWriter) {
    json.member("id", id.description)
    json.member("client_id", clientID?.canonical)
    json.member("amr", amr)
    json.member("auth_time", authTime)
    json.member("last_seen_at", lastSeenAt)
    json.member("idle_expires_at", idleExpiresAt)
    json.member("expires_at", expiresAt)
    json.member("created_at", createdAt)
    json.member("updated_at", lastSeenAt)
  }
}
