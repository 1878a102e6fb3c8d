import FoundationEssentials
import HTTPTypes
import Hummingbird
import Identity
import JSON
import Tenancy

/// `api-keys` of a tenant.
struct APIKeyRoutes: Sendable {
  let cursors: Cursors
  let now: @Sendable () -> Date

  private struct New: Sendable {
    let name: String
    let scopes: [APIScope]
    let expiresAt: Date?

    init(_ fields: inout FieldReader, now: Date) {
      name = fields.required("name", .text(1...200))
      scopes = fields.required("scopes", .array(of: .enumeration(APIScope.self), count: 1...50))
      expiresAt = fields.optional("expires_at", FieldType.time.constrained("must be in the future") { $0 > now })
    }
  }

  var endpoints: [Endpoint<ManagementContext>] {
    let now = now
    return [
      .get("api-keys", "list_api_keys", .tenantRead, query: ListRequest.schema) { request, context in
        let list = try ListRequest(request, cursors, "api-keys", tenant: context.tenant.id.uuid) { _ in }
        let keys = try await APIKeys(context.database).list(list.slice)
        return list.response(keys, id: \.id.uuid) { $0.writeMembers(to: &$1) }
      },
      .post(
        "api-keys", "create_api_key", .keysWrite,
        body: FieldReader.schema { New(&$0, now: Date(timeIntervalSince1970: 0)) }
      ) { request, context in
        try QueryParameters.none(request)
        let new = try await JSONBody.read(request) { New(&$0, now: now()) }
        let minted = try await APIKeys(context.database).mint(
          name: new.name, scopes: new.scopes, expiresAt: new.expiresAt, by: context.key, author: context.author)
        return Self.answer(request, minted)
      },
      .get("api-keys/{id}", "get_api_key", .tenantRead) { request, context in
        try QueryParameters.none(request)
        return Self.answer(request, try await APIKeys(context.database).find(try context.id()))
      },
      .patch(
        "api-keys/{id}", "update_api_key", .keysWrite, body: FieldReader.schema(of: Self.patch)
      ) { request, context in
        try QueryParameters.none(request)
        let name = try await JSONBody.read(request, patch: true, Self.patch)
        let key = try await APIKeys(context.database).rename(
          try context.id(), to: name, versions: Precondition(request).versions, author: context.author)
        return Self.answer(request, key)
      },
      .delete("api-keys/{id}", "delete_api_key", .keysWrite) { request, context in
        try QueryParameters.none(request)
        try await APIKeys(context.database).delete(
          try context.id(), versions: Precondition(request).versions, author: context.author)
        return Response(status: .noContent)
      },
    ]
  }

  private static func patch(_ fields: inout FieldReader) -> String? { fields.replacement("name", .text(1...200)) }

  private static func answer(_ request: Request, _ key: APIKeyDetails) -> Response {
    .resource(request, tag: EntityTag(version: key.version)) { JSONWriter.object { key.writeMembers(to: &$0) } }
  }

  private static func answer(_ request: Request, _ minted: APIKeys.Minted) -> Response {
    let tag = EntityTag(version: minted.details.version)
    let headers: HTTPFields = [.location: "\(request.uri.path)/\(minted.details.id)"]
    return .resource(request, status: .created, tag: tag, headers: headers) {
      JSONWriter.object { json in
        minted.details.writeMembers(to: &json)
        json.member("key", minted.key.expose())
      }
    }
  }
}

extension APIKeyDetails {
  func writeMembers(to json: inout JSONWriter) {
    json.member("id", id.description)
    json.member("name", name)
    json.member("scopes", scopes)
    json.member("expires_at", expiresAt)
    json.member("created_at", createdAt)
    json.member("updated_at", updatedAt)
  }
}
