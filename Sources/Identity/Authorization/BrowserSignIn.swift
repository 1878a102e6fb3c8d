import FoundationEssentials
import Query
import Secrets
import Tenancy

/// Makes the browser's session for an interaction, with a new cookie each time, so that nobody can have chosen it.
///
/// The same person goes on in the session the browser held, which is as good as new: what other clients were given in it stays.
/// Another person's ends, so that nothing of them stays behind. For a person who owes a second factor only the first is remembered.
struct SignInBrowser: TenantStatement {
  static let sql: SQL = """
    WITH candidate AS (
      SELECT r.id, u.id AS user_id,
        CASE WHEN $14::boolean THEN 'none' ELSE second_factor(r.identity_application_id, u.id) END AS step,
        (SELECT s.id FROM sessions s WHERE s.tenant_id = current_tenant() AND s.id = $11 AND s.cookie_hash = $12
          AND s.user_id = u.id AND s.ended_at IS NULL AND s.expires_at > now() AND s.idle_expires_at > now()) AS held
      FROM authorization_requests r
      JOIN users u ON u.tenant_id = current_tenant() AND u.id = $9 AND u.status = 'active'
        AND u.identity_application_id = r.identity_application_id
      WHERE r.tenant_id = current_tenant() AND r.id = $7 AND r.secret_hash = $8 AND (r.user_id IS NULL OR r.user_id = $9)
        AND (NOT $14::boolean OR r.first_user_id = $9)
    ), request AS (
      UPDATE authorization_requests r SET session_id = CASE WHEN c.step = 'none' THEN coalesce(c.held, $5::uuid) END,
        first_user_id = CASE WHEN c.step <> 'none' THEN c.user_id END,
        first_amr = CASE WHEN c.step <> 'none' THEN $10::text[] END
      FROM candidate c
      WHERE r.tenant_id = current_tenant() AND r.id = c.id AND r.used_at IS NULL AND r.expires_at > now()
        AND c.step IS NOT NULL
      RETURNING r.identity_application_id, c.user_id, c.step, c.held
    ), account AS (
      UPDATE users u SET last_login_at = now(), version = u.version + 1 FROM request r
      WHERE u.tenant_id = current_tenant() AND u.id = r.user_id AND r.step = 'none' AND u.status = 'active'
      RETURNING u.id, u.identity_application_id, r.held
    ), session AS (
      INSERT INTO sessions (tenant_id, id, identity_application_id, user_id, amr, auth_time, last_seen_at,
        idle_expires_at, expires_at, cookie_hash)
      SELECT current_tenant(), $5, u.identity_application_id, u.id, $10, now(), now(),
        now() + make_interval(secs => a.session_idle_ttl), now() + make_interval(secs => a.session_ttl), $6
      FROM account u
      JOIN identity_applications a ON a.tenant_id = current_tenant() AND a.id = u.identity_application_id
      WHERE u.held IS NULL
      RETURNING id
    ), renewed AS (
      UPDATE sessions s SET cookie_hash = $6, amr = $10, auth_time = now(), last_seen_at = now(),
        idle_expires_at = now() + make_interval(secs => a.session_idle_ttl),
        expires_at = now() + make_interval(secs => a.session_ttl)
      FROM account u
      JOIN identity_applications a ON a.tenant_id = current_tenant() AND a.id = u.identity_application_id
      WHERE s.tenant_id = current_tenant() AND s.id = u.held AND s.cookie_hash = $12 AND s.ended_at IS NULL
      RETURNING s.id
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id)
      SELECT current_tenant(), $1::uuid, 'session.created', $2, $3, $4, 'session', id::text FROM session
      UNION ALL
      SELECT current_tenant(), $1::uuid, 'session.renewed', $2, $3, $4, 'session', id::text FROM renewed
    ), left_behind AS (
      UPDATE sessions o SET ended_at = now() FROM account a
      WHERE a.held IS NULL AND o.tenant_id = current_tenant() AND o.id = $11 AND o.cookie_hash = $12
        AND o.identity_application_id = a.identity_application_id AND o.ended_at IS NULL
      RETURNING o.id, o.user_id
    ), left_audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id, details)
      SELECT current_tenant(), $13, 'session.ended', $2, $3, $4, 'session', id::text,
        jsonb_build_object('user', user_id, 'by', 'sign_in')
      FROM left_behind
    )
    SELECT r.step, s.id FROM request r LEFT JOIN (SELECT id FROM session UNION ALL SELECT id FROM renewed) AS s ON true
    WHERE r.step <> 'none' OR s.id IS NOT NULL
    """
  let author: Author
  let cookie: OpaqueToken
  let interaction: OpaqueToken
  let user: ID<User>
  let amr: [String]
  /// What the browser held before.
  let held: OpaqueToken?
  /// True when the person whose first factor waits at this interaction has just shown the second.
  let hasSecondFactor: Bool

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(cookie.id)
    binder.bind(cookie.hash)
    binder.bind(interaction.id)
    binder.bind(interaction.hash)
    binder.bind(user)
    binder.bind(ColumnArray(amr))
    binder.bind(held?.id)
    binder.bind(held?.hash)
    binder.bind(UUIDv7.make())
    binder.bind(hasSecondFactor)
  }

  /// What the person still owes: `none`, `code` or `enroll`; and the session, where it is nothing.
  static func decode(_ row: inout Row) throws(DecodingFault) -> (step: String, session: ID<Session>?) {
    (try row.next(), try row.next())
  }
}
