import FoundationEssentials
import Jobs
import Query
import Tenancy

/// A push that a worker holds.
public struct PushClaim: Sendable {
  /// The tenant's slug, through which its scope is found.
  let slug: String
  let push: ID<WeChatPush>
  let fence: Int
}

/// Leases due pushes of active tenants, the oldest first. An attempt that fails puts the next one off by itself: the lease runs out.
struct ClaimPushes: SystemStatement {
  static let sql: SQL = """
    WITH picked AS (
      SELECT s.tenant_id, s.push_id, t.slug FROM push_schedule s
      JOIN tenants t ON t.id = s.tenant_id AND t.status = 'active'
      WHERE s.run_at <= now() AND (s.lease_until IS NULL OR s.lease_until < now())
      ORDER BY s.run_at LIMIT $3
      FOR UPDATE OF s SKIP LOCKED
    )
    UPDATE push_schedule s SET lease_owner = $1, lease_until = now() + make_interval(secs => $2), fence = s.fence + 1,
      attempts = s.attempts + 1
    FROM picked p
    WHERE s.tenant_id = p.tenant_id AND s.push_id = p.push_id
    RETURNING p.slug, s.push_id, s.fence
    """
  let lease: Lease
  let limit: Int

  func bind(to binder: inout Binder) {
    binder.bind(lease.holder)
    binder.bind(lease.seconds)
    binder.bind(limit)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> PushClaim {
    PushClaim(slug: try row.next(), push: try row.next(), fence: try row.next())
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

/// Gives back what a holder has.
struct ReleasePushes: SystemStatement {
  static let sql: SQL = "UPDATE push_schedule SET lease_owner = NULL, lease_until = NULL WHERE lease_owner = $1"
  let holder: UUID

  func bind(to binder: inout Binder) { binder.bind(holder) }
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
