/// A tenant: a SaaS customer. Everything but the operator's things lives inside exactly one.
public enum Tenant {}

/// The proof that a request, a job or a command acts for one tenant.
///
/// Only `TenantDirectory` makes one, from a path, a host or a row; whoever holds a scope cannot have invented it. It does not
/// say that the tenant is still active: the database checks that in each batch.
public struct TenantScope: Sendable, Hashable {
  /// The tenant.
  public let id: ID<Tenant>
  /// Its name in addresses.
  public let slug: String

  init(id: ID<Tenant>, slug: String) {
    self.id = id
    self.slug = slug
  }
}
