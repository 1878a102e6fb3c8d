import Hummingbird
import Tenancy

/// Finds the tenant named in the path. The only way to a `TenantContext`.
struct TenantMiddleware: RouterMiddleware {
  typealias Context = QiaoRequestContext

  let directory: TenantDirectory
  let database: Database
  /// Of each tenant.
  let limit: RateLimiter?

  func handle(
    _ request: Request, context: QiaoRequestContext,
    next: (Request, QiaoRequestContext) async throws -> Response
  ) async throws -> Response {
    var context = context
    let slug = context.parameters.get("tenant") ?? ""
    do throws(TenantDirectory.Refusal) {
      let scope = try await directory.scope(slug: slug)
      context.tenant = database.scoped(to: scope)
    } catch {
      throw Problem(error)
    }
    // Known only now: a name nobody has must not take room in the limiter.
    try limit.admit(slug)
    return try await next(request, context)
  }
}

extension Problem {
  /// What a caller is told when there is no scope.
  init(_ refusal: TenantDirectory.Refusal) {
    switch refusal {
    case .notFound: self = .notFound
    case .suspended: self = .tenantSuspended
    case .database: self = .unavailable()
    }
  }
}
