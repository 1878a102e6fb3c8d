import Query
import Tenancy

/// Applications, newest first.
struct ListApplications: TenantStatement {
  static let sql: SQL = """
    SELECT id, slug, name, enrollment, phone_matching, signing_alg, access_token_ttl, id_token_ttl, refresh_token_ttl,
      refresh_token_idle_ttl, session_ttl, session_idle_ttl, reconcile_every, session_retention, version, created_at,
      updated_at
    FROM identity_applications
    WHERE tenant_id = current_tenant() AND ($1::uuid IS NULL OR id < $1)
    ORDER BY id DESC LIMIT $2
    """
  let slice: ListSlice

  func bind(to binder: inout Binder) { binder.bind(slice) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> ApplicationDetails { try ApplicationDetails(&row) }
}

/// One application.
struct FindApplication: TenantStatement {
  static let sql: SQL = """
    SELECT id, slug, name, enrollment, phone_matching, signing_alg, access_token_ttl, id_token_ttl, refresh_token_ttl,
      refresh_token_idle_ttl, session_ttl, session_idle_ttl, reconcile_every, session_retention, version, created_at,
      updated_at
    FROM identity_applications WHERE tenant_id = current_tenant() AND id = $1
    """
  let application: ID<IdentityApplication>

  func bind(to binder: inout Binder) { binder.bind(application) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> ApplicationDetails { try ApplicationDetails(&row) }
}

/// Creates an application with the key that signs its tokens.
struct InsertApplication: TenantStatement {
  static let sql: SQL = """
    WITH created AS (
      INSERT INTO identity_applications (tenant_id, id, slug, name, enrollment, phone_matching, signing_alg,
        access_token_ttl, id_token_ttl, refresh_token_ttl, refresh_token_idle_ttl, session_ttl, session_idle_ttl,
        session_retention, reconcile_every)
      VALUES (current_tenant(), $5, $6, $10, coalesce($11, 'bind'), coalesce($12, 'never'), coalesce($13, 'ES256'),
        coalesce($14, 3600), coalesce($15, 3600), coalesce($16, 2592000), coalesce($17, 1209600), coalesce($18, 2592000),
        coalesce($19, 1209600), coalesce($20, 0), CASE WHEN $21 THEN $22::integer END)
      RETURNING *
    ), keyed AS (
      INSERT INTO signing_keys (tenant_id, id, identity_application_id, alg, status, public_jwk, private_key_sealed)
      SELECT current_tenant(), $7, id, signing_alg, 'active', $8, $9 FROM created
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id)
      SELECT current_tenant(), $1, 'identity_application.created', $2, $3, $4, 'identity_application', id::text FROM created
    )
    SELECT id, slug, name, enrollment, phone_matching, signing_alg, access_token_ttl, id_token_ttl, refresh_token_ttl,
      refresh_token_idle_ttl, session_ttl, session_idle_ttl, reconcile_every, session_retention, version, created_at,
      updated_at
    FROM created
    """
  let author: Author
  let application: ID<IdentityApplication>
  let slug: String
  let key: NewSigningKey
  let settings: ApplicationChange

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(application)
    binder.bind(slug)
    binder.bind(key.id)
    binder.bind(key.publicJWK)
    binder.bind(key.sealed)
    settings.bind(to: &binder)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> ApplicationDetails { try ApplicationDetails(&row) }
}

/// Changes an application. Another signature algorithm retires the key and puts a new one in its place; the retired one stays
/// published for a day, or as long as its tokens live.
struct UpdateApplication: TenantStatement {
  static let sql: SQL = """
    WITH target AS (
      SELECT id FROM identity_applications WHERE tenant_id = current_tenant() AND id = $5
    ), changed AS (
      UPDATE identity_applications SET name = coalesce($10, name), enrollment = coalesce($11, enrollment),
        phone_matching = coalesce($12, phone_matching), signing_alg = coalesce($13, signing_alg),
        access_token_ttl = coalesce($14, access_token_ttl), id_token_ttl = coalesce($15, id_token_ttl),
        refresh_token_ttl = coalesce($16, refresh_token_ttl),
        refresh_token_idle_ttl = coalesce($17, refresh_token_idle_ttl), session_ttl = coalesce($18, session_ttl),
        session_idle_ttl = coalesce($19, session_idle_ttl), session_retention = coalesce($20, session_retention),
        reconcile_every = CASE WHEN $21 THEN $22::integer ELSE reconcile_every END,
        version = version + 1, updated_at = now()
      WHERE tenant_id = current_tenant() AND id = $5 AND ($6::bigint[] IS NULL OR version = ANY ($6))
      RETURNING *
    ), retired AS (
      UPDATE signing_keys k SET status = 'retired',
        expires_at = now() + make_interval(secs => greatest(86400, c.access_token_ttl, c.id_token_ttl))
      FROM changed c
      WHERE k.tenant_id = current_tenant() AND k.identity_application_id = c.id AND k.status = 'active'
        AND $7::uuid IS NOT NULL AND k.alg <> c.signing_alg
      RETURNING k.identity_application_id
    ), keyed AS (
      INSERT INTO signing_keys (tenant_id, id, identity_application_id, alg, status, public_jwk, private_key_sealed)
      SELECT current_tenant(), $7, identity_application_id, $13, 'active', $8, $9 FROM retired
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id)
      SELECT current_tenant(), $1, 'identity_application.updated', $2, $3, $4, 'identity_application', id::text FROM changed
    )
    SELECT EXISTS (SELECT FROM target), c.id IS NOT NULL, c.id, c.slug, c.name, c.enrollment, c.phone_matching,
      c.signing_alg, c.access_token_ttl, c.id_token_ttl, c.refresh_token_ttl, c.refresh_token_idle_ttl, c.session_ttl,
      c.session_idle_ttl, c.reconcile_every, c.session_retention, c.version, c.created_at, c.updated_at
    FROM (SELECT) AS one LEFT JOIN changed c ON true
    """
  let author: Author
  let application: ID<IdentityApplication>
  let versions: [Int]?
  let key: NewSigningKey?
  let change: ApplicationChange

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(application)
    binder.bind(versions: versions)
    binder.bind(key?.id)
    binder.bind(key?.publicJWK)
    binder.bind(key?.sealed)
    change.bind(to: &binder)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Written<ApplicationDetails> {
    try Written(&row) { row throws(DecodingFault) in try ApplicationDetails(&row) }
  }
}

/// Deletes an application; with `force` everything of it, else only an empty one.
struct DeleteApplication: TenantStatement {
  enum Output: Sendable {
    case missing, stale, inUse, deleted
  }

  static let sql: SQL = """
    WITH target AS (
      SELECT id, $6::bigint[] IS NULL OR version = ANY ($6) AS fits,
        $7 OR NOT (EXISTS (SELECT FROM users u WHERE u.tenant_id = current_tenant() AND u.identity_application_id = $5)
          OR EXISTS (SELECT FROM oauth_clients c WHERE c.tenant_id = current_tenant() AND c.identity_application_id = $5)
          OR EXISTS (SELECT FROM third_party_authz_clients c
            WHERE c.tenant_id = current_tenant() AND c.identity_application_id = $5)) AS free
      FROM identity_applications WHERE tenant_id = current_tenant() AND id = $5
      FOR UPDATE
    ), allowed AS (
      SELECT id FROM target WHERE fits AND free
    ), sessions_gone AS (
      DELETE FROM sessions s USING allowed a WHERE s.tenant_id = current_tenant() AND s.identity_application_id = a.id
    ), grants_gone AS (
      DELETE FROM grants g USING allowed a WHERE g.tenant_id = current_tenant() AND g.identity_application_id = a.id
    ), tickets_gone AS (
      DELETE FROM federation_transactions t USING allowed a
      WHERE t.tenant_id = current_tenant() AND t.identity_application_id = a.id
    ), users_gone AS (
      DELETE FROM users u USING allowed a WHERE u.tenant_id = current_tenant() AND u.identity_application_id = a.id
    ), clients_gone AS (
      DELETE FROM oauth_clients c USING allowed a
      WHERE c.tenant_id = current_tenant() AND c.identity_application_id = a.id
    ), third_party_gone AS (
      DELETE FROM third_party_authz_clients c USING allowed a
      WHERE c.tenant_id = current_tenant() AND c.identity_application_id = a.id
    ), deleted AS (
      DELETE FROM identity_applications i USING allowed a WHERE i.tenant_id = current_tenant() AND i.id = a.id
      RETURNING i.id
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id)
      SELECT current_tenant(), $1, 'identity_application.deleted', $2, $3, $4, 'identity_application', id::text FROM deleted
    )
    SELECT fits, free FROM target
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

  static func decode(_ row: inout Row) throws(DecodingFault) -> Output {
    let fits: Bool = try row.next()
    let free: Bool = try row.next()
    return !fits ? .stale : !free ? .inUse : .deleted
  }
}
