import Query

/// What the directory knows of a tenant.
struct TenantEntry: Sendable {
  let scope: TenantScope
  let isActive: Bool
}

/// Finds a tenant by its slug.
struct FindTenantBySlug: SystemStatement {
  static let sql: SQL = "SELECT id, slug, status = 'active' FROM tenants WHERE slug = $1"
  let slug: String

  func bind(to binder: inout Binder) { binder.bind(slug) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> TenantEntry {
    TenantEntry(scope: try TenantScope(&row), isActive: try row.next())
  }
}

/// Finds the tenant that owns a host name.
struct FindTenantByHost: SystemStatement {
  static let sql: SQL = """
    SELECT t.id, t.slug, t.status = 'active' FROM tenant_domains d JOIN tenants t ON t.id = d.tenant_id WHERE d.host = $1
    """
  let host: String

  func bind(to binder: inout Binder) { binder.bind(host) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> TenantEntry {
    try FindTenantBySlug.decode(&row)
  }
}
