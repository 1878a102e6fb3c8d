import FoundationEssentials
import Query
import Tenancy

/// A tenant as the operator sees it.
public struct TenantDetails: Sendable {
  /// Whether its endpoints answer.
  public enum Status: String, Sendable, CaseIterable {
    /// They do.
    case active
    /// They answer 403 `tenant_suspended`, and workers skip it.
    case suspended
  }

  /// The tenant.
  public let id: ID<Tenant>
  /// Its name in addresses.
  public let slug: String
  /// For people.
  public let name: String
  /// Whether it may be used.
  public let status: String
  /// Its own host names.
  public let domains: [String]
  /// Counts the changes of the row.
  public let version: Int
  /// When it was made.
  public let createdAt: Date
  /// When it changed last.
  public let updatedAt: Date

  /// Reads the columns `id, slug, name, status, domains, version, created_at, updated_at`.
  init(_ row: inout Row) throws(DecodingFault) {
    id = try row.next()
    slug = try row.next()
    name = try row.next()
    status = try row.next()
    domains = try row.next(ColumnArray<String>.self).elements
    version = try row.next()
    createdAt = try row.next()
    updatedAt = try row.next()
  }
}
