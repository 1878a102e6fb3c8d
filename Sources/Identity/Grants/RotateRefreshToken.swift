import FoundationEssentials
import OAuth
import Query
import Tenancy

/// Everything a refresh needs, read or changed in one statement.
struct RotatedGrant: Sendable {
  let user: User
  let application: ApplicationSettings
  let clientID: UUID
  let sessionID: ID<Session>?
  let scope: String
  let amr: [String]
  let authTime: Date
  let rotatedAt: Date
  let isFederated: Bool
  let claims: RequestedClaims?
  /// What its access tokens are for; `nil` for the issuer itself.
  let resource: String?
  /// True when its session was not seen for a while.
  let isUnseen: Bool
}

/// Replaces the current secret of a grant by its successor, if the presented one is the current one and everything the grant
/// stands on lives. Of two requests with the same token one finds its row; the other is told by `FindGrant` what happened.
///
/// A grant with `offline_access` stands on no session, and its use keeps none alive. What is read is read once: each partition
/// of each table that a statement names costs it, found or not.
struct RotateRefreshToken: TenantStatement {
  static let sql: SQL = """
    WITH seen AS MATERIALIZED (
      SELECT u.id, u.identity_application_id, u.username, u.name, u.picture, u.phone_number, u.phone_number_verified, u.email,
        u.email_verified, u.attributes, u.origin, u.last_login_at, u.version, u.created_at, u.updated_at,
        a.id AS application, a.slug, a.enrollment, a.phone_matching, a.access_token_ttl, a.id_token_ttl, a.refresh_token_ttl,
        a.refresh_token_idle_ttl, a.session_ttl, a.session_idle_ttl, k.id AS key, k.alg, k.private_key_sealed,
        g.client_id, g.session_id, g.scope, coalesce(g.amr, s.amr) AS amr, coalesce(g.auth_time, s.auth_time) AS auth_time,
        t.id IS NOT NULL AS is_federated, g.claims, g.resource,
        NOT g.is_offline AND s.last_seen_at < now() - make_interval(secs => least(60, a.session_idle_ttl / 10.0)) AS is_unseen
      FROM grants g
      JOIN users u ON u.tenant_id = current_tenant() AND u.id = g.user_id AND u.status = 'active'
      JOIN identity_applications a ON a.tenant_id = current_tenant() AND a.id = g.identity_application_id
      JOIN signing_keys k ON k.tenant_id = current_tenant() AND k.identity_application_id = a.id AND k.status = 'active'
      LEFT JOIN sessions s ON s.tenant_id = current_tenant() AND s.id = g.session_id AND s.ended_at IS NULL
        AND s.expires_at > now() AND s.idle_expires_at > now()
      LEFT JOIN third_party_authz_clients t ON t.tenant_id = current_tenant() AND t.id = g.client_id AND t.enabled
      LEFT JOIN oauth_clients c ON c.tenant_id = current_tenant() AND c.id = g.client_id
        AND ($7::boolean OR c.token_endpoint_auth_method = 'none') AND 'refresh_token' = ANY (c.grant_types)
        AND ($8::text IS NOT NULL OR NOT c.dpop_bound_access_tokens)
      WHERE g.tenant_id = current_tenant() AND g.id = $1 AND g.secret_hash = $2 AND g.revoked_at IS NULL
        AND g.expires_at > now() AND g.idle_expires_at > now()
        AND ($4::text IS NULL OR a.slug = $4) AND ($5::uuid IS NULL OR g.client_id = $5)
        AND (g.dpop_jkt IS NULL OR ($8::text IS NOT NULL AND ($7::boolean OR g.dpop_jkt = $8)))
        AND ($6::text[] IS NULL OR string_to_array(g.scope, ' ') @> $6)
        AND ($9::text IS NULL OR g.resource = $9)
        AND (g.is_offline OR s.id IS NOT NULL) AND (t.id IS NOT NULL OR c.id IS NOT NULL)
    ), rotated AS (
      UPDATE grants g SET secret_hash = $3, generation = g.generation + 1, rotated_at = now(),
        idle_expires_at = least(g.expires_at,
          now() + make_interval(secs => (SELECT refresh_token_idle_ttl FROM seen))),
        dpop_jkt = coalesce(g.dpop_jkt, $8::text)
      WHERE g.tenant_id = current_tenant() AND g.id = $1 AND g.secret_hash = $2 AND g.revoked_at IS NULL
        AND EXISTS (SELECT FROM seen)
      RETURNING g.rotated_at
    )
    SELECT s.id, s.identity_application_id, s.username, s.name, s.picture, s.phone_number, s.phone_number_verified, s.email,
      s.email_verified, s.attributes, s.origin, true, s.last_login_at, s.version, s.created_at, s.updated_at,
      s.application, s.slug, s.enrollment, s.phone_matching, s.access_token_ttl, s.id_token_ttl, s.refresh_token_ttl,
      s.refresh_token_idle_ttl, s.session_ttl, s.session_idle_ttl, s.key, s.alg, s.private_key_sealed,
      s.client_id, s.session_id, s.scope, s.amr, s.auth_time, r.rotated_at, s.is_federated, s.claims, s.resource, s.is_unseen
    FROM seen s, rotated r
    """
  let token: RefreshToken
  let successor: RefreshToken
  /// The slug of the application whose endpoint was asked; `nil` at the tenant's own endpoint.
  let application: String?
  /// The client that asks, where it said so.
  let client: UUID?
  /// The narrower scope that was asked for; a wider one must not cost the client its token.
  let scope: Scope?
  /// True when the client authenticated.
  let isAuthenticated: Bool
  /// The key of the proof that came with it: the grant's own for a public client, any for one that authenticates (RFC 9449
  /// section 5). A grant that began with a key is never used without one again.
  let keyThumbprint: String?
  /// The resource that was asked for, which must be the grant's.
  let resource: String?

  func bind(to binder: inout Binder) {
    binder.bind(token.grant)
    binder.bind(token.hash)
    binder.bind(successor.hash)
    binder.bind(application)
    binder.bind(client)
    binder.bind(scope.map { ColumnArray($0.tokens) })
    binder.bind(isAuthenticated)
    binder.bind(keyThumbprint)
    binder.bind(resource)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> RotatedGrant {
    RotatedGrant(
      user: try User(&row), application: try ApplicationSettings(&row), clientID: try row.next(),
      sessionID: try row.next(), scope: try row.next(), amr: try row.next(ColumnArray<String>.self).elements,
      authTime: try row.next(), rotatedAt: try row.next(), isFederated: try row.next(),
      claims: RequestedClaims(try row.next() as JSONText?), resource: try row.next(), isUnseen: try row.next())
  }
}

/// Keeps the session of a refreshed grant alive.
///
/// Not at each refresh, only when it was last seen a minute ago, or a tenth of its idle life: so much earlier it may end.
struct TouchSession: TenantStatement {
  static let sql: SQL = """
    UPDATE sessions s SET last_seen_at = now(),
      idle_expires_at = least(s.expires_at, now() + make_interval(secs => a.session_idle_ttl))
    FROM identity_applications a
    WHERE s.tenant_id = current_tenant() AND s.id = $1 AND s.ended_at IS NULL
      AND a.tenant_id = current_tenant() AND a.id = s.identity_application_id
    """
  let session: ID<Session>

  func bind(to binder: inout Binder) { binder.bind(session) }
}

/// A live grant whose token was rotated already: whether a repeated token may be answered again is decided from this.
struct FindGrant: TenantStatement {
  struct Output: Sendable {
    let grant: RotatedGrant
    let secretHash: [UInt8]
    let generation: Int
    let isRecent: Bool
  }

  static let sql: SQL = """
    SELECT u.id, u.identity_application_id, u.username, u.name, u.picture, u.phone_number, u.phone_number_verified, u.email,
      u.email_verified, u.attributes, u.origin, u.status = 'active', u.last_login_at, u.version, u.created_at, u.updated_at,
      a.id, a.slug, a.enrollment, a.phone_matching, a.access_token_ttl, a.id_token_ttl, a.refresh_token_ttl,
      a.refresh_token_idle_ttl, a.session_ttl, a.session_idle_ttl, k.id, k.alg, k.private_key_sealed,
      g.client_id, g.session_id, g.scope, coalesce(g.amr, s.amr), coalesce(g.auth_time, s.auth_time), g.rotated_at,
      EXISTS (SELECT FROM third_party_authz_clients c WHERE c.tenant_id = current_tenant() AND c.id = g.client_id),
      g.claims, g.resource, false, g.secret_hash, g.generation, g.rotated_at > now() - interval '10 seconds'
    FROM grants g
    JOIN users u ON u.tenant_id = current_tenant() AND u.id = g.user_id AND u.status = 'active'
    LEFT JOIN sessions s ON s.tenant_id = current_tenant() AND s.id = g.session_id AND s.ended_at IS NULL
      AND s.expires_at > now()
    JOIN identity_applications a ON a.tenant_id = current_tenant() AND a.id = g.identity_application_id
    JOIN signing_keys k ON k.tenant_id = current_tenant() AND k.identity_application_id = a.id AND k.status = 'active'
    WHERE g.tenant_id = current_tenant() AND g.id = $1 AND g.revoked_at IS NULL AND g.expires_at > now()
      AND (g.is_offline OR s.id IS NOT NULL)
      AND ($2::text IS NULL OR a.slug = $2) AND ($3::uuid IS NULL OR g.client_id = $3)
      AND (EXISTS (SELECT FROM third_party_authz_clients c
          WHERE c.tenant_id = current_tenant() AND c.id = g.client_id AND c.enabled)
        OR EXISTS (SELECT FROM oauth_clients c WHERE c.tenant_id = current_tenant() AND c.id = g.client_id
          AND ($4::boolean OR c.token_endpoint_auth_method = 'none')
          AND ($6::boolean OR 'refresh_token' = ANY (c.grant_types))
          AND ($6::boolean OR $5::text IS NOT NULL OR NOT c.dpop_bound_access_tokens)))
      AND ($6::boolean OR g.dpop_jkt IS NULL OR ($5::text IS NOT NULL AND ($4::boolean OR g.dpop_jkt = $5)))
    """
  let grant: ID<Grant>
  /// As in `RotateRefreshToken`.
  let application: String?
  let client: UUID?
  /// True when the client authenticated.
  let isAuthenticated: Bool
  /// The key of the proof that came with it.
  var keyThumbprint: String?
  /// True where a token is given back: that needs no proof, and no right to refresh.
  var anyKey = false

  func bind(to binder: inout Binder) {
    binder.bind(grant)
    binder.bind(application)
    binder.bind(client)
    binder.bind(isAuthenticated)
    binder.bind(keyThumbprint)
    binder.bind(anyKey)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Output {
    Output(
      grant: try RotateRefreshToken.decode(&row), secretHash: try row.next(), generation: try row.next(),
      isRecent: try row.next())
  }
}

/// Ends a whole refresh token family, and with it every access token that was issued with it.
struct RevokeGrant: TenantStatement {
  static let sql: SQL = """
    UPDATE grants SET revoked_at = now() WHERE tenant_id = current_tenant() AND id = $1 AND revoked_at IS NULL
    """
  let grant: ID<Grant>

  func bind(to binder: inout Binder) { binder.bind(grant) }
}
