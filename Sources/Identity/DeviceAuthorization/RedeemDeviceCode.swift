import FoundationEssentials
import OAuth
import Query
import Secrets
import Tenancy

/// What a device code turns into.
struct RedeemedDeviceCode: Sendable {
  let user: User
  let application: ApplicationSettings
  let scope: String
  let amr: [String]
  let authTime: Date
  let redeemedAt: Date
  /// What its access tokens are for; `nil` for the issuer itself.
  let resource: String?
}

/// Spends an approved device code for a session and a grant of the device's own, so that signing out of the browser that
/// approved it does not sign the device out.
struct RedeemDeviceCode: TenantStatement {
  static let sql: SQL = """
    WITH redeemed AS (
      UPDATE device_authorizations d SET used_at = now()
      WHERE d.tenant_id = current_tenant() AND d.id = $1 AND d.secret_hash = $2 AND d.client_id = $3
        AND d.approved AND d.used_at IS NULL AND d.expires_at > now() AND ($10::text IS NULL OR d.resource = $10)
        AND EXISTS (SELECT FROM users u
          WHERE u.tenant_id = current_tenant() AND u.id = d.user_id AND u.status = 'active')
      RETURNING d.*
    ), session AS (
      INSERT INTO sessions (tenant_id, id, identity_application_id, user_id, client_id, amr, auth_time, last_seen_at,
        idle_expires_at, expires_at, joined_clients)
      SELECT current_tenant(), $4, a.id, r.user_id, r.client_id, r.amr, r.auth_time, now(),
        now() + make_interval(secs => a.session_idle_ttl), now() + make_interval(secs => a.session_ttl),
        ARRAY[r.client_id]
      FROM redeemed r
      JOIN identity_applications a ON a.tenant_id = current_tenant() AND a.id = r.identity_application_id
    ), granted AS (
      INSERT INTO grants (tenant_id, id, identity_application_id, user_id, client_id, session_id, scope, secret_hash,
        rotated_at, idle_expires_at, expires_at, is_offline, amr, auth_time, dpop_jkt, resource)
      SELECT current_tenant(), $5, a.id, r.user_id, r.client_id, $4, r.scope, $6, now(),
        now() + make_interval(secs => a.refresh_token_idle_ttl), now() + make_interval(secs => a.refresh_token_ttl),
        'offline_access' = ANY (string_to_array(r.scope, ' ')), r.amr, r.auth_time, $9, r.resource
      FROM redeemed r
      JOIN identity_applications a ON a.tenant_id = current_tenant() AND a.id = r.identity_application_id
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id)
      SELECT current_tenant(), $7, 'session.created', 'user', r.user_id::text, $8, 'session', $4::text FROM redeemed r
    )
    SELECT u.id, u.identity_application_id, u.username, u.name, u.picture, u.phone_number, u.phone_number_verified, u.email,
      u.email_verified, u.attributes, u.origin, u.status = 'active', u.last_login_at, u.version, u.created_at, u.updated_at,
      a.id, a.slug, a.enrollment, a.phone_matching, a.access_token_ttl, a.id_token_ttl, a.refresh_token_ttl,
      a.refresh_token_idle_ttl, a.session_ttl, a.session_idle_ttl, k.id, k.alg, k.private_key_sealed,
      r.scope, r.amr, r.auth_time, now(), r.resource
    FROM redeemed r
    JOIN users u ON u.tenant_id = current_tenant() AND u.id = r.user_id
    JOIN identity_applications a ON a.tenant_id = current_tenant() AND a.id = r.identity_application_id
    JOIN signing_keys k ON k.tenant_id = current_tenant() AND k.identity_application_id = a.id AND k.status = 'active'
    """
  let code: OpaqueToken
  let client: UUID
  let session: ID<Session>
  let refreshToken: RefreshToken
  let requestID: String
  /// The key of the DPoP proof that came with it.
  let keyThumbprint: String?
  /// The resource that is asked for, which must be the one that was authorized.
  let resource: String?

  func bind(to binder: inout Binder) {
    binder.bind(code.id)
    binder.bind(code.hash)
    binder.bind(client)
    binder.bind(session)
    binder.bind(refreshToken.grant)
    binder.bind(refreshToken.hash)
    binder.bind(UUIDv7.make())
    binder.bind(requestID)
    binder.bind(keyThumbprint)
    binder.bind(resource)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> RedeemedDeviceCode {
    RedeemedDeviceCode(
      user: try User(&row), application: try ApplicationSettings(&row), scope: try row.next(),
      amr: try row.next(ColumnArray<String>.self).elements, authTime: try row.next(), redeemedAt: try row.next(),
      resource: try row.next())
  }
}

/// Notes a poll and says how the device stands; no row for a code that is unknown or another client's, who changes nothing.
///
/// Behind `RedeemDeviceCode` in one batch: whoever redeemed needs no other answer.
struct PollDeviceCode: TenantStatement {
  /// Why a device gets nothing.
  struct Output: Sendable {
    let isExpired: Bool
    let isUsed: Bool
    /// `nil` until somebody decided.
    let isApproved: Bool?
    /// True for a poll before its time; from then on the device must wait 5 s longer (RFC 8628 section 3.5).
    let isEarly: Bool
    /// True where something else is asked for than was authorized.
    let isForOther: Bool
  }

  static let sql: SQL = """
    UPDATE device_authorizations d
    SET poll_interval = least(600, d.poll_interval + CASE WHEN p.early THEN 5 ELSE 0 END),
      next_poll_at = now() + make_interval(secs => d.poll_interval + CASE WHEN p.early THEN 5 ELSE 0 END - 1)
    FROM (
      SELECT id, approved IS NULL AND now() < next_poll_at AS early FROM device_authorizations
      WHERE tenant_id = current_tenant() AND id = $1 AND secret_hash = $2 AND client_id = $3
      FOR UPDATE
    ) p
    WHERE d.tenant_id = current_tenant() AND d.id = p.id
    RETURNING d.expires_at <= now(), d.used_at IS NOT NULL, d.approved, p.early,
      $4::text IS NOT NULL AND d.resource IS DISTINCT FROM $4
    """
  let code: OpaqueToken
  let client: UUID
  /// As in `RedeemDeviceCode`.
  let resource: String?

  func bind(to binder: inout Binder) {
    binder.bind(code.id)
    binder.bind(code.hash)
    binder.bind(client)
    binder.bind(resource)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Output {
    Output(
      isExpired: try row.next(), isUsed: try row.next(), isApproved: try row.next(), isEarly: try row.next(),
      isForOther: try row.next())
  }
}
