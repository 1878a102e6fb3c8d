import FoundationEssentials
import OAuth
import Query
import Secrets
import Tenancy

/// A code of the authorization endpoint: `qac_`, its row and 32 random bytes; stored as a hash, used once, at most 60 s old.
enum AuthorizationCode {
  static let prefix = "qac"

  static func make() -> OpaqueToken { .make(prefix: prefix) }
}

/// Keeps a code of a live session; no row when the session is not live any more.
struct IssueCode: TenantStatement {
  static let sql: SQL = """
    INSERT INTO authorization_codes (tenant_id, id, identity_application_id, client_id, user_id, session_id, secret_hash,
      scope, redirect_uri, code_challenge, nonce, dpop_jkt, claims, resource, expires_at)
    SELECT current_tenant(), $1, s.identity_application_id, $2, s.user_id, s.id, $3, $4, $5, $6, $7,
      $9, $10, $11, now() + interval '60 seconds'
    FROM sessions s
    WHERE s.tenant_id = current_tenant() AND s.id = $8 AND s.ended_at IS NULL AND s.expires_at > now()
      AND s.idle_expires_at > now()
    RETURNING id
    """
  let code: OpaqueToken
  let client: UUID
  let session: ID<Session>
  let request: AuthorizationRequest
  let claims: RequestedClaims?

  func bind(to binder: inout Binder) {
    binder.bind(code.id)
    binder.bind(client)
    binder.bind(code.hash)
    binder.bind(request.scope.text)
    binder.bind(request.redirectURI)
    binder.bind(request.codeChallenge)
    binder.bind(request.nonce)
    binder.bind(session)
    binder.bind(request.keyThumbprint)
    binder.bind(claims?.stored)
    binder.bind(request.resource)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) {}
}

/// What a code turns into.
struct RedeemedCode: Sendable {
  let user: User
  let application: ApplicationSettings
  let session: ID<Session>
  let scope: String
  let amr: [String]
  let authTime: Date
  let nonce: String?
  let redeemedAt: Date
  let claims: RequestedClaims?
  /// What the access token is for; `nil` for the issuer itself.
  let resource: String?
}

/// Spends a code for a new grant, if everything about it is right and the client has joined the session; of two requests with one
/// code one finds its row. What is read is read once, as in `RotateRefreshToken`.
struct RedeemCode: TenantStatement {
  static let sql: SQL = """
    WITH seen AS MATERIALIZED (
      SELECT u.id, u.identity_application_id, u.username, u.name, u.picture, u.phone_number, u.phone_number_verified, u.email,
        u.email_verified, u.attributes, u.origin, u.last_login_at, u.version, u.created_at, u.updated_at,
        a.id AS application, a.slug, a.enrollment, a.phone_matching, a.access_token_ttl, a.id_token_ttl, a.refresh_token_ttl,
        a.refresh_token_idle_ttl, a.session_ttl, a.session_idle_ttl, k.id AS key, k.alg, k.private_key_sealed,
        c.session_id, c.scope, s.amr, s.auth_time, c.nonce, c.claims, c.resource
      FROM authorization_codes c
      JOIN users u ON u.tenant_id = current_tenant() AND u.id = c.user_id AND u.status = 'active'
      JOIN sessions s ON s.tenant_id = current_tenant() AND s.id = c.session_id AND s.ended_at IS NULL
        AND s.expires_at > now() AND s.idle_expires_at > now() AND c.client_id = ANY (s.joined_clients)
      JOIN identity_applications a ON a.tenant_id = current_tenant() AND a.id = c.identity_application_id
      JOIN signing_keys k ON k.tenant_id = current_tenant() AND k.identity_application_id = a.id AND k.status = 'active'
      WHERE c.tenant_id = current_tenant() AND c.id = $1 AND c.secret_hash = $2 AND c.used_at IS NULL
        AND c.expires_at > now() AND c.client_id = $3
        AND c.redirect_uri = $4 AND c.code_challenge IS NOT DISTINCT FROM $7
        AND (c.dpop_jkt IS NULL OR c.dpop_jkt = $8::text)
    ), redeemed AS (
      UPDATE authorization_codes c SET used_at = now(), grant_id = $5
      WHERE c.tenant_id = current_tenant() AND c.id = $1 AND c.secret_hash = $2 AND c.used_at IS NULL
        AND EXISTS (SELECT FROM seen)
      RETURNING c.id
    ), granted AS (
      INSERT INTO grants (tenant_id, id, identity_application_id, user_id, client_id, session_id, scope, secret_hash,
        rotated_at, idle_expires_at, expires_at, dpop_jkt, is_offline, amr, auth_time, claims, resource)
      SELECT current_tenant(), $5, s.application, s.id, $3, s.session_id, s.scope, $6, now(),
        now() + make_interval(secs => s.refresh_token_idle_ttl), now() + make_interval(secs => s.refresh_token_ttl),
        $8, 'offline_access' = ANY (string_to_array(s.scope, ' ')), s.amr, s.auth_time, s.claims, s.resource
      FROM seen s, redeemed
    )
    SELECT s.id, s.identity_application_id, s.username, s.name, s.picture, s.phone_number, s.phone_number_verified, s.email,
      s.email_verified, s.attributes, s.origin, true, s.last_login_at, s.version, s.created_at, s.updated_at,
      s.application, s.slug, s.enrollment, s.phone_matching, s.access_token_ttl, s.id_token_ttl, s.refresh_token_ttl,
      s.refresh_token_idle_ttl, s.session_ttl, s.session_idle_ttl, s.key, s.alg, s.private_key_sealed,
      s.session_id, s.scope, s.amr, s.auth_time, s.nonce, now(), s.claims, s.resource
    FROM seen s, redeemed
    """
  let code: OpaqueToken
  let client: UUID
  let redirectURI: String
  let refreshToken: RefreshToken
  /// What the verifier hashes to; `nil` without a verifier.
  let challenge: String?
  /// The key of the DPoP proof that came with it.
  let keyThumbprint: String?

  func bind(to binder: inout Binder) {
    binder.bind(code.id)
    binder.bind(code.hash)
    binder.bind(client)
    binder.bind(redirectURI)
    binder.bind(refreshToken.grant)
    binder.bind(refreshToken.hash)
    binder.bind(challenge)
    binder.bind(keyThumbprint)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> RedeemedCode {
    RedeemedCode(
      user: try User(&row), application: try ApplicationSettings(&row), session: try row.next(), scope: try row.next(),
      amr: try row.next(ColumnArray<String>.self).elements, authTime: try row.next(), nonce: try row.next(),
      redeemedAt: try row.next(), claims: RequestedClaims(try row.next() as JSONText?), resource: try row.next())
  }
}

/// Lets the client of a code join its session, so that it is told when that ends; in front of a second `RedeemCode` in one batch.
///
/// A session that ends in this very moment is not joined any more: then the code is nobody's, as with one that had ended before.
struct JoinSession: TenantStatement {
  static let sql: SQL = """
    UPDATE sessions s SET joined_clients = array_append(s.joined_clients, $3::uuid)
    WHERE s.tenant_id = current_tenant() AND s.ended_at IS NULL AND s.id = (
        SELECT c.session_id FROM authorization_codes c
        WHERE c.tenant_id = current_tenant() AND c.id = $1 AND c.secret_hash = $2 AND c.used_at IS NULL AND c.expires_at > now()
          AND c.client_id = $3 AND c.redirect_uri = $4 AND c.code_challenge IS NOT DISTINCT FROM $5)
      AND $3 <> ALL (coalesce(s.joined_clients, '{}'))
    """
  let redeem: RedeemCode

  func bind(to binder: inout Binder) {
    binder.bind(redeem.code.id)
    binder.bind(redeem.code.hash)
    binder.bind(redeem.client)
    binder.bind(redeem.redirectURI)
    binder.bind(redeem.challenge)
  }
}

/// Burns a code that was presented wrongly or again, and ends what came of it (RFC 6749 section 4.1.2).
///
/// It is a statement of its own behind `RedeemCode`: only a later snapshot sees what a parallel use has just made.
struct BurnCode: TenantStatement {
  static let sql: SQL = """
    WITH burnt AS (
      UPDATE authorization_codes SET used_at = coalesce(used_at, now())
      WHERE tenant_id = current_tenant() AND id = $1 AND secret_hash = $2
      RETURNING grant_id
    )
    UPDATE grants g SET revoked_at = now() FROM burnt b
    WHERE g.tenant_id = current_tenant() AND g.id = b.grant_id AND g.revoked_at IS NULL
    """
  let code: OpaqueToken

  func bind(to binder: inout Binder) {
    binder.bind(code.id)
    binder.bind(code.hash)
  }
}
