import FoundationEssentials
import Query
import Secrets
import Tenancy

/// What a delivery that a worker holds is made from; no row when the lease is lost or nobody is left to be told.
struct FindBackchannelLogout: TenantStatement {
  struct Output: Sendable {
    let client: UUID
    let session: ID<Session>
    let user: ID<User>
    /// `backchannel_logout_uri`
    let address: String
    let applicationSlug: String
    let key: StoredSigningKey
  }

  static let sql: SQL = """
    SELECT d.client_id, d.session_id, d.user_id, c.backchannel_logout_uri, a.slug, k.id, k.alg, k.private_key_sealed
    FROM backchannel_logouts d
    JOIN oauth_clients c ON c.tenant_id = current_tenant() AND c.id = d.client_id
    JOIN identity_applications a ON a.tenant_id = current_tenant() AND a.id = c.identity_application_id
    JOIN signing_keys k ON k.tenant_id = current_tenant() AND k.identity_application_id = a.id AND k.status = 'active'
    WHERE d.tenant_id = current_tenant() AND d.id = $1 AND d.fence = $2 AND c.backchannel_logout_uri IS NOT NULL
    """
  let logout: ID<BackchannelLogout>
  let fence: Int

  func bind(to binder: inout Binder) {
    binder.bind(logout)
    binder.bind(fence)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Output {
    Output(
      client: try row.next(), session: try row.next(), user: try row.next(), address: try row.next(),
      applicationSlug: try row.next(), key: try StoredSigningKey(&row))
  }
}

/// Ends a delivery; no row when the lease is somebody else's by now.
///
/// A client that answers again after failures gets at once what waited for it; and a worker is woken where more is due than the
/// places of this client had room for.
struct FinishBackchannelLogout: TenantStatement {
  static let sql: SQL = """
    WITH done AS (
      DELETE FROM backchannel_logouts WHERE tenant_id = current_tenant() AND id = $1 AND fence = $2 RETURNING client_id
    ), healthy AS (
      UPDATE backchannel_clients b SET failures = 0, failed_at = NULL FROM done
      WHERE b.tenant_id = current_tenant() AND b.client_id = done.client_id AND b.failures > 0
      RETURNING b.client_id
    ), waiting AS (
      UPDATE backchannel_logouts d SET run_at = now()
      WHERE d.tenant_id = current_tenant() AND d.id IN (
        SELECT w.id FROM backchannel_logouts w JOIN healthy h ON h.client_id = w.client_id
        WHERE w.tenant_id = current_tenant() AND w.run_at > now() AND w.lease_owner IS NULL
        FOR UPDATE OF w SKIP LOCKED)
      RETURNING d.id
    )
    SELECT CASE WHEN EXISTS (SELECT FROM waiting) OR EXISTS (
      SELECT FROM backchannel_logouts w WHERE w.tenant_id = current_tenant() AND w.client_id = done.client_id
        AND w.id <> $1 AND w.run_at <= now() AND w.lease_owner IS NULL)
      THEN pg_notify('qiao_work', 'backchannel_logout') END
    FROM done
    """
  let logout: ID<BackchannelLogout>
  let fence: Int

  func bind(to binder: inout Binder) {
    binder.bind(logout)
    binder.bind(fence)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) {}
}

/// Keeps a failure and gives the lease back; no row when the lease is somebody else's by now.
///
/// Everything that waits for the client waits with it: requests that were under way together count as one failure, and each failure
/// doubles the pause up to `longestPause`. What is older than `patience` is given up.
struct FailBackchannelLogout: TenantStatement {
  /// Seconds between two waves to a client that is away for long.
  static let longestPause = 900.0
  /// Seconds after which a session's end is news to nobody.
  static let patience = 86_400.0

  static let sql: SQL = """
    WITH held AS (
      SELECT d.id, d.client_id, d.tried_at FROM backchannel_logouts d
      WHERE d.tenant_id = current_tenant() AND d.id = $1 AND d.fence = $2
      FOR UPDATE
    ), client AS (
      UPDATE backchannel_clients b SET failed_at = now(),
        failures = b.failures + CASE WHEN coalesce(b.failed_at < h.tried_at, true) THEN 1 ELSE 0 END
      FROM held h WHERE b.tenant_id = current_tenant() AND b.client_id = h.client_id
      RETURNING b.client_id, least($4, power(2, least(b.failures, 20) - 1)) * (0.5 + random() * 0.5) AS pause
    ), others AS (
      SELECT o.id, o.created_at <= now() - make_interval(secs => $5) AS is_old
      FROM backchannel_logouts o JOIN held h ON h.client_id = o.client_id
      WHERE o.tenant_id = current_tenant() AND (o.id = h.id OR o.lease_owner IS NULL)
      FOR UPDATE OF o SKIP LOCKED
    ), put_off AS (
      UPDATE backchannel_logouts d SET lease_owner = NULL, lease_until = NULL,
        run_at = greatest(d.run_at, now() + make_interval(secs => coalesce((SELECT pause FROM client), 1))),
        last_error = CASE WHEN d.id = $1 THEN $3 ELSE d.last_error END
      FROM others o
      WHERE d.tenant_id = current_tenant() AND d.id = o.id AND NOT o.is_old
    ), given_up AS (
      DELETE FROM backchannel_logouts d USING others o
      WHERE d.tenant_id = current_tenant() AND d.id = o.id AND o.is_old
      RETURNING d.id
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, target_type, target_id, details)
      SELECT current_tenant(), $6, 'backchannel_logout.given_up', 'worker', 'session-expirer', 'oauth_client',
        h.client_id::text, jsonb_build_object('count', g.count, 'reason', $3::text)
      FROM held h, (SELECT count(*) AS count FROM given_up) AS g
      WHERE g.count > 0
    )
    SELECT FROM held
    """
  let logout: ID<BackchannelLogout>
  let fence: Int
  /// A kind of failure.
  let reason: String

  func bind(to binder: inout Binder) {
    binder.bind(logout)
    binder.bind(fence)
    binder.bind(reason)
    binder.bind(Self.longestPause)
    binder.bind(Self.patience)
    binder.bind(UUIDv7.make())
  }

  static func decode(_ row: inout Row) throws(DecodingFault) {}
}
