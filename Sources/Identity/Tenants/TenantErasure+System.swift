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
    WITH authorization_requests_gone AS (DELETE FROM authorization_requests WHERE tenant_id = current_tenant()),
      wechat_authorizations_gone AS (DELETE FROM wechat_authorizations WHERE tenant_id = current_tenant()),
      pushed_requests_gone AS (DELETE FROM pushed_requests WHERE tenant_id = current_tenant()),
      authorization_codes_gone AS (DELETE FROM authorization_codes WHERE tenant_id = current_tenant()),
      device_authorizations_gone AS (DELETE FROM device_authorizations WHERE tenant_id = current_tenant()),
      user_code_tries_gone AS (DELETE FROM user_code_tries WHERE tenant_id = current_tenant()),
      dpop_proofs_gone AS (DELETE FROM dpop_proofs WHERE tenant_id = current_tenant()),
      consents_gone AS (DELETE FROM consents WHERE tenant_id = current_tenant()),
      sessions_gone AS (DELETE FROM sessions WHERE tenant_id = current_tenant()),
      grants_gone AS (DELETE FROM grants WHERE tenant_id = current_tenant()),
      federation_transactions_gone AS (DELETE FROM federation_transactions WHERE tenant_id = current_tenant()),
      audit_events_gone AS (DELETE FROM audit_events WHERE tenant_id = current_tenant()),
      wechat_code_exchanges_gone AS (DELETE FROM wechat_code_exchanges WHERE tenant_id = current_tenant()),
      revoked_access_tokens_gone AS (DELETE FROM revoked_access_tokens WHERE tenant_id = current_tenant()),
      idempotency_keys_gone AS (DELETE FROM idempotency_keys WHERE tenant_id = current_tenant()),
      unified_identities_gone AS (DELETE FROM unified_identities WHERE tenant_id = current_tenant()),
      federated_identities_gone AS (DELETE FROM federated_identities WHERE tenant_id = current_tenant()),
      backup_codes_gone AS (DELETE FROM backup_codes WHERE tenant_id = current_tenant()),
      totp_authenticators_gone AS (DELETE FROM totp_authenticators WHERE tenant_id = current_tenant()),
      password_tries_gone AS (DELETE FROM password_tries WHERE tenant_id = current_tenant()),
      users_gone AS (DELETE FROM users WHERE tenant_id = current_tenant()),
      wechat_app_tokens_gone AS (DELETE FROM wechat_app_tokens WHERE tenant_id = current_tenant()),
      wechat_pushes_gone AS (DELETE FROM wechat_pushes WHERE tenant_id = current_tenant()),
      push_schedule_gone AS (DELETE FROM push_schedule WHERE tenant_id = current_tenant()),
      previous_push_settings_gone AS (DELETE FROM previous_push_settings WHERE tenant_id = current_tenant()),
      app_token_schedule_gone AS (DELETE FROM app_token_schedule WHERE tenant_id = current_tenant()),
      third_party_authz_clients_gone AS (DELETE FROM third_party_authz_clients WHERE tenant_id = current_tenant()),
      client_assertions_gone AS (DELETE FROM client_assertions WHERE tenant_id = current_tenant()),
      oauth_clients_gone AS (DELETE FROM oauth_clients WHERE tenant_id = current_tenant()),
      signing_keys_gone AS (DELETE FROM signing_keys WHERE tenant_id = current_tenant()),
      identity_applications_gone AS (DELETE FROM identity_applications WHERE tenant_id = current_tenant()),
      api_keys_gone AS (DELETE FROM api_keys WHERE tenant_id = current_tenant()),
      reconciliation_items_gone AS (DELETE FROM reconciliation_items WHERE tenant_id = current_tenant()),
      reconciliations_gone AS (DELETE FROM reconciliations WHERE tenant_id = current_tenant()),
      reconciliation_claims_gone AS (DELETE FROM reconciliation_claims WHERE tenant_id = current_tenant()),
      backchannel_logouts_gone AS (DELETE FROM backchannel_logouts WHERE tenant_id = current_tenant()),
      backchannel_clients_gone AS (DELETE FROM backchannel_clients WHERE tenant_id = current_tenant()),
      application_schedules_gone AS (DELETE FROM application_schedules WHERE tenant_id = current_tenant())
    DELETE FROM tenant_erasures
    WHERE tenant_id = $1 AND tenant_id = current_tenant() AND requested_at < now() - interval '10 seconds'
    """
  let tenant: ID<Tenant>

  func bind(to binder: inout Binder) { binder.bind(tenant) }
}
