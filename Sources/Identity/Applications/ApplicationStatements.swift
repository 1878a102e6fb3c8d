import Query
import Tenancy

/// Identity applications, newest first.
struct ListApplications: TenantStatement {
  static let sql: SQL = """
    SELECT id, name, slug, enrollment, phone_matching, signing_alg, access_token_ttl, id_token_ttl, refresh_token_ttl,
      refresh_token_idle_ttl, session_ttl, session_idle_ttl, reconcile_every, session_retention,
      resources, version, created_at, updated_at, mfa, branding
    FROM identity_applications
    WHERE tenant_id = current_tenant() AND ($1::uuid IS NULL OR id < $1)
    ORDER BY id DESC LIMIT $2
    """
  let slice: ListSlice

  func bind(to binder: inout Binder) { binder.bind(slice) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> ApplicationDetails { try ApplicationDetails(&row) }
}

/// One identity application.
struct FindApplication: TenantStatement {
  static let sql: SQL = """
    SELECT id, name, slug, enrollment, phone_matching, signing_alg, access_token_ttl, id_token_ttl, refresh_token_ttl,
      refresh_token_idle_ttl, session_ttl, session_idle_ttl, reconcile_every, session_retention,
      resources, version, created_at, updated_at, mfa, branding
    FROM identity_applications
    WHERE tenant_id = current_tenant() AND id = $1
    """
  let application: ID<IdentityApplication>

  func bind(to binder: inout Binder) { binder.bind(application) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> ApplicationDetails { try ApplicationDetails(&row) }
}

/// A key for the statement that makes or rotates one.
struct NewSigningKey: Sendable {
  let id: ID<SigningKey>
  let algorithm: SigningAlgorithm
  let publicJWK: String
  let sealed: [UInt8]
}

/// Creates an identity application with the key that signs.
struct InsertApplication: TenantStatement {
  static let sql: SQL = """
    WITH created AS (
      INSERT INTO identity_applications (tenant_id, id, name, slug, enrollment, phone_matching, signing_alg, access_token_ttl,
        id_token_ttl, refresh_token_ttl, refresh_token_idle_ttl, session_ttl, session_idle_ttl, reconcile_every,
        session_retention, resources, mfa, branding)
      VALUES (current_tenant(), $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $22, $23, $24)
      RETURNING *
    ), keyed AS (
      INSERT INTO signing_keys (tenant_id, id, identity_application_id, alg, status, public_jwk, private_key_sealed)
      SELECT current_tenant(), $19, id, $10, 'active', $20, $21 FROM created
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id)
      SELECT current_tenant(), $1, 'identity_application.created', $2, $3, $4, 'identity_application', id::text FROM created
    )
    SELECT id, name, slug, enrollment, phone_matching, signing_alg, access_token_ttl, id_token_ttl, refresh_token_ttl,
      refresh_token_idle_ttl, session_ttl, session_idle_ttl, reconcile_every, session_retention,
      resources, version, created_at, updated_at, mfa, branding
    FROM created
    """
  let author: Author
  let application: ID<IdentityApplication>
  let name: String
  let slug: String
  let values: ApplicationDetails.Values
  let key: NewSigningKey

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(application)
    binder.bind(name)
    binder.bind(slug)
    binder.bind(values.enrollment.rawValue)
    binder.bind(values.phoneMatching.rawValue)
    binder.bind(values.signingAlgorithm.rawValue)
    for life in [
      values.accessTokenTTL, values.idTokenTTL, values.refreshTokenTTL, values.refreshTokenIdleTTL, values.sessionTTL,
      values.sessionIdleTTL,
    ] {
      binder.bind(Int32(life))
    }
    binder.bind(values.reconcileEvery.map { Int32($0) })
    binder.bind(Int32(values.sessionRetention))
    binder.bind(key.id)
    binder.bind(key.publicJWK)
    binder.bind(key.sealed)
    binder.bind(ColumnArray(values.resources))
    binder.bind(values.mfa.rawValue)
    binder.bind(values.branding.map(\.text))
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> ApplicationDetails { try ApplicationDetails(&row) }
}

/// Changes an identity application.
struct UpdateApplication: TenantStatement {
  static let sql: SQL = """
    WITH target AS (
      SELECT id FROM identity_applications WHERE tenant_id = current_tenant() AND id = $5
    ), changed AS (
      UPDATE identity_applications SET name = coalesce($7, name), slug = coalesce($8, slug),
        enrollment = coalesce($9, enrollment), phone_matching = coalesce($10, phone_matching),
        signing_alg = coalesce($11, signing_alg), access_token_ttl = coalesce($12, access_token_ttl),
        id_token_ttl = coalesce($13, id_token_ttl), refresh_token_ttl = coalesce($14, refresh_token_ttl),
        refresh_token_idle_ttl = coalesce($15, refresh_token_idle_ttl), session_ttl = coalesce($16, session_ttl),
        session_idle_ttl = coalesce($17, session_idle_ttl), session_retention = coalesce($18, session_retention),
        reconcile_every = CASE WHEN $19 THEN $20 ELSE reconcile_every END, resources = coalesce($21, resources),
        mfa = coalesce($22, mfa),
        branding = CASE WHEN NOT $23 THEN branding WHEN $24::jsonb IS NOT NULL THEN json_merge_patch(branding, $24) END,
        version = version + 1, updated_at = now()
      WHERE tenant_id = current_tenant() AND id = $5 AND ($6::bigint[] IS NULL OR version = ANY ($6))
      RETURNING *
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id)
      SELECT current_tenant(), $1, 'identity_application.updated', $2, $3, $4, 'identity_application', id::text FROM changed
    )
    SELECT EXISTS (SELECT FROM target), c.id IS NOT NULL, c.id, c.name, c.slug, c.enrollment, c.phone_matching, c.signing_alg,
      c.access_token_ttl, c.id_token_ttl, c.refresh_token_ttl, c.refresh_token_idle_ttl, c.session_ttl, c.session_idle_ttl,
      c.reconcile_every, c.session_retention, c.resources, c.version, c.created_at, c.updated_at, c.mfa, c.branding
    FROM (SELECT) AS one LEFT JOIN changed c ON true
    """
  let author: Author
  let application: ID<IdentityApplication>
  let versions: [Int]?
  let patch: ApplicationPatch

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(application)
    binder.bind(versions: versions)
    binder.bind(patch.name)
    binder.bind(patch.slug)
    binder.bind(patch.enrollment?.rawValue)
    binder.bind(patch.phoneMatching?.rawValue)
    binder.bind(patch.signingAlgorithm?.rawValue)
    for name in Self.lives { binder.bind(patch.lives[name].map { Int32($0) }) }
    binder.bind(patch.reconcileEvery.map { Int32($0) })
    binder.bind(patch.resources.map { ColumnArray($0) })
    binder.bind(patch.mfa?.rawValue)
    binder.bind(patch.branding)
  }

  /// The columns of `$12` to `$18`.
  static let lives = [
    "access_token_ttl", "id_token_ttl", "refresh_token_ttl", "refresh_token_idle_ttl", "session_ttl",
    "session_idle_ttl",
    "session_retention",
  ]

  static func decode(_ row: inout Row) throws(DecodingFault) -> Written<ApplicationDetails> {
    try Written(&row) { row throws(DecodingFault) in try ApplicationDetails(&row) }
  }
}

/// Deletes an identity application; one that has users or clients only by force, and then with all of them.
struct DeleteApplication: TenantStatement {
  static let sql: SQL = """
    WITH target AS (
      SELECT id, version FROM identity_applications WHERE tenant_id = current_tenant() AND id = $5
    ), doomed AS (
      SELECT id FROM target t WHERE ($6::bigint[] IS NULL OR t.version = ANY ($6)) AND ($7 OR NOT (
        EXISTS (SELECT FROM users u WHERE u.tenant_id = current_tenant() AND u.identity_application_id = t.id)
        OR EXISTS (SELECT FROM third_party_authz_clients c
          WHERE c.tenant_id = current_tenant() AND c.identity_application_id = t.id)
        OR EXISTS (SELECT FROM oauth_clients c WHERE c.tenant_id = current_tenant() AND c.identity_application_id = t.id)))
    ), a AS (
      DELETE FROM users u USING doomed d WHERE u.tenant_id = current_tenant() AND u.identity_application_id = d.id
    ), b AS (
      DELETE FROM third_party_authz_clients c USING doomed d
      WHERE c.tenant_id = current_tenant() AND c.identity_application_id = d.id
    ), c AS (
      DELETE FROM oauth_clients c USING doomed d WHERE c.tenant_id = current_tenant() AND c.identity_application_id = d.id
    ), e AS (
      DELETE FROM sessions s USING doomed d WHERE s.tenant_id = current_tenant() AND s.identity_application_id = d.id
    ), f AS (
      DELETE FROM grants g USING doomed d WHERE g.tenant_id = current_tenant() AND g.identity_application_id = d.id
    ), deleted AS (
      DELETE FROM identity_applications i USING doomed d WHERE i.tenant_id = current_tenant() AND i.id = d.id
      RETURNING i.id
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id)
      SELECT current_tenant(), $1, 'identity_application.deleted', $2, $3, $4, 'identity_application', id::text FROM deleted
    )
    SELECT EXISTS (SELECT FROM target), EXISTS (SELECT FROM target t WHERE $6::bigint[] IS NULL OR t.version = ANY ($6)),
      EXISTS (SELECT FROM deleted)
    """
  let author: Author
  let application: ID<IdentityApplication>
  let versions: [Int]?
  let force: Bool

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(application)
    binder.bind(versions: versions)
    binder.bind(force)
  }

  /// True when it was deleted, false when it is in use.
  static func decode(_ row: inout Row) throws(DecodingFault) -> Written<Bool> {
    try Written(&row) { row throws(DecodingFault) in try row.next() }
  }
}
