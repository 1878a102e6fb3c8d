import FoundationEssentials
import HTTPTypes
import Hummingbird
import Identity
import JSON
import OAuth
import Observability
import Tenancy

/// `third-party-authz-clients` of a tenant.
struct ThirdPartyAuthzClientRoutes: Sendable {
  let clients: ThirdPartyAuthzClients
  let cursors: Cursors
  let publicURL: String

  private static let appID = FieldType<String>.text(1...64).constrained("must be letters and digits") { text in
    text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) }
  }
  private static let scopes = FieldType<[String]>.array(
    of: FieldType<String>.text(1...100).constrained("must be a scope token (RFC 6749 section 3.3)", Scope.isToken),
    count: 1...20)
  private static let pushKey = FieldType<String>.text(43...43).constrained("must be 43 letters and digits") { text in
    text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) }
  }

  private struct Rule: Hashable, Sendable {
    let source: String
    let target: String
    let when: String?
  }

  private static let rule: FieldType<Rule> = FieldType<JSONObject>.fields(
    placeholder: Rule(source: "", target: "", when: nil)
  ) { fields in
    let source = fields.required(
      "source",
      FieldType<String>.text(1...200).constrained("must be names of WeChat's fields separated by |") { text in
        text.split(separator: "|", omittingEmptySubsequences: false).allSatisfy {
          PropertyMap.knownSources.contains(String($0))
        }
      })
    let target = fields.required(
      "target",
      FieldType<String>.text(1...100).constrained("must be username, name, picture or attributes.<name>") { text in
        ["username", "name", "picture"].contains(text)
          || text.wholeMatch(of: /attributes\.[A-Za-z0-9_]{1,64}/) != nil
      })
    let when = fields.optional("when", FieldType<PropertyMap.When>.enumeration())
    return Rule(source: source, target: target, when: when?.rawValue)
  }

  private static let propertyMap = FieldType<PropertyMap>.converted(
    from: FieldType<[Rule]>.array(of: rule, count: 0...50), placeholder: PropertyMap([]),
    detail: "is not a property map"
  ) { rules in
    PropertyMap(
      rules.map { rule in
        PropertyMap.Rule(
          sources: rule.source.split(separator: "|").map(String.init), target: rule.target,
          when: rule.when.flatMap(PropertyMap.When.init) ?? PropertyMap.defaultWhen(rule.target))
      })
  }

  private static func new(_ fields: inout FieldReader) -> NewThirdPartyAuthzClient {
    NewThirdPartyAuthzClient(
      application: fields.required("identity_application_id", .id()), name: fields.required("name", .text(1...200)),
      provider: fields.required("provider", .enumeration()), appID: fields.required("app_id", appID),
      appSecret: Secret(fields.required("app_secret", .text(1...256))),
      openPlatformAccount: fields.optional("open_platform_account", .text(1...200)),
      scopes: fields.optional("scopes", scopes, default: ["openid", "profile"]),
      propertyMap: fields.optional("property_map", propertyMap, default: .standard),
      isEnabled: fields.optional("enabled", .boolean, default: true),
      pushToken: fields.optional("push_token", .text(1...64)).map(Secret.init),
      pushEncodingAESKey: fields.optional("push_encoding_aes_key", pushKey).map(Secret.init))
  }

  private static func patch(_ fields: inout FieldReader) -> ThirdPartyAuthzClientPatch {
    var patch = ThirdPartyAuthzClientPatch()
    patch.name = fields.replacement("name", .text(1...200))
    patch.appID = fields.replacement("app_id", appID)
    patch.appSecret = fields.replacement("app_secret", .text(1...256)).map(Secret.init)
    patch.openPlatformAccount = fields.change("open_platform_account", .text(1...200))
    patch.scopes = fields.replacement("scopes", scopes)
    patch.propertyMap = fields.replacement("property_map", propertyMap)
    patch.isEnabled = fields.replacement("enabled", .boolean)
    patch.pushToken = fields.change("push_token", .text(1...64)).map(Secret.init)
    patch.pushEncodingAESKey = fields.change("push_encoding_aes_key", pushKey).map(Secret.init)
    return patch
  }

  var endpoints: [Endpoint<ManagementContext>] {
    let path = "third-party-authz-clients"
    return [
      .get(
        path, "list_third_party_authz_clients", .tenantRead,
        query: ListRequest.schema { $0.optional("identity_application_id", FieldType.id(IdentityApplication.self)) }
      ) { request, context in
        let list = try ListRequest(request, cursors, path, tenant: context.tenant.id.uuid) {
          $0.optional("identity_application_id", FieldType.id(IdentityApplication.self))
        }
        let found = try await clients.list(list.slice, application: list.filter, in: context.database)
        return list.response(found, id: \.id.uuid) { client, json in
          write(client, context, to: &json)
        }
      },
      .post(path, "create_third_party_authz_client", .tenantWrite, body: FieldReader.schema(of: Self.new)) {
        request, context in
        try QueryParameters.none(request)
        let new = try await JSONBody.read(request, Self.new)
        let created = try await clients.create(new, in: context.database, author: context.author)
        return answer(
          request, context, created, status: .created, headers: [.location: "\(request.uri.path)/\(created.id)"])
      },
      .get("\(path)/{id}", "get_third_party_authz_client", .tenantRead) { request, context in
        try QueryParameters.none(request)
        return answer(request, context, try await clients.find(try context.id(), in: context.database))
      },
      .patch("\(path)/{id}", "update_third_party_authz_client", .tenantWrite, body: FieldReader.schema(of: Self.patch))
      {
        request, context in
        try QueryParameters.none(request)
        let patch = try await JSONBody.read(request, patch: true, Self.patch)
        let changed = try await clients.update(
          try context.id(), patch, versions: Precondition(request).versions, in: context.database,
          author: context.author)
        return answer(request, context, changed)
      },
      .delete("\(path)/{id}", "delete_third_party_authz_client", .tenantWrite) { request, context in
        try QueryParameters.none(request)
        try await clients.delete(
          try context.id(), versions: Precondition(request).versions, in: context.database, author: context.author)
        return Response(status: .noContent)
      },
      .post("\(path)/{id}/verify", "verify_third_party_authz_client", .tenantWrite, status: .ok) { request, context in
        try QueryParameters.none(request)
        let verified = try await clients.verify(try context.id(), in: context.database, author: context.author)
        return answer(request, context, verified)
      },
    ]
  }

  private func answer(
    _ request: Request, _ context: ManagementContext, _ client: ClientDetails, status: HTTPResponse.Status = .ok,
    headers: HTTPFields = [:]
  ) -> Response {
    .resource(request, status: status, tag: EntityTag(version: client.version), headers: headers) {
      JSONWriter.object { write(client, context, to: &$0) }
    }
  }

  private func write(_ client: ClientDetails, _ context: ManagementContext, to json: inout JSONWriter) {
    let tenant = "\(publicURL)/t/\(context.tenant.slug)"
    json.member("id", client.id.description)
    json.member("name", client.name)
    json.member("identity_application_id", client.applicationID.description)
    json.member("provider", client.provider)
    json.member("app_id", client.appID)
    json.member("open_platform_account", client.openPlatformAccount)
    json.member("scopes", client.scopes)
    json.member("property_map", raw: client.propertyMap.stored.utf8)
    json.member("enabled", client.isEnabled)
    json.member("credential_status", client.credentialStatus)
    json.key("credential_error")
    if let error = client.credentialError { json.raw(error.utf8) } else { json.null() }
    json.member("push_url", "\(tenant)/wechat/push/\(client.id)")
    // Only browsers are called back.
    let isForBrowsers = [ClientDetails.Provider.web, .officialAccount].map(\.rawValue).contains(client.provider)
    let callback = "\(tenant)/i/\(client.applicationSlug)/wechat/callback/\(client.id)"
    json.member("callback_url", isForBrowsers ? callback : nil)
    json.member("created_at", client.createdAt)
    json.member("updated_at", client.updatedAt)
  }
}
