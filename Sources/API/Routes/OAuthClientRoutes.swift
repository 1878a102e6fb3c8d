import HTTPTypes
import Hummingbird
import Identity
import JSON
import Tenancy

/// `oauth-clients` of a tenant.
struct OAuthClientRoutes: Sendable {
  let cursors: Cursors
  let rules: OAuthClientRules

  var endpoints: [Endpoint<ManagementContext>] {
    [
      .get("oauth-clients", "list_oauth_clients", .tenantRead, query: ListRequest.schema(Self.filter)) {
        request, context in
        let list = try ListRequest(request, cursors, "oauth-clients", tenant: context.tenant.id.uuid, Self.filter)
        let found = try await clients(context).list(list.slice, application: list.filter)
        return list.response(found, id: \.id.uuid) { $0.writeMembers(to: &$1) }
      },
      .post(
        "oauth-clients", "create_oauth_client", .tenantWrite, body: FieldReader.schema(of: OAuthClientFields.New.init)
      ) { request, context in
        try QueryParameters.none(request)
        let new = try await JSONBody.read(request, OAuthClientFields.New.checked(by: rules))
        let made = try await clients(context).register(
          new.type, application: new.application, new.settings, author: context.author)
        return Self.answer(request, made, status: .created)
      },
      .get("oauth-clients/{id}", "get_oauth_client", .tenantRead) { request, context in
        try QueryParameters.none(request)
        let client = try await clients(context).find(try context.id())
        return .resource(request, tag: EntityTag(version: client.version)) {
          JSONWriter.object { client.writeMembers(to: &$0) }
        }
      },
      .patch(
        "oauth-clients/{id}", "update_oauth_client", .tenantWrite, body: FieldReader.schema(of: OAuthClientFields.patch)
      ) { request, context in
        try QueryParameters.none(request)
        let id: ID<OAuthClient> = try context.id()
        let change = try await JSONBody.read(request, patch: true, OAuthClientFields.patch)
        let changed = try await clients(context).update(
          id, change, versions: Precondition(request).versions, author: context.author)
        return Self.answer(request, changed)
      },
      .delete("oauth-clients/{id}", "delete_oauth_client", .tenantWrite) { request, context in
        try QueryParameters.none(request)
        try await clients(context).delete(
          try context.id(), versions: Precondition(request).versions, author: context.author)
        return Response(status: .noContent)
      },
    ]
  }

  private static func filter(_ fields: inout FieldReader) -> ID<IdentityApplication>? {
    fields.optional("identity_application_id", .id())
  }

  private func clients(_ context: ManagementContext) -> OAuthClients { OAuthClients(context.database, rules: rules) }

  private static func answer(
    _ request: Request, _ registered: OAuthClients.Registered, status: HTTPResponse.Status = .ok
  ) -> Response {
    let client = registered.client
    let headers: HTTPFields = status == .created ? [.location: "\(request.uri.path)/\(client.id)"] : [:]
    return .resource(request, status: status, tag: EntityTag(version: client.version), headers: headers) {
      JSONWriter.object { json in
        client.writeMembers(to: &json)
        if let secret = registered.secret { json.member("client_secret", secret.expose()) }
      }
    }
  }
}

extension OAuthClientDetails {
  func writeMembers(to json: inout JSONWriter) {
    json.member("id", id.description)
    json.member("identity_application_id", applicationID.description)
    json.member("name", settings.name)
    json.member("type", type.rawValue)
    json.member("redirect_uris", settings.redirectURIs)
    json.member("post_logout_redirect_uris", settings.postLogoutRedirectURIs)
    json.member("backchannel_logout_uri", settings.backchannelLogoutURI)
    json.member("grant_types", settings.grants.map(\.rawValue))
    json.member("token_endpoint_auth_method", settings.authMethod.rawValue)
    json.key("jwks")
    if let jwks = settings.jwks { JSONValue.object(jwks).write(to: &json) } else { json.null() }
    json.member("jwks_uri", settings.jwksURI)
    json.member("require_pushed_authorization_requests", settings.requiresPAR)
    json.member("require_consent", settings.requiresConsent)
    json.member("scopes", settings.scopes)
    json.member("dpop_bound_access_tokens", settings.requiresDPoP)
    json.member("created_at", createdAt)
    json.member("updated_at", updatedAt)
  }
}
