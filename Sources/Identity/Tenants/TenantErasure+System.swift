import Query
import Tenancy

/// Erases what a deleted tenant left behind.
///
/// A request that had entered before the delete may still write, so a tenant is erased again until ten seconds have passed.
public struct TenantErasure: Sendable {
  private let database: Database

  /// An erasure in `database`.
  public init(database: Database) { self.database = database }

  /// Erases the rows of up to ten deleted tenants; safe to run anywhere at any time, several times at once.
  /// - Returns: how many were worked on.
  /// - Throws: `DatabaseError`.
  public func run() async throws(DatabaseError) -> Int {
    let tenants = try await database.run(ListErasures(), repeatable: true)
    for tenant in tenants {
      _ = try await database.run(EnterErasedTenant(tenant: tenant), EraseTenant(tenant: tenant), repeatable: true)
    }
    return tenants.count
  }
}

/// Deleted tenants with rows left, the longest waiting first.
struct ListErasures: SystemStatement {
  static let sql: SQL = "SELECT tenant_id FROM tenant_erasures ORDER BY requested_at LIMIT 10"

  static func decode(_ row: inout Row) throws(DecodingFault) -> ID<Tenant> { try row.next() }
}

/// Makes the transaction a deleted tenant's; never a living one's.
struct EnterErasedTenant: SystemStatement {
  static let sql: SQL = """
    SELECT set_config('app.tenant_id', tenant_id::text, true) FROM tenant_erasures e
    WHERE tenant_id = $1 AND NOT EXISTS (SELECT FROM tenants t WHERE t.id = e.tenant_id)
    """
  let tenant: ID<Tenant>

  func bind(to binder: inout Binder) { binder.bind(tenant) }
  static func decode(_ row: inout Row) throws(DecodingFault) {}
}

/// Deletes every row of the tenant in one statement, so that foreign keys are checked when all are gone.
struct EraseTenant: SystemStatement {
  static let sql: SQL = """
    WITH a AS (DELETE FROM sessions WHERE tenant_id = current_tenant()),
      b AS (DELETE FROM grants WHERE tenant_id = current_tenant()),
      c AS (DELETE FROM federation_transactions WHERE tenant_id = current_tenant()),
      d AS (DELETE FROM audit_events WHERE tenant_id = current_tenant()),
      e AS (DELETE FROM wechat_code_exchanges WHERE tenant_id = current_tenant()),
      f AS (DELETE FROM revoked_access_tokens WHERE tenant_id = current_tenant()),
      g AS (DELETE FROM idempotency_keys WHERE tenant_id = current_tenant()),
      h AS (DELETE FROM unified_identities WHERE tenant_id = current_tenant()),
      i AS (DELETE FROM federated_identities WHERE tenant_id = current_tenant()),
      j AS (DELETE FROM users WHERE tenant_id = current_tenant()),
      k AS (DELETE FROM wechat_app_tokens WHERE tenant_id = current_tenant()),
      q AS (DELETE FROM app_token_schedule WHERE tenant_id = current_tenant()),
      l AS (DELETE FROM third_party_authz_clients WHERE tenant_id = current_tenant()),
      m AS (DELETE FROM oauth_clients WHERE tenant_id = current_tenant()),
      n AS (DELETE FROM signing_keys WHERE tenant_id = current_tenant()),
      o AS (DELETE FROM identity_applications WHERE tenant_id = current_tenant()),
      p AS (DELETE FROM api_keys WHERE tenant_id = current_tenant()),
      r AS (DELETE FROM reconciliation_items WHERE tenant_id = current_tenant()),
      s AS (DELETE FROM reconciliations WHERE tenant_id = current_tenant()),
      t AS (DELETE FROM reconciliation_claims WHERE tenant_id = current_tenant()),
      u AS (DELETE FROM application_schedules WHERE tenant_id = current_tenant())
    DELETE FROM tenant_erasures
    WHERE tenant_id = $1 AND tenant_id = current_tenant() AND requested_at < now() - interval '10 seconds'
    """
  let tenant: ID<Tenant>

  func bind(to binder: inout Binder) { binder.bind(tenant) }
}
