import HTTPTypes
import Hummingbird
import Identity
import JSON
import Secrets
import Tenancy

/// `third-party-authz-clients` of a tenant.
struct AuthzClientRoutes: Sendable {
  let ring: KeyRing
  let cursors: Cursors
  let hub: AppTokenHub
  let publicURL: String

  var endpoints: [Endpoint<ManagementContext>] {
    let path = "third-party-authz-clients"
    return [
      .get(path, "list_third_party_authz_clients", .tenantRead, query: ListRequest.schema(Self.filter)) {
        request, context in
        let list = try ListRequest(request, cursors, path, tenant: context.tenant.id.uuid, Self.filter)
        let found = try await clients(context).list(list.slice, application: list.filter)
        return list.response(found, id: \.id.uuid) { client, json in
          json.beginObject()
          write(client, of: context.tenant, to: &json)
          json.endObject()
        }
      },
      .post(
        path, "create_third_party_authz_client", .tenantWrite, body: FieldReader.schema(of: AuthzClientFields.New.init)
      ) { request, context in
        try QueryParameters.none(request)
        let new = try await JSONBody.read(request, AuthzClientFields.New.init)
        let made = try await clients(context).create(
          new.provider, application: new.application, new.settings, author: context.author)
        return answer(request, made, context, status: .created)
      },
      .get("\(path)/{id}", "get_third_party_authz_client", .tenantRead) { request, context in
        try QueryParameters.none(request)
        return answer(request, try await clients(context).find(try context.id()), context)
      },
      .patch(
        "\(path)/{id}", "update_third_party_authz_client", .tenantWrite,
        body: FieldReader.schema(of: AuthzClientFields.patch)
      ) { request, context in
        try QueryParameters.none(request)
        let change = try await JSONBody.read(request, patch: true, AuthzClientFields.patch)
        let changed = try await clients(context).update(
          try context.id(), change, versions: Precondition(request).versions, author: context.author)
        return answer(request, changed, context)
      },
      .delete("\(path)/{id}", "delete_third_party_authz_client", .tenantWrite) { request, context in
        try QueryParameters.none(request)
        try await clients(context).delete(
          try context.id(), versions: Precondition(request).versions, author: context.author)
        return Response(status: .noContent)
      },
      .post("\(path)/{id}/verify", "verify_third_party_authz_client", .tenantWrite, status: .ok) { request, context in
        try QueryParameters.none(request)
        let client = try await clients(context).verify(try context.id(), by: hub)
        return answer(request, client, context)
      },
    ]
  }

  private static func filter(_ fields: inout FieldReader) -> ID<IdentityApplication>? {
    fields.optional("identity_application_id", .id())
  }

  private func clients(_ context: ManagementContext) -> AuthzClients { AuthzClients(context.database, ring: ring) }

  private func answer(
    _ request: Request, _ client: AuthzClientDetails, _ context: ManagementContext, status: HTTPResponse.Status = .ok
  ) -> Response {
    let headers: HTTPFields = status == .created ? [.location: "\(request.uri.path)/\(client.id)"] : [:]
    return .resource(request, status: status, tag: EntityTag(version: client.version), headers: headers) {
      JSONWriter.object { write(client, of: context.tenant, to: &$0) }
    }
  }

  private func write(_ client: AuthzClientDetails, of tenant: TenantScope, to json: inout JSONWriter) {
    let base = "\(publicURL)/t/\(tenant.slug)"
    json.member("id", client.id.description)
    json.member("identity_application_id", client.applicationID.description)
    json.member("name", client.name)
    json.member("provider", client.provider)
    json.member("app_id", client.appID)
    json.member("open_platform_account", client.openPlatformAccount)
    json.member("scopes", client.scopes)
    json.member("property_map", raw: client.propertyMap.utf8)
    json.member("enabled", client.isEnabled)
    json.member("credential_status", client.credentialStatus)
    json.member("credential_error", raw: client.credentialError?.utf8 ?? Array("null".utf8))
    json.member("push_url", "\(base)/wechat/push/\(client.id)")
    json.member("push_token_set", client.hasPushToken)
    json.member("push_encoding_aes_key_set", client.hasPushKey)
    json.member("callback_url", "\(base)/i/\(client.applicationSlug)/wechat/callback/\(client.id)")
    json.member("created_at", client.createdAt)
    json.member("updated_at", client.updatedAt)
  }
}
