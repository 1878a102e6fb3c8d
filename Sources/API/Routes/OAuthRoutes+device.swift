import Hummingbird
import Identity
import JSON

extension OAuthRoutes {
  /// The device authorization endpoint (RFC 8628 section 3.1).
  @Sendable func authorizeDevice(_ request: Request, _ context: TenantContext) async throws -> Response {
    let issuer = try await application(context)
    let asked = try await read(request, context, application: issuer.id)
    let made = try await oauth { () async throws(OAuthRefusal) in
      try await endpoint.authorizeDevice(asked, slug: issuer.slug, in: context.database)
    }
    return .json { made.write(to: &$0) }
  }
}
