import Hummingbird
import Identity
import JSON

extension OAuthRoutes {
  /// The device authorization endpoint (RFC 8628 section 3.1).
  @Sendable func authorizeDevice(_ request: Request, _ context: TenantContext) async throws -> Response {
    let asked = try await read(request, context, application: try application(context))
    let made = try await oauth { () async throws(OAuthRefusal) in
      try await endpoint.authorizeDevice(asked, in: context.database)
    }
    return .json { made.write(to: &$0) }
  }
}
