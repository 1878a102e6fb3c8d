import FoundationEssentials
import Query
import Tenancy

/// Makes the transaction a tenant's before there is one, so that its first key and audit event pass the policies.
struct EnterNewTenant: SystemStatement {
  static let sql: SQL = "SELECT set_config('app.tenant_id', $1::text, true)"
  let tenant: ID<Tenant>

  func bind(to binder: inout Binder) { binder.bind(tenant.description) }
  static func decode(_ row: inout Row) throws(DecodingFault) {}
}

/// Makes the transaction the tenant's whose slug it is, suspended or not: only for what the operator does.
struct EnterTenantBySlug: SystemStatement {
  static let sql: SQL = "SELECT set_config('app.tenant_id', id::text, true) FROM tenants WHERE slug = $1"
  let slug: String

  func bind(to binder: inout Binder) { binder.bind(slug) }
  static func decode(_ row: inout Row) throws(DecodingFault) {}
}

/// Creates a tenant with its first key.
struct InsertTenant: SystemStatement {
  static let sql: SQL = """
    WITH created AS (
      INSERT INTO tenants (id, slug, name) VALUES ($5, $6, $7)
      RETURNING id, slug, name, status, version, created_at, updated_at
    ), keyed AS (
      INSERT INTO api_keys (tenant_id, id, name, key_hash, scopes) SELECT id, $8, 'first key', $9, $10 FROM created
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id)
      SELECT id, $1, 'tenant.created', $2, $3, $4, 'tenant', id::text FROM created
    )
    SELECT id, slug, name, status, '{}'::text[], version, created_at, updated_at FROM created
    """
  let author: Author
  let tenant: ID<Tenant>
  let slug: String
  let name: String
  let key: ID<APIKey>
  let keyHash: [UInt8]
  let scopes: [String]

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(tenant)
    binder.bind(slug)
    binder.bind(name)
    binder.bind(key)
    binder.bind(keyHash)
    binder.bind(ColumnArray(scopes))
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> TenantDetails { try TenantDetails(&row) }
}

/// Tenants, newest first.
struct ListTenants: SystemStatement {
  static let sql: SQL = """
    SELECT t.id, t.slug, t.name, t.status,
      ARRAY(SELECT host FROM tenant_domains d WHERE d.tenant_id = t.id ORDER BY host), t.version, t.created_at, t.updated_at
    FROM tenants t WHERE ($1::uuid IS NULL OR t.id < $1)
    ORDER BY t.id DESC LIMIT $2
    """
  let slice: ListSlice

  func bind(to binder: inout Binder) { binder.bind(slice) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> TenantDetails { try TenantDetails(&row) }
}

/// One tenant.
struct FindTenantDetails: SystemStatement {
  static let sql: SQL = """
    SELECT t.id, t.slug, t.name, t.status,
      ARRAY(SELECT host FROM tenant_domains d WHERE d.tenant_id = t.id ORDER BY host), t.version, t.created_at, t.updated_at
    FROM tenants t WHERE t.slug = $1
    """
  let slug: String

  func bind(to binder: inout Binder) { binder.bind(slug) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> TenantDetails { try TenantDetails(&row) }
}

/// Changes a tenant; `domains` replaces all its host names.
struct UpdateTenant: SystemStatement {
  static let sql: SQL = """
    WITH target AS (
      SELECT id FROM tenants WHERE slug = $5
    ), changed AS (
      UPDATE tenants SET name = coalesce($7, name), status = coalesce($8, status), version = version + 1, updated_at = now()
      WHERE slug = $5 AND ($6::bigint[] IS NULL OR version = ANY ($6))
      RETURNING id, slug, name, status, version, created_at, updated_at
    ), dropped AS (
      DELETE FROM tenant_domains d USING changed c
      WHERE d.tenant_id = c.id AND $9::text[] IS NOT NULL AND d.host <> ALL ($9)
    ), added AS (
      INSERT INTO tenant_domains (host, tenant_id)
      SELECT h, c.id FROM changed c, unnest($9::text[]) AS h
      WHERE NOT EXISTS (SELECT FROM tenant_domains d WHERE d.tenant_id = c.id AND d.host = h)
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id, details)
      SELECT id, $1, 'tenant.updated', $2, $3, $4, 'tenant', id::text, jsonb_build_object('status', status) FROM changed
    )
    SELECT EXISTS (SELECT FROM target), c.id IS NOT NULL, c.id, c.slug, c.name, c.status,
      CASE WHEN $9::text[] IS NULL THEN ARRAY(SELECT host FROM tenant_domains d WHERE d.tenant_id = c.id ORDER BY host)
        ELSE ARRAY(SELECT h FROM unnest($9::text[]) AS h ORDER BY h) END,
      c.version, c.created_at, c.updated_at
    FROM (SELECT) AS one LEFT JOIN changed c ON true
    """
  let author: Author
  let slug: String
  let versions: [Int]?
  let name: String?
  let status: TenantDetails.Status?
  let domains: [String]?

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(slug)
    binder.bind(versions: versions)
    binder.bind(name)
    binder.bind(status?.rawValue)
    binder.bind(domains.map { ColumnArray($0) })
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Written<TenantDetails> {
    try Written(&row) { row throws(DecodingFault) in try TenantDetails(&row) }
  }
}

/// Takes a tenant away at once and leaves its rows to be erased.
struct DeleteTenant: SystemStatement {
  static let sql: SQL = """
    WITH target AS (
      SELECT id FROM tenants WHERE slug = $1
    ), deleted AS (
      DELETE FROM tenants WHERE slug = $1 AND ($2::bigint[] IS NULL OR version = ANY ($2)) RETURNING id
    ), erasing AS (
      INSERT INTO tenant_erasures (tenant_id) SELECT id FROM deleted
    )
    SELECT EXISTS (SELECT FROM target), EXISTS (SELECT FROM deleted)
    """
  let slug: String
  let versions: [Int]?

  func bind(to binder: inout Binder) {
    binder.bind(slug)
    binder.bind(versions: versions)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Written<Void> {
    try Written(&row) { _ throws(DecodingFault) in () }
  }
}
