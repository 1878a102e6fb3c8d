import Hummingbird
import Identity

/// Answers `404` for an application that does not exist.
///
/// Statements find the application by its slug themselves, so only who was refused asks whether there is one: a request that
/// succeeds pays nothing for it.
struct UnknownIssuer: RouterMiddleware {
  typealias Context = TenantContext

  let issuers: Issuers

  func handle(
    _ request: Request, context: TenantContext, next: (Request, TenantContext) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch  where HeadedError.cause(of: error) is OAuthProblem {
      guard let slug = context.parameters.get("application"),
        try await issuers.find(slug, in: context.database) != nil
      else { throw Problem.notFound }
      throw error
    }
  }
}
