import HTTPTypes
import Hummingbird
import Identity
import JSON

/// `/v1/tenants`, for the operator.
struct TenantRoutes: Sendable {
  let tenants: Tenants
  let cursors: Cursors

  private struct New: Sendable {
    let slug: String
    let name: String

    init(_ fields: inout FieldReader) {
      slug = fields.required("slug", .slug)
      name = fields.required("name", .text(1...200))
    }
  }

  private struct Patch: Sendable {
    let name: String?
    let status: TenantDetails.Status?
    let domains: [String]?

    init(_ fields: inout FieldReader) {
      name = fields.replacement("name", .text(1...200))
      status = fields.replacement("status", .enumeration())
      domains = fields.replacement("domains", .array(of: .hostName, count: 0...50))
    }
  }

  var endpoints: [Endpoint<OperatorContext>] {
    [
      .get("tenants", "list_tenants", nil, query: ListRequest.schema) { request, _ in try await list(request) },
      .post("tenants", "create_tenant", nil, body: FieldReader.schema(of: New.init), create),
      .get("tenants/{slug}", "get_tenant", nil) { request, context in
        try QueryParameters.none(request)
        return Self.answer(request, try await tenants.find(try Self.slug(context)))
      },
      .patch("tenants/{slug}", "update_tenant", nil, body: FieldReader.schema(of: Patch.init), update),
      .delete("tenants/{slug}", "delete_tenant", nil, status: .accepted) { request, context in
        try QueryParameters.none(request)
        try await tenants.delete(try Self.slug(context), versions: Precondition(request).versions)
        return Response(status: .accepted)
      },
    ]
  }

  private func list(_ request: Request) async throws -> Response {
    let list = try ListRequest(request, cursors, "tenants", tenant: nil) { _ in }
    return list.response(try await tenants.list(list.slice), id: \.id.uuid) { $0.writeMembers(to: &$1) }
  }

  @Sendable private func create(_ request: Request, _ context: OperatorContext) async throws -> Response {
    try QueryParameters.none(request)
    let new = try await JSONBody.read(request, New.init)
    let created = try await tenants.create(slug: new.slug, name: new.name, author: context.author)
    let headers: HTTPFields = [.location: "/v1/tenants/\(new.slug)"]
    return .resource(request, status: .created, tag: EntityTag(version: created.tenant.version), headers: headers) {
      JSONWriter.object { json in
        created.tenant.writeMembers(to: &json)
        json.key("api_key")
        json.beginObject()
        json.member("id", created.keyID.description)
        json.member("key", created.key.expose())
        json.endObject()
      }
    }
  }

  @Sendable private func update(_ request: Request, _ context: OperatorContext) async throws -> Response {
    try QueryParameters.none(request)
    let patch = try await JSONBody.read(request, patch: true, Patch.init)
    let tenant = try await tenants.update(
      try Self.slug(context), name: patch.name, status: patch.status, domains: patch.domains,
      versions: Precondition(request).versions, author: context.author)
    return Self.answer(request, tenant)
  }

  private static func slug(_ context: OperatorContext) throws -> String {
    guard let slug = context.parameters.get("slug") else { throw Problem.notFound }
    return slug
  }

  private static func answer(_ request: Request, _ tenant: TenantDetails) -> Response {
    .resource(request, tag: EntityTag(version: tenant.version)) {
      JSONWriter.object { tenant.writeMembers(to: &$0) }
    }
  }
}

extension TenantDetails {
  func writeMembers(to json: inout JSONWriter) {
    json.member("id", id.description)
    json.member("slug", slug)
    json.member("name", name)
    json.member("status", status)
    json.member("domains", domains)
    json.member("created_at", createdAt)
    json.member("updated_at", updatedAt)
  }
}
