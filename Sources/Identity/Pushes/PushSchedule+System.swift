import FoundationEssentials
import Jobs
import Query
import Tenancy

/// A push that a worker holds.
public struct PushClaim: Sendable {
  /// Whose push.
  let tenant: ID<Tenant>
  /// The tenant's slug, through which its scope is found.
  let slug: String
  let push: ID<WeChatPush>
  let fence: Int
  /// Claims in a row that did not apply it, this one included.
  let attempts: Int
}

/// Leases due pushes of active tenants, as `ClaimAppTokens` does: of the oldest and the newest that are due, each tenant's first
/// come first. What belongs to a suspended tenant is put off, so that it does not stand in the way.
struct ClaimPushes: SystemStatement {
  static let sql: SQL = """
    WITH seen AS (
      (SELECT tenant_id, push_id, run_at FROM push_schedule
        WHERE run_at <= now() AND (lease_until IS NULL OR lease_until < now())
        ORDER BY run_at LIMIT $3 * 2)
      UNION
      (SELECT tenant_id, push_id, run_at FROM push_schedule
        WHERE run_at <= now() AND (lease_until IS NULL OR lease_until < now())
        ORDER BY run_at DESC LIMIT $3 * 2)
    ), admitted AS (
      SELECT s.tenant_id, s.push_id, s.run_at, t.slug, t.id IS NOT NULL AS is_active
      FROM seen s LEFT JOIN tenants t ON t.id = s.tenant_id AND t.status = 'active'
    ), put_off AS (
      UPDATE push_schedule s SET run_at = now() + interval '1 minute'
      FROM admitted a WHERE NOT a.is_active AND s.tenant_id = a.tenant_id AND s.push_id = a.push_id
    ), turns AS (
      SELECT tenant_id, push_id, slug FROM (
        SELECT *, row_number() OVER (PARTITION BY tenant_id ORDER BY run_at) AS turn FROM admitted WHERE is_active
      ) AS a ORDER BY turn, run_at LIMIT $3
    ), picked AS (
      SELECT s.tenant_id, s.push_id, t.slug FROM push_schedule s
      JOIN turns t ON t.tenant_id = s.tenant_id AND t.push_id = s.push_id
      WHERE s.run_at <= now() AND (s.lease_until IS NULL OR s.lease_until < now())
      FOR UPDATE OF s SKIP LOCKED
    )
    UPDATE push_schedule s SET lease_owner = $1, lease_until = now() + make_interval(secs => $2), fence = s.fence + 1,
      attempts = s.attempts + 1
    FROM picked p
    WHERE s.tenant_id = p.tenant_id AND s.push_id = p.push_id
    RETURNING s.tenant_id, p.slug, s.push_id, s.fence, s.attempts
    """
  let lease: Lease
  let limit: Int

  func bind(to binder: inout Binder) {
    binder.bind(lease.holder)
    binder.bind(lease.seconds)
    binder.bind(limit)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> PushClaim {
    PushClaim(
      tenant: try row.next(), slug: try row.next(), push: try row.next(), fence: try row.next(),
      attempts: try row.next())
  }
}

/// Keeps why a push could not be applied and gives it back, due after `pause` seconds; no row when somebody else has it.
struct FailPush: SystemStatement {
  static let sql: SQL = """
    UPDATE push_schedule SET lease_owner = NULL, lease_until = NULL, last_error = $4, tried_at = now(),
      run_at = now() + make_interval(secs => $5)
    WHERE tenant_id = $1 AND push_id = $2 AND fence = $3
    RETURNING 1
    """
  let claim: PushClaim
  let reason: String
  let pause: Double

  func bind(to binder: inout Binder) {
    binder.bind(claim.tenant)
    binder.bind(claim.push)
    binder.bind(claim.fence)
    binder.bind(reason)
    binder.bind(pause)
  }
}

/// Prolongs what a holder has and has not lost.
struct RenewPushes: SystemStatement {
  static let sql: SQL = """
    UPDATE push_schedule SET lease_until = now() + make_interval(secs => $2) WHERE lease_owner = $1 AND lease_until > now()
    """
  let lease: Lease

  func bind(to binder: inout Binder) {
    binder.bind(lease.holder)
    binder.bind(lease.seconds)
  }
}

/// Gives back what a holder has; it is due as it was.
struct ReleasePushes: SystemStatement {
  static let sql: SQL = """
    WITH released AS (
      UPDATE push_schedule SET lease_owner = NULL, lease_until = NULL, attempts = greatest(attempts - 1, 0)
      WHERE lease_owner = $1
      RETURNING push_id
    )
    SELECT pg_notify('qiao_work', 'wechat_push') FROM (SELECT FROM released LIMIT 1) AS any_released
    """
  let holder: UUID

  func bind(to binder: inout Binder) { binder.bind(holder) }
  static func decode(_ row: inout Row) throws(DecodingFault) {}
}

/// Seconds the oldest due push of an active tenant is due.
struct OldestDuePush: SystemStatement {
  static let sql: SQL = """
    SELECT coalesce(extract(epoch FROM now() - min(s.run_at)), 0)::double precision FROM push_schedule s
    JOIN tenants t ON t.id = s.tenant_id AND t.status = 'active'
    WHERE s.run_at <= now() AND (s.lease_until IS NULL OR s.lease_until < now())
    """

  static func decode(_ row: inout Row) throws(DecodingFault) -> Double { try row.next() }
}
