import FoundationEssentials
import HTTPTypes
import Hummingbird
import Identity
import JSON
import OAuth
import Tenancy

/// `identity-applications` of a tenant.
struct ApplicationRoutes: Sendable {
  let applications: Applications
  let cursors: Cursors

  private static let life = FieldType<Int>.integer(5...31_536_000)
  private static let retention = FieldType<Int>.integer(0...31_536_000)

  private static let resources = FieldType<[String]>.array(
    of: FieldType<String>.text(1...2048).constrained("must be an absolute URI without a fragment") {
      WebAddress($0)?.hasFragment == false
    }, count: 0...50)

  private struct New: Sendable {
    let name: String
    let slug: String
    let values: ApplicationDetails.Values

    init(_ fields: inout FieldReader) {
      name = fields.required("name", .text(1...200))
      slug = fields.required("slug", .slug)
      var values = ApplicationDetails.Values()
      values.enrollment = fields.optional("enrollment", .enumeration(), default: values.enrollment)
      values.phoneMatching = fields.optional("phone_matching", .enumeration(), default: values.phoneMatching)
      values.signingAlgorithm = fields.optional("signing_alg", .enumeration(), default: values.signingAlgorithm)
      values.accessTokenTTL = fields.optional("access_token_ttl", life, default: values.accessTokenTTL)
      values.idTokenTTL = fields.optional("id_token_ttl", life, default: values.idTokenTTL)
      values.refreshTokenTTL = fields.optional("refresh_token_ttl", life, default: values.refreshTokenTTL)
      values.refreshTokenIdleTTL = fields.optional("refresh_token_idle_ttl", life, default: values.refreshTokenIdleTTL)
      values.sessionTTL = fields.optional("session_ttl", life, default: values.sessionTTL)
      values.sessionIdleTTL = fields.optional("session_idle_ttl", life, default: values.sessionIdleTTL)
      values.reconcileEvery = fields.optional("reconcile_every", life)
      values.sessionRetention = fields.optional("session_retention", retention, default: values.sessionRetention)
      values.resources = fields.optional("resources", resources, default: [])
      values.mfa = fields.optional("mfa", .enumeration(), default: values.mfa)
      values.branding = fields.optional("branding", BrandingFields.whole)
      self.values = values
    }
  }

  private static func patch(_ fields: inout FieldReader) -> ApplicationPatch {
    var patch = ApplicationPatch()
    patch.name = fields.replacement("name", .text(1...200))
    patch.slug = fields.replacement("slug", .slug)
    patch.enrollment = fields.replacement("enrollment", .enumeration())
    patch.phoneMatching = fields.replacement("phone_matching", .enumeration())
    patch.signingAlgorithm = fields.replacement("signing_alg", .enumeration())
    for name in [
      "access_token_ttl", "id_token_ttl", "refresh_token_ttl", "refresh_token_idle_ttl", "session_ttl",
      "session_idle_ttl",
    ] {
      patch.lives[name] = fields.replacement(name, life)
    }
    patch.lives["session_retention"] = fields.replacement("session_retention", retention)
    patch.reconcileEvery = fields.change("reconcile_every", life)
    patch.resources = fields.replacement("resources", resources)
    patch.mfa = fields.replacement("mfa", .enumeration())
    patch.branding = fields.change("branding", BrandingFields.patch)
    return patch
  }

  var endpoints: [Endpoint<ManagementContext>] {
    [
      .get("identity-applications", "list_identity_applications", .tenantRead, query: ListRequest.schema) {
        request, context in
        let list = try ListRequest(request, cursors, "identity-applications", tenant: context.tenant.id.uuid) { _ in }
        let found = try await applications.list(list.slice, in: context.database)
        return list.response(found, id: \.id.uuid) { application, json in
          write(application, context, to: &json)
        }
      },
      .post(
        "identity-applications", "create_identity_application", .tenantWrite, body: FieldReader.schema(of: New.init),
        create),
      .get("identity-applications/{id}", "get_identity_application", .tenantRead) { request, context in
        try QueryParameters.none(request)
        return answer(request, context, try await applications.find(try context.id(), in: context.database))
      },
      .patch(
        "identity-applications/{id}", "update_identity_application", .tenantWrite,
        body: FieldReader.schema(of: Self.patch)
      ) { request, context in
        try QueryParameters.none(request)
        let patch = try await JSONBody.read(request, patch: true, Self.patch)
        let changed = try await applications.update(
          try context.id(), patch, versions: Precondition(request).versions, in: context.database,
          author: context.author)
        return answer(request, context, changed)
      },
      .delete(
        "identity-applications/{id}", "delete_identity_application", .tenantWrite,
        query: FieldReader.schema { $0.optional("force", .word) }
      ) { request, context in
        let force = try QueryParameters(request).read { $0.optional("force", .word) } ?? false
        try await applications.delete(
          try context.id(), force: force, versions: Precondition(request).versions, in: context.database,
          author: context.author)
        return Response(status: .noContent)
      },
      .post(
        "identity-applications/{id}/rotate-signing-key", "rotate_signing_key", .tenantWrite, status: .ok
      ) { request, context in
        try QueryParameters.none(request)
        let rotated = try await applications.rotateKey(
          of: try context.id(), in: context.database, author: context.author)
        return answer(request, context, rotated)
      },
    ]
  }

  @Sendable private func create(_ request: Request, _ context: ManagementContext) async throws -> Response {
    try QueryParameters.none(request)
    let new = try await JSONBody.read(request, New.init)
    let created = try await applications.create(
      name: new.name, slug: new.slug, values: new.values, in: context.database, author: context.author)
    return answer(
      request, context, created, status: .created, headers: [.location: "\(request.uri.path)/\(created.id)"])
  }

  private func answer(
    _ request: Request, _ context: ManagementContext, _ application: ApplicationDetails,
    status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
  ) -> Response {
    .resource(request, status: status, tag: EntityTag(version: application.version), headers: headers) {
      JSONWriter.object { write(application, context, to: &$0) }
    }
  }

  private func write(_ application: ApplicationDetails, _ context: ManagementContext, to json: inout JSONWriter) {
    let values = application.settings
    json.member("id", application.id.description)
    json.member("name", application.name)
    json.member("slug", application.slug)
    json.member("issuer", applications.issuer(application, tenant: context.tenant))
    json.member("enrollment", values.enrollment.rawValue)
    json.member("phone_matching", values.phoneMatching.rawValue)
    json.member("signing_alg", values.signingAlgorithm.rawValue)
    json.member("access_token_ttl", values.accessTokenTTL)
    json.member("id_token_ttl", values.idTokenTTL)
    json.member("refresh_token_ttl", values.refreshTokenTTL)
    json.member("refresh_token_idle_ttl", values.refreshTokenIdleTTL)
    json.member("session_ttl", values.sessionTTL)
    json.member("session_idle_ttl", values.sessionIdleTTL)
    json.key("reconcile_every")
    if let seconds = values.reconcileEvery { json.integer(seconds) } else { json.null() }
    json.member("session_retention", values.sessionRetention)
    json.member("resources", values.resources)
    json.member("mfa", values.mfa.rawValue)
    json.key("branding")
    if let branding = values.branding { BrandingFields.write(branding, to: &json) } else { json.null() }
    json.member("created_at", application.createdAt)
    json.member("updated_at", application.updatedAt)
  }
}
