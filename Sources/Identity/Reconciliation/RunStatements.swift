import FoundationEssentials
import Query
import Secrets
import Tenancy

/// Queues the run an application's `reconcile_every` asks for and sets the next, in one statement: whoever comes second finds
/// nothing due. A run of the application that is not finished yet stands for this one.
struct QueueScheduled: TenantStatement {
  static let sql: SQL = """
    WITH due AS (
      UPDATE application_schedules SET reconcile_at = now() + make_interval(secs => reconcile_every * (0.95 + random() * 0.1))
      WHERE tenant_id = current_tenant() AND identity_application_id = $1 AND reconcile_at <= now()
      RETURNING identity_application_id
    ), created AS (
      INSERT INTO reconciliations (tenant_id, id, identity_application_id, mode, cause)
      SELECT current_tenant(), $2, d.identity_application_id, 'apply', 'schedule' FROM due d
      WHERE NOT EXISTS (SELECT FROM reconciliations r WHERE r.tenant_id = current_tenant()
        AND r.identity_application_id = d.identity_application_id AND r.user_id IS NULL AND r.mode = 'apply'
        AND r.status IN ('queued', 'running'))
      RETURNING id
    )
    INSERT INTO reconciliation_claims (tenant_id, reconciliation_id) SELECT current_tenant(), id FROM created
    """
  let application: ID<IdentityApplication>
  let reconciliation: ID<Reconciliation>

  func bind(to binder: inout Binder) {
    binder.bind(application)
    binder.bind(reconciliation)
  }
}

/// A run as its worker sees it.
struct Run: Sendable {
  let application: ID<IdentityApplication>
  let user: ID<User>?
  let applies: Bool
  /// The last identity that is done.
  let reached: UUID?
}

/// Begins a run, or goes on with it; no row when it is finished, cancelled or somebody else's.
struct BeginRun: TenantStatement {
  static let sql: SQL = """
    UPDATE reconciliations r SET status = 'running', started_at = coalesce(r.started_at, now()), updated_at = now(),
      total = coalesce(r.total, (SELECT count(*) FROM federated_identities i WHERE i.tenant_id = current_tenant()
        AND i.identity_application_id = r.identity_application_id AND (r.user_id IS NULL OR i.user_id = r.user_id)))
    WHERE r.tenant_id = current_tenant() AND r.id = $1 AND r.status IN ('queued', 'running')
      AND EXISTS (SELECT FROM reconciliation_claims c WHERE c.tenant_id = current_tenant() AND c.reconciliation_id = r.id
        AND c.lease_owner = $2 AND c.fence = $3 AND c.lease_until > now())
    RETURNING r.identity_application_id, r.user_id, r.mode = 'apply', r.reached
    """
  let claim: ReconciliationClaim

  func bind(to binder: inout Binder) { binder.bind(claim) }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Run {
    Run(application: try row.next(), user: try row.next(), applies: try row.next(), reached: try row.next())
  }
}

/// Gives a run back that could not go on, due again after `pause`, and says why at the run; no row when somebody else has it, or it
/// was cancelled.
struct HoldUpRun: TenantStatement {
  static let sql: SQL = """
    WITH run AS (
      SELECT id FROM reconciliations
      WHERE tenant_id = current_tenant() AND id = $1 AND status IN ('queued', 'running')
      FOR UPDATE
    ), held AS (
      UPDATE reconciliation_claims c SET lease_until = NULL, lease_owner = NULL, run_at = now() + make_interval(secs => $5)
      FROM run
      WHERE c.tenant_id = current_tenant() AND c.reconciliation_id = run.id AND c.lease_owner = $2 AND c.fence = $3
      RETURNING c.reconciliation_id
    )
    UPDATE reconciliations r SET last_error = $4, updated_at = now() FROM held
    WHERE r.tenant_id = current_tenant() AND r.id = held.reconciliation_id
    RETURNING 1
    """
  let claim: ReconciliationClaim
  /// A kind of failure, never a value.
  let reason: String
  let pause: Duration

  func bind(to binder: inout Binder) {
    binder.bind(claim)
    binder.bind(reason)
    binder.bind(pause / .seconds(1))
  }
}

/// Ends a run; the audit event stands for all of it.
struct FinishRun: TenantStatement {
  static let sql: SQL = """
    WITH ended AS (
      UPDATE reconciliations r SET status = $4, last_error = $5, finished_at = now(), updated_at = now(),
        version = r.version + 1
      WHERE r.tenant_id = current_tenant() AND r.id = $1 AND r.status IN ('queued', 'running')
        AND EXISTS (SELECT FROM reconciliation_claims c WHERE c.tenant_id = current_tenant()
          AND c.reconciliation_id = r.id AND c.lease_owner = $2 AND c.fence = $3)
      RETURNING r.id, r.mode, r.situations
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, target_type, target_id, details)
      SELECT current_tenant(), $6, 'reconciliation.' || $4, 'worker', 'profile-reconciler', 'reconciliation', id::text,
        jsonb_build_object('mode', mode, 'situations', situations) FROM ended
    )
    DELETE FROM reconciliation_claims
    WHERE tenant_id = current_tenant() AND reconciliation_id = $1 AND lease_owner = $2 AND fence = $3
    """
  let claim: ReconciliationClaim
  let status: Reconciliation.Status
  let reason: String?

  func bind(to binder: inout Binder) {
    binder.bind(claim)
    binder.bind(status.rawValue)
    binder.bind(reason)
    binder.bind(UUIDv7.make())
  }
}

extension Binder {
  /// Binds what proves a claim: run, holder and fence, always `$1` to `$3`.
  mutating func bind(_ claim: ReconciliationClaim) {
    bind(claim.reconciliation)
    bind(claim.holder)
    bind(claim.fence)
  }
}
