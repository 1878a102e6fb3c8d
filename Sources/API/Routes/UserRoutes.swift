import FoundationEssentials
import HTTPTypes
import Hummingbird
import Identity
import JSON
import Tenancy

/// `identity-applications/{id}/users` and `users/{id}` of a tenant.
struct UserRoutes: Sendable {
  let cursors: Cursors

  var endpoints: [Endpoint<ManagementContext>] {
    let path = "identity-applications/{id}/users"
    return [
      .get(path, "list_users", .usersRead, query: ListRequest.schema(UserFields.filter)) { request, context in
        let application: ID<IdentityApplication> = try context.id()
        let list = try ListRequest(
          request, cursors, "users \(application)", tenant: context.tenant.id.uuid, UserFields.filter)
        let users = try await Users(context.database).list(of: application, list.filter, list.slice)
        return list.response(users, id: \.id.uuid) { $0.writeMembers(to: &$1) }
      },
      .post(path, "create_user", .usersWrite, body: FieldReader.schema(of: UserFields.New.init)) { request, context in
        try QueryParameters.none(request)
        let application: ID<IdentityApplication> = try context.id()
        let new = try await JSONBody.read(request, UserFields.New.init)
        let user = try await Users(context.database).create(
          in: application, origin: new.origin, new.fields, author: context.author)
        let headers: HTTPFields = [.location: "/t/\(context.tenant.slug)/v1/users/\(user.id)"]
        return Self.answer(request, user, status: .created, headers: headers)
      },
      .get("users/{id}", "get_user", .usersRead) { request, context in
        try QueryParameters.none(request)
        return Self.answer(request, try await Users(context.database).find(try context.id()))
      },
      .patch("users/{id}", "update_user", .usersWrite, body: FieldReader.schema(of: UserFields.change)) {
        request, context in
        try QueryParameters.none(request)
        let id: ID<User> = try context.id()
        let change = try await JSONBody.read(request, patch: true, UserFields.change)
        let user = try await Users(context.database).update(
          id, change, versions: Precondition(request).versions, author: context.author)
        return Self.answer(request, user)
      },
      .delete("users/{id}", "delete_user", .usersWrite) { request, context in
        try QueryParameters.none(request)
        try await Users(context.database).delete(
          try context.id(), versions: Precondition(request).versions, author: context.author)
        return Response(status: .noContent)
      },
    ]
  }

  private static func answer(
    _ request: Request, _ user: User, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
  ) -> Response {
    // A login changes the answer but not the version, which only a rival administrator changes.
    let login = user.lastLoginAt.map { Int($0.timeIntervalSince1970 * 1000) }
    return .resource(
      request, status: status, tag: EntityTag(version: user.version, extra: login), headers: headers
    ) { JSONWriter.object { user.writeMembers(to: &$0) } }
  }
}

extension User {
  func writeMembers(to json: inout JSONWriter) {
    json.member("id", id.description)
    json.member("identity_application_id", applicationID.description)
    json.member("username", username)
    json.member("name", name)
    json.member("picture", picture)
    json.member("phone_number", phoneNumber)
    json.member("phone_number_verified", phoneNumberVerified)
    json.member("email", email)
    json.member("email_verified", emailVerified)
    json.member("attributes", raw: attributes.utf8)
    json.member("origin", origin)
    json.member("status", isActive ? "active" : "disabled")
    json.member("last_login_at", lastLoginAt)
    json.member("created_at", createdAt)
    json.member("updated_at", updatedAt)
  }
}
