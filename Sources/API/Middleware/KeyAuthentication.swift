import Hummingbird
import Identity
import Observability
import Secrets

/// Lets in who holds a live key of this very tenant; everybody else gets the one 401.
struct KeyAuthentication: RouterMiddleware {
  typealias Context = TenantContext

  func handle(
    _ request: Request, context: TenantContext, next: (Request, TenantContext) async throws -> Response
  ) async throws -> Response {
    guard let presented = BearerCredential.of(request) else { throw Problem.unauthorized }
    guard let key = try await APIKeys(context.database).authenticate(presented) else { throw Problem.unauthorized }
    var context = context
    context.apiKey = key
    return try await next(request, context)
  }
}

/// Lets in who holds the operator's token; without one in the settings, nobody.
struct OperatorAuthentication: RouterMiddleware {
  typealias Context = QiaoRequestContext

  let token: Secret<String>?
  let limit: RateLimiter?

  func handle(
    _ request: Request, context: QiaoRequestContext, next: (Request, QiaoRequestContext) async throws -> Response
  ) async throws -> Response {
    try limit.admit("operator")
    // Hashes have one length, so the time does not tell how long the token is.
    guard let token, let presented = BearerCredential.of(request),
      Digest.equal(Digest.sha256(presented.expose().utf8), Digest.sha256(token.expose().utf8))
    else { throw Problem.unauthorized }
    var context = context
    context.isOperator = true
    return try await next(request, context)
  }
}
