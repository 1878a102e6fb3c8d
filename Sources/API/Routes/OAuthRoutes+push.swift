import Hummingbird
import Identity
import JSON

extension OAuthRoutes {
  /// The pushed authorization request endpoint (RFC 9126 section 2).
  @Sendable func push(_ request: Request, _ context: TenantContext) async throws -> Response {
    try await withNonce(request) { try await pushed(request, context) }
  }

  private func pushed(_ request: Request, _ context: TenantContext) async throws -> Response {
    var asked = try await read(request, context, application: try application(context))
    asked.proof = try proof(request)
    let pushed = try await oauth { () async throws(OAuthRefusal) in
      try await authorization.push(asked, in: context.database)
    }
    return .json(.created) { json in
      json.member("request_uri", pushed.uri.expose())
      json.member("expires_in", PushedRequest.lifetime)
    }
  }
}
