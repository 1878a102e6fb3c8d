import FoundationEssentials
import Jobs
import Query
import Tenancy

/// An unfinished run that a worker holds.
public struct ReconciliationClaim: Sendable, Equatable {
  /// Whose run.
  public let tenant: ID<Tenant>
  /// Through which the tenant's scope is found.
  let slug: String
  /// The run.
  public let reconciliation: ID<Reconciliation>
  /// Who holds it.
  let holder: UUID
  /// Grows with each claim: what an earlier holder still sends has no effect.
  let fence: Int
  /// Claims in a row that brought the run no further, this one included.
  let attempts: Int
}

/// Leases runs that are due: one of each tenant, of those whose turn is longest ago, and never a second one of a tenant that has
/// one under way.
struct ClaimReconciliations: SystemStatement {
  static let sql: SQL = """
    WITH turns AS (
      SELECT DISTINCT ON (x.tenant_id) x.tenant_id, x.reconciliation_id, x.served_at, x.run_at, t.slug FROM (
        SELECT c.tenant_id, c.reconciliation_id, c.run_at, max(c.served_at) OVER tenant AS served_at,
          bool_or(coalesce(c.lease_until > now(), false)) OVER tenant AS is_busy
        FROM reconciliation_claims c
        WINDOW tenant AS (PARTITION BY c.tenant_id)
      ) AS x
      JOIN tenants t ON t.id = x.tenant_id AND t.status = 'active'
      WHERE NOT x.is_busy AND x.run_at <= now()
      ORDER BY x.tenant_id, x.run_at
    ), candidates AS (
      SELECT * FROM turns ORDER BY served_at NULLS FIRST, run_at LIMIT $3
    ), picked AS (
      SELECT c.tenant_id, c.reconciliation_id, k.slug FROM reconciliation_claims c
      JOIN candidates k ON k.tenant_id = c.tenant_id AND k.reconciliation_id = c.reconciliation_id
      WHERE c.run_at <= now() AND (c.lease_until IS NULL OR c.lease_until < now())
      FOR UPDATE OF c SKIP LOCKED
    )
    UPDATE reconciliation_claims c SET lease_owner = $1, lease_until = now() + make_interval(secs => $2),
      served_at = clock_timestamp(), fence = c.fence + 1, attempts = c.attempts + 1
    FROM picked p
    WHERE c.tenant_id = p.tenant_id AND c.reconciliation_id = p.reconciliation_id
    RETURNING c.tenant_id, p.slug, c.reconciliation_id, c.lease_owner, c.fence, c.attempts
    """
  let lease: Lease
  let limit: Int

  func bind(to binder: inout Binder) {
    binder.bind(lease.holder)
    binder.bind(lease.seconds)
    binder.bind(limit)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> ReconciliationClaim {
    ReconciliationClaim(
      tenant: try row.next(), slug: try row.next(), reconciliation: try row.next(), holder: try row.next(),
      fence: try row.next(), attempts: try row.next())
  }
}

/// Prolongs everything a holder has.
struct RenewReconciliations: SystemStatement {
  static let sql: SQL = """
    UPDATE reconciliation_claims SET lease_until = now() + make_interval(secs => $2)
    WHERE lease_owner = $1 AND lease_until > now()
    """
  let lease: Lease

  func bind(to binder: inout Binder) {
    binder.bind(lease.holder)
    binder.bind(lease.seconds)
  }
}

/// Gives everything a holder has back, due at once.
struct ReleaseReconciliations: SystemStatement {
  static let sql: SQL = """
    UPDATE reconciliation_claims SET lease_until = NULL, lease_owner = NULL, run_at = now(), fence = fence + 1
    WHERE lease_owner = $1
    """
  let holder: UUID

  func bind(to binder: inout Binder) { binder.bind(holder) }
}

/// Gives a run back, due again after `pause`.
struct HandBackReconciliation: SystemStatement {
  static let sql: SQL = """
    UPDATE reconciliation_claims SET lease_until = NULL, lease_owner = NULL, run_at = now() + make_interval(secs => $5)
    WHERE tenant_id = $1 AND reconciliation_id = $2 AND lease_owner = $3 AND fence = $4
    RETURNING 1
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
    let slug: String
    let application: ID<IdentityApplication>
  }

  static let sql: SQL = """
    SELECT t.slug, s.identity_application_id FROM application_schedules s
    JOIN tenants t ON t.id = s.tenant_id AND t.status = 'active'
    WHERE s.reconcile_at <= now() ORDER BY s.reconcile_at LIMIT 100
    """

  static func decode(_ row: inout Row) throws(DecodingFault) -> Output {
    Output(slug: try row.next(), application: try row.next())
  }
}
