import Hummingbird
import Identity
import Query
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
    do {
      return try await next(request, context)
    } catch  where DatabaseError(behind: error) == .tenantUnavailable {
      throw await changed(slug)
    } catch  where DatabaseError(behind: error) == nil {
      // Refused before any batch, perhaps: a suspended tenant answers that it is, whatever else is wrong with the request.
      do throws(TenantDirectory.Refusal) {
        _ = try await directory.freshScope(slug: slug)
      } catch .database {
        throw error
      } catch let refusal {
        throw Problem(refusal)
      }
      throw error
    }
  }

  /// What became of a tenant that a batch could not enter any more.
  private func changed(_ slug: String) async -> Problem {
    directory.forget(slug: slug)
    do throws(TenantDirectory.Refusal) {
      _ = try await directory.scope(slug: slug)
    } catch {
      return Problem(error)
    }
    // Another tenant of this name, or the same one active again.
    return .unavailable()
  }
}

extension DatabaseError {
  /// The fault of the database that an error of the use cases stands for, if it is one.
  init?(behind error: any Error) {
    let fault: IdentityFault? =
      switch HeadedError.cause(of: error) {
      case let error as DatabaseError: .database(error)
      case let fault as IdentityFault: fault
      case FederationRefusal.fault(let fault): fault
      case let refusal as ManagementRefusal: refusal.fault
      case let failed as PageError: DatabaseError(behind: failed.error).map { .database($0) }
      case OAuthRefusal.fault(let fault): fault
      case let headed as HeadedError: DatabaseError(behind: headed.error).map { .database($0) }
      default: nil
      }
    guard case .database(let error) = fault else { return nil }
    self = error
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
