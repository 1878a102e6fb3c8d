import FoundationEssentials
import Jobs
import Query
import Tenancy

/// A delivery that a worker holds.
public struct BackchannelLogoutClaim: Sendable {
  /// The tenant's slug, through which its scope is found.
  let slug: String
  let logout: ID<BackchannelLogout>
  let fence: Int
}

/// Leases due deliveries of active tenants.
///
/// Looked at are the oldest and the newest of what is due; of these tenants take turns, and within a tenant its clients. No client
/// has more than `most` in hand over all workers, so that one that hangs does not take all places. What belongs to a suspended
/// tenant is put off.
struct ClaimBackchannelLogouts: SystemStatement {
  /// Requests to one client at a time.
  static let mostForOneClient = 4

  static let sql: SQL = """
    WITH seen AS (
      (SELECT tenant_id, id, client_id, run_at FROM backchannel_logouts
        WHERE run_at <= now() AND (lease_until IS NULL OR lease_until < now())
        ORDER BY run_at LIMIT $3 * 4)
      UNION
      (SELECT tenant_id, id, client_id, run_at FROM backchannel_logouts
        WHERE run_at <= now() AND (lease_until IS NULL OR lease_until < now())
        ORDER BY run_at DESC LIMIT $3 * 4)
    ), admitted AS (
      SELECT s.tenant_id, s.id, s.client_id, s.run_at, t.slug, t.id IS NOT NULL AS is_active
      FROM seen s LEFT JOIN tenants t ON t.id = s.tenant_id AND t.status = 'active'
    ), put_off AS (
      UPDATE backchannel_logouts d SET run_at = now() + interval '1 minute'
      WHERE (d.tenant_id, d.id) IN (
        SELECT o.tenant_id, o.id FROM backchannel_logouts o
        JOIN admitted a ON a.tenant_id = o.tenant_id AND a.id = o.id AND NOT a.is_active
        FOR UPDATE OF o SKIP LOCKED)
    ), turns AS (
      SELECT tenant_id, id, slug, run_at, in_hand
        + row_number() OVER (PARTITION BY tenant_id, client_id ORDER BY run_at, id) AS turn
      FROM admitted a, LATERAL (
        SELECT count(*) AS in_hand FROM backchannel_logouts h
        WHERE h.tenant_id = a.tenant_id AND h.client_id = a.client_id AND h.lease_owner IS NOT NULL
          AND h.lease_until > now()
      ) AS others
      WHERE is_active
    ), fair AS (
      SELECT tenant_id, id, slug FROM (
        SELECT *, row_number() OVER (PARTITION BY tenant_id ORDER BY turn, run_at) AS tenant_turn
        FROM turns WHERE turn <= $4
      ) AS t ORDER BY tenant_turn, run_at LIMIT $3
    ), picked AS (
      SELECT d.tenant_id, d.id, f.slug FROM backchannel_logouts d
      JOIN fair f ON f.tenant_id = d.tenant_id AND f.id = d.id
      WHERE d.run_at <= now() AND (d.lease_until IS NULL OR d.lease_until < now())
      FOR UPDATE OF d SKIP LOCKED
    )
    UPDATE backchannel_logouts d SET lease_owner = $1, lease_until = now() + make_interval(secs => $2),
      fence = d.fence + 1, attempts = d.attempts + 1, tried_at = now()
    FROM picked p
    WHERE d.tenant_id = p.tenant_id AND d.id = p.id
    RETURNING p.slug, d.id, d.fence
    """
  let lease: Lease
  let limit: Int

  func bind(to binder: inout Binder) {
    binder.bind(lease.holder)
    binder.bind(lease.seconds)
    binder.bind(limit)
    binder.bind(Self.mostForOneClient)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> BackchannelLogoutClaim {
    BackchannelLogoutClaim(slug: try row.next(), logout: try row.next(), fence: try row.next())
  }
}

/// Prolongs what a holder has and has not lost.
struct RenewBackchannelLogouts: SystemStatement {
  static let sql: SQL = """
    UPDATE backchannel_logouts SET lease_until = now() + make_interval(secs => $2)
    WHERE lease_owner = $1 AND lease_until > now()
    """
  let lease: Lease

  func bind(to binder: inout Binder) {
    binder.bind(lease.holder)
    binder.bind(lease.seconds)
  }
}

/// Gives back what a holder has; it is due as it was.
struct ReleaseBackchannelLogouts: SystemStatement {
  static let sql: SQL = """
    WITH released AS (
      UPDATE backchannel_logouts SET lease_owner = NULL, lease_until = NULL, fence = fence + 1,
        attempts = greatest(attempts - 1, 0)
      WHERE lease_owner = $1
      RETURNING id
    )
    SELECT pg_notify('qiao_work', 'backchannel_logout') FROM (SELECT FROM released LIMIT 1) AS any_released
    """
  let holder: UUID

  func bind(to binder: inout Binder) { binder.bind(holder) }
  static func decode(_ row: inout Row) throws(DecodingFault) {}
}

/// Seconds the oldest due delivery that nobody has is due.
struct OldestDueBackchannelLogout: SystemStatement {
  static let sql: SQL = """
    SELECT coalesce(extract(epoch FROM now() - min(run_at)), 0)::double precision FROM (
      SELECT run_at FROM backchannel_logouts
      WHERE run_at <= now() AND (lease_until IS NULL OR lease_until < now())
      ORDER BY run_at LIMIT 1
    ) AS oldest
    """

  static func decode(_ row: inout Row) throws(DecodingFault) -> Double { try row.next() }
}
