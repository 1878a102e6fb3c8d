import FoundationEssentials
import Query
import Tenancy

/// An unfinished run, held for 30 s from its last batch.
public struct ReconciliationClaim: Sendable, Equatable {
  /// Whose run.
  public let tenant: ID<Tenant>
  /// The run.
  public let reconciliation: ID<Reconciliation>
  /// Who holds it.
  let holder: UUID
  /// Grows with each claim: what an earlier holder still sends has no effect.
  let fence: Int
  /// Claims in a row that brought the run no further, this one included.
  let attempts: Int
}

/// Takes a run that is due: of the tenant whose turn is longest ago, and never a second one of a tenant at the same time.
struct ClaimReconciliation: SystemStatement {
  static let sql: SQL = """
    WITH candidates AS (
      SELECT x.tenant_id, x.reconciliation_id FROM (
        SELECT c.tenant_id, c.reconciliation_id, c.run_at, max(c.served_at) OVER tenant AS served_at,
          bool_or(coalesce(c.lease_until > now(), false)) OVER tenant AS is_busy
        FROM reconciliation_claims c
        WINDOW tenant AS (PARTITION BY c.tenant_id)
      ) AS x
      JOIN tenants t ON t.id = x.tenant_id AND t.status = 'active'
      WHERE NOT x.is_busy AND x.run_at <= now()
      ORDER BY x.served_at NULLS FIRST, x.run_at LIMIT 16
    ), picked AS (
      SELECT c.tenant_id, c.reconciliation_id FROM reconciliation_claims c
      JOIN candidates USING (tenant_id, reconciliation_id)
      WHERE c.run_at <= now() AND (c.lease_until IS NULL OR c.lease_until < now())
      LIMIT 1 FOR UPDATE OF c SKIP LOCKED
    )
    UPDATE reconciliation_claims c SET lease_owner = $1, lease_until = now() + interval '30 seconds', served_at = now(),
      fence = c.fence + 1, attempts = c.attempts + 1
    FROM picked p
    WHERE c.tenant_id = p.tenant_id AND c.reconciliation_id = p.reconciliation_id
    RETURNING c.tenant_id, c.reconciliation_id, c.lease_owner, c.fence, c.attempts
    """
  let holder: UUID

  func bind(to binder: inout Binder) { binder.bind(holder) }

  static func decode(_ row: inout Row) throws(DecodingFault) -> ReconciliationClaim {
    ReconciliationClaim(
      tenant: try row.next(), reconciliation: try row.next(), holder: try row.next(), fence: try row.next(),
      attempts: try row.next())
  }
}

/// Gives a run back, due again after `pause`.
struct HandBackReconciliation: SystemStatement {
  static let sql: SQL = """
    UPDATE reconciliation_claims SET lease_until = NULL, lease_owner = NULL, run_at = now() + make_interval(secs => $5)
    WHERE tenant_id = $1 AND reconciliation_id = $2 AND lease_owner = $3 AND fence = $4
    """
  let claim: ReconciliationClaim
  let pause: Duration

  func bind(to binder: inout Binder) {
    binder.bind(claim.tenant)
    binder.bind(claim.reconciliation)
    binder.bind(claim.holder)
    binder.bind(claim.fence)
    binder.bind(pause / .seconds(1))
  }
}

/// How long the oldest run that nobody has is due, in seconds.
struct OldestDueReconciliation: SystemStatement {
  static let sql: SQL = """
    SELECT coalesce(extract(epoch FROM now() - min(c.run_at)), 0)::double precision FROM reconciliation_claims c
    JOIN tenants t ON t.id = c.tenant_id AND t.status = 'active'
    WHERE c.run_at <= now() AND (c.lease_until IS NULL OR c.lease_until < now())
    """

  static func decode(_ row: inout Row) throws(DecodingFault) -> Double { try row.next() }
}

/// Applications of active tenants whose `reconcile_every` is over.
struct ListDueSchedules: SystemStatement {
  struct Output: Sendable {
    let tenant: ID<Tenant>
    let application: ID<IdentityApplication>
  }

  static let sql: SQL = """
    SELECT s.tenant_id, s.identity_application_id FROM application_schedules s
    JOIN tenants t ON t.id = s.tenant_id AND t.status = 'active'
    WHERE s.reconcile_at <= now() ORDER BY s.reconcile_at LIMIT 100
    """

  static func decode(_ row: inout Row) throws(DecodingFault) -> Output {
    Output(tenant: try row.next(), application: try row.next())
  }
}
