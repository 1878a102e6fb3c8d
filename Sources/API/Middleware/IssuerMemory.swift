import Hummingbird
import Identity

/// Forgets which application a slug was, when a request to it is refused: on another node it may be another one by now.
struct IssuerMemory: RouterMiddleware {
  typealias Context = TenantContext

  let issuers: Issuers

  func handle(
    _ request: Request, context: TenantContext, next: (Request, TenantContext) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch {
      if HeadedError.cause(of: error) is OAuthProblem, let slug = context.parameters.get("application") {
        issuers.forget(slug, of: context.tenant.id)
      }
      throw error
    }
  }
}
