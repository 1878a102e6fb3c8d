import FoundationEssentials
import Jobs
import Query
import Tenancy

/// A token refresh that a worker holds.
public struct AppTokenClaim: Sendable {
  let tenant: TenantScope
  let client: ID<ThirdPartyAuthzClient>
  let fence: Int
  let attempts: Int
}

/// Leases due refreshes of active tenants.
///
/// Looked at are the oldest and the newest of what is due, and of these each tenant's first come first: a tenant with a hundred
/// thousand due clients delays nobody, and none of them starves. What belongs to a suspended tenant is put off, so that it does
/// not stand in the way.
struct ClaimAppTokens: SystemStatement {
  static let sql: SQL = """
    WITH seen AS (
      (SELECT tenant_id, client_id, refresh_at FROM app_token_schedule
        WHERE refresh_at <= now() AND (lease_until IS NULL OR lease_until < now())
        ORDER BY refresh_at LIMIT $3 * 2)
      UNION
      (SELECT tenant_id, client_id, refresh_at FROM app_token_schedule
        WHERE refresh_at <= now() AND (lease_until IS NULL OR lease_until < now())
        ORDER BY refresh_at DESC LIMIT $3 * 2)
    ), admitted AS (
      SELECT s.tenant_id, s.client_id, s.refresh_at, t.slug, t.id IS NOT NULL AS is_active
      FROM seen s LEFT JOIN tenants t ON t.id = s.tenant_id AND t.status = 'active'
    ), put_off AS (
      UPDATE app_token_schedule s SET refresh_at = now() + interval '1 minute'
      FROM admitted a WHERE NOT a.is_active AND s.tenant_id = a.tenant_id AND s.client_id = a.client_id
    ), turns AS (
      SELECT tenant_id, client_id, slug FROM (
        SELECT *, row_number() OVER (PARTITION BY tenant_id ORDER BY refresh_at) AS turn FROM admitted WHERE is_active
      ) AS a ORDER BY turn, refresh_at LIMIT $3
    ), picked AS (
      SELECT s.tenant_id, s.client_id, t.slug FROM app_token_schedule s
      JOIN turns t ON t.tenant_id = s.tenant_id AND t.client_id = s.client_id
      WHERE s.refresh_at <= now() AND (s.lease_until IS NULL OR s.lease_until < now())
      FOR UPDATE OF s SKIP LOCKED
    )
    UPDATE app_token_schedule s SET lease_owner = $1, lease_until = now() + make_interval(secs => $2), fence = s.fence + 1,
      attempts = s.attempts + 1
    FROM picked p
    WHERE s.tenant_id = p.tenant_id AND s.client_id = p.client_id
    RETURNING s.tenant_id, p.slug, s.client_id, s.fence, s.attempts
    """
  let lease: Lease
  let limit: Int

  func bind(to binder: inout Binder) {
    binder.bind(lease.holder)
    binder.bind(lease.seconds)
    binder.bind(limit)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> AppTokenClaim {
    AppTokenClaim(
      tenant: try TenantScope(&row), client: try row.next(), fence: try row.next(), attempts: try row.next())
  }
}

/// Prolongs what a holder has and has not lost.
struct RenewAppTokens: SystemStatement {
  static let sql: SQL = """
    UPDATE app_token_schedule SET lease_until = now() + make_interval(secs => $2)
    WHERE lease_owner = $1 AND lease_until > now()
    """
  let lease: Lease

  func bind(to binder: inout Binder) {
    binder.bind(lease.holder)
    binder.bind(lease.seconds)
  }
}

/// Gives back what a holder has; it is due as it was.
struct ReleaseAppTokens: SystemStatement {
  static let sql: SQL = """
    WITH released AS (
      UPDATE app_token_schedule SET lease_owner = NULL, lease_until = NULL, attempts = greatest(attempts - 1, 0)
      WHERE lease_owner = $1
      RETURNING client_id
    )
    SELECT pg_notify('qiao_work', 'wechat_token_refresh') FROM (SELECT FROM released LIMIT 1) AS any_released
    """
  let holder: UUID

  func bind(to binder: inout Binder) { binder.bind(holder) }
  static func decode(_ row: inout Row) throws(DecodingFault) {}
}

/// Seconds the oldest due refresh that nobody has is due.
struct OldestDueAppToken: SystemStatement {
  static let sql: SQL = """
    SELECT coalesce(extract(epoch FROM now() - min(refresh_at)), 0)::double precision FROM (
      SELECT refresh_at FROM app_token_schedule
      WHERE refresh_at <= now() AND (lease_until IS NULL OR lease_until < now())
      ORDER BY refresh_at LIMIT 1
    ) AS oldest
    """

  static func decode(_ row: inout Row) throws(DecodingFault) -> Double { try row.next() }
}
