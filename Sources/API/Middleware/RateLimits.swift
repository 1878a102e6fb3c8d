/// The limits that are set, one limiter each; what is `nil` is not limited.
public struct RateLimits: Sendable {
  /// Of the operator API, right or wrong token alike.
  public var forOperator: RateLimiter?
  /// Of each tenant.
  public var tenant: RateLimiter?
  /// Of each client of a tenant, at the federation and OAuth endpoints.
  public var client: RateLimiter?
  /// Of each caller's address.
  public var address: RateLimiter?

  /// No limits.
  public init() {}
}

extension RateLimiter? {
  /// Takes one request of `key`.
  /// - Throws: `Problem` 429 with `Retry-After`.
  func admit(_ key: @autoclosure () -> String) throws(Problem) {
    guard let self, let seconds = self.take(key()) else { return }
    throw .rateLimited(retryAfter: seconds)
  }
}
