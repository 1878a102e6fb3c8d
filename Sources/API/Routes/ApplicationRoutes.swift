import HTTPTypes
import Hummingbird
import Identity
import JSON
import Secrets
import Tenancy

/// `identity-applications` of a tenant.
struct ApplicationRoutes: Sendable {
  let ring: KeyRing
  let cursors: Cursors
  let publicURL: String

  private struct New: Sendable {
    let slug: String
    let settings: ApplicationChange

    init(_ fields: inout FieldReader) {
      slug = fields.required("slug", .slug)
      var settings = ApplicationRoutes.settings(&fields)
      settings.name = fields.required("name", .text(1...200))
      settings.reconcileEvery = fields.change("reconcile_every", .integer(5...31_536_000))
      self.settings = settings
    }
  }

  var endpoints: [Endpoint<ManagementContext>] {
    [
      .get("identity-applications", "list_identity_applications", .tenantRead, query: ListRequest.schema) {
        request, context in
        let list = try ListRequest(request, cursors, "identity-applications", tenant: context.tenant.id.uuid) { _ in }
        let found = try await applications(context).list(list.slice)
        return list.response(found, id: \.id.uuid) { application, json in
          json.beginObject()
          write(application, of: context.tenant, to: &json)
          json.endObject()
        }
      },
      .post(
        "identity-applications", "create_identity_application", .tenantWrite, body: FieldReader.schema(of: New.init)
      ) { request, context in
        try QueryParameters.none(request)
        let new = try await JSONBody.read(request, New.init)
        let made = try await applications(context).create(slug: new.slug, new.settings, author: context.author)
        return answer(request, made, context, status: .created)
      },
      .get("identity-applications/{id}", "get_identity_application", .tenantRead) { request, context in
        try QueryParameters.none(request)
        return answer(request, try await applications(context).find(try context.id()), context)
      },
      .patch(
        "identity-applications/{id}", "update_identity_application", .tenantWrite,
        body: FieldReader.schema(of: Self.patch)
      ) { request, context in
        try QueryParameters.none(request)
        let change = try await JSONBody.read(request, patch: true, Self.patch)
        let changed = try await applications(context).update(
          try context.id(), change, versions: Precondition(request).versions, author: context.author)
        return answer(request, changed, context)
      },
      .delete(
        "identity-applications/{id}", "delete_identity_application", .tenantWrite,
        query: FieldReader.schema(of: Self.force)
      ) { request, context in
        let force = try QueryParameters(request).read(Self.force)
        try await applications(context).delete(
          try context.id(), force: force, versions: Precondition(request).versions, author: context.author)
        return Response(status: .noContent)
      },
    ]
  }

  private func applications(_ context: ManagementContext) -> Applications { Applications(context.database, ring: ring) }

  private static func force(_ fields: inout FieldReader) -> Bool { fields.optional("force", .word, default: false) }

  private static func patch(_ fields: inout FieldReader) -> ApplicationChange {
    var change = settings(&fields)
    change.name = fields.replacement("name", .text(1...200))
    change.reconcileEvery = fields.change("reconcile_every", .integer(5...31_536_000))
    return change
  }

  /// What a new application and a patch have in common.
  private static func settings(_ fields: inout FieldReader) -> ApplicationChange {
    var settings = ApplicationChange()
    let life = FieldType.integer(5...31_536_000)
    settings.enrollment = fields.replacement("enrollment", .enumeration())
    settings.phoneMatching = fields.replacement("phone_matching", .enumeration())
    settings.signingAlgorithm = fields.replacement("signing_alg", .enumeration())
    settings.accessToken = fields.replacement("access_token_ttl", life)
    settings.idToken = fields.replacement("id_token_ttl", life)
    settings.refreshToken = fields.replacement("refresh_token_ttl", life)
    settings.refreshTokenIdle = fields.replacement("refresh_token_idle_ttl", life)
    settings.session = fields.replacement("session_ttl", life)
    settings.sessionIdle = fields.replacement("session_idle_ttl", life)
    settings.sessionRetention = fields.replacement("session_retention", .integer(0...31_536_000))
    return settings
  }

  private func answer(
    _ request: Request, _ application: ApplicationDetails, _ context: ManagementContext,
    status: HTTPResponse.Status = .ok
  ) -> Response {
    let headers: HTTPFields = status == .created ? [.location: "\(request.uri.path)/\(application.id)"] : [:]
    return .resource(request, status: status, tag: EntityTag(version: application.version), headers: headers) {
      JSONWriter.object { write(application, of: context.tenant, to: &$0) }
    }
  }

  private func write(_ application: ApplicationDetails, of tenant: TenantScope, to json: inout JSONWriter) {
    json.member("id", application.id.description)
    json.member("slug", application.slug)
    json.member("name", application.name)
    json.member("issuer", "\(publicURL)/t/\(tenant.slug)/i/\(application.slug)")
    json.member("enrollment", application.enrollment)
    json.member("phone_matching", application.phoneMatching)
    json.member("signing_alg", application.signingAlgorithm)
    json.member("access_token_ttl", application.lives.accessToken)
    json.member("id_token_ttl", application.lives.idToken)
    json.member("refresh_token_ttl", application.lives.refreshToken)
    json.member("refresh_token_idle_ttl", application.lives.refreshTokenIdle)
    json.member("session_ttl", application.lives.session)
    json.member("session_idle_ttl", application.lives.sessionIdle)
    json.member("reconcile_every", application.lives.reconcileEvery)
    json.member("session_retention", application.lives.sessionRetention)
    json.member("created_at", application.createdAt)
    json.member("updated_at", application.updatedAt)
  }
}
