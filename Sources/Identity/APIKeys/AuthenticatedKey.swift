import Tenancy

/// An API key of the tenant.
public enum APIKey {}

/// The key that a request authenticated with, and what it may do.
public struct AuthenticatedKey: Sendable {
  /// The key.
  public let id: ID<APIKey>
  /// Its scopes.
  public let scopes: Set<String>
}
