import Query

/// A tenant: a SaaS customer. Everything but the operator's things lives inside exactly one.
public enum Tenant {}

/// The proof that a request, a job or a command acts for one tenant.
///
/// It comes from `TenantDirectory`, which finds it by a path or a host, or from a row of the database; whoever holds a scope cannot
/// have invented it. It does not say that the tenant is still active: the database checks that in each batch.
public struct TenantScope: Sendable, Hashable {
  /// The tenant.
  public let id: ID<Tenant>
  /// Its name in addresses.
  public let slug: String

  init(id: ID<Tenant>, slug: String) {
    self.id = id
    self.slug = slug
  }

  /// The tenant that a row names in its next two columns, `tenants.id` and `tenants.slug`.
  /// - Throws: `DecodingFault` when they are not there.
  public init(_ row: inout Row) throws(DecodingFault) {
    self.init(id: try row.next(), slug: try row.next())
  }
}
