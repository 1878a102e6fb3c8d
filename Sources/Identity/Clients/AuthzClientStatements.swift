import Query
import Tenancy

/// Third-party authz clients, newest first.
struct ListAuthzClients: TenantStatement {
  static let sql: SQL = """
    SELECT c.id, c.identity_application_id, a.slug, c.name, c.provider, c.app_id, c.open_platform_account, c.scopes,
      c.property_map, c.enabled, c.credential_status, c.credential_error, c.push_token_sealed IS NOT NULL,
      c.push_encoding_aes_key_sealed IS NOT NULL, c.version, c.created_at, c.updated_at
    FROM third_party_authz_clients c
    JOIN identity_applications a ON a.tenant_id = c.tenant_id AND a.id = c.identity_application_id
    WHERE c.tenant_id = current_tenant() AND ($1::uuid IS NULL OR c.id < $1)
      AND ($3::uuid IS NULL OR c.identity_application_id = $3)
    ORDER BY c.id DESC LIMIT $2
    """
  let slice: ListSlice
  let application: ID<IdentityApplication>?

  func bind(to binder: inout Binder) {
    binder.bind(slice)
    binder.bind(application)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> AuthzClientDetails { try AuthzClientDetails(&row) }
}

/// One third-party authz client.
struct FindAuthzClient: TenantStatement {
  static let sql: SQL = """
    SELECT c.id, c.identity_application_id, a.slug, c.name, c.provider, c.app_id, c.open_platform_account, c.scopes,
      c.property_map, c.enabled, c.credential_status, c.credential_error, c.push_token_sealed IS NOT NULL,
      c.push_encoding_aes_key_sealed IS NOT NULL, c.version, c.created_at, c.updated_at
    FROM third_party_authz_clients c
    JOIN identity_applications a ON a.tenant_id = c.tenant_id AND a.id = c.identity_application_id
    WHERE c.tenant_id = current_tenant() AND c.id = $1
    """
  let client: ID<ThirdPartyAuthzClient>

  func bind(to binder: inout Binder) { binder.bind(client) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> AuthzClientDetails { try AuthzClientDetails(&row) }
}

/// Creates a client, and the row whose refresher is due at once.
struct InsertAuthzClient: TenantStatement {
  static let sql: SQL = """
    WITH created AS (
      INSERT INTO third_party_authz_clients (tenant_id, id, identity_application_id, provider, name, app_id,
        app_secret_sealed, open_platform_account, scopes, property_map, enabled, push_token_sealed,
        push_encoding_aes_key_sealed)
      VALUES (current_tenant(), $5, $6, $7, $8, $9, $10, CASE WHEN $11 THEN $12::text END,
        coalesce($13, '{openid,profile}'), $14, coalesce($15, true), CASE WHEN $16 THEN $17::bytea END,
        CASE WHEN $18 THEN $19::bytea END)
      RETURNING *
    ), due AS (
      INSERT INTO wechat_app_tokens (tenant_id, client_id) SELECT current_tenant(), id FROM created
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id)
      SELECT current_tenant(), $1, 'client.created', $2, $3, $4, 'third_party_authz_client', id::text FROM created
    )
    SELECT c.id, c.identity_application_id, a.slug, c.name, c.provider, c.app_id, c.open_platform_account, c.scopes,
      c.property_map, c.enabled, c.credential_status, c.credential_error, c.push_token_sealed IS NOT NULL,
      c.push_encoding_aes_key_sealed IS NOT NULL, c.version, c.created_at, c.updated_at
    FROM created c
    LEFT JOIN identity_applications a ON a.tenant_id = c.tenant_id AND a.id = c.identity_application_id
    """
  let author: Author
  let client: ID<ThirdPartyAuthzClient>
  let application: ID<IdentityApplication>
  let provider: AuthzProvider
  let settings: SealedAuthzClientChange

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(client)
    binder.bind(application)
    binder.bind(provider.rawValue)
    settings.bind(to: &binder)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> AuthzClientDetails { try AuthzClientDetails(&row) }
}

/// Changes a client. New credentials are unverified again, and are due to be tried at once; a token of another AppID is dropped.
struct UpdateAuthzClient: TenantStatement {
  static let sql: SQL = """
    WITH target AS (
      SELECT id FROM third_party_authz_clients WHERE tenant_id = current_tenant() AND id = $5
    ), changed AS (
      UPDATE third_party_authz_clients SET name = coalesce($7, name), app_id = coalesce($8, app_id),
        app_secret_sealed = coalesce($9, app_secret_sealed),
        open_platform_account = CASE WHEN $10 THEN $11::text ELSE open_platform_account END,
        scopes = coalesce($12, scopes), property_map = coalesce($13, property_map), enabled = coalesce($14, enabled),
        push_token_sealed = CASE WHEN $15 THEN $16::bytea ELSE push_token_sealed END,
        push_encoding_aes_key_sealed = CASE WHEN $17 THEN $18::bytea ELSE push_encoding_aes_key_sealed END,
        credential_status = CASE WHEN $8::text IS NULL AND $9::bytea IS NULL THEN credential_status ELSE 'unverified' END,
        credential_error = CASE WHEN $8::text IS NULL AND $9::bytea IS NULL THEN credential_error END,
        version = version + 1, updated_at = now()
      WHERE tenant_id = current_tenant() AND id = $5 AND ($6::bigint[] IS NULL OR version = ANY ($6))
      RETURNING *
    ), due AS (
      UPDATE wechat_app_tokens t SET refresh_at = now(), last_error = NULL, attempts = 0,
        access_token_sealed = CASE WHEN $8::text IS NULL THEN t.access_token_sealed END,
        expires_at = CASE WHEN $8::text IS NULL THEN t.expires_at END,
        lease_until = NULL, lease_owner = NULL, fence = t.fence + 1
      FROM changed c
      WHERE t.tenant_id = current_tenant() AND t.client_id = c.id AND ($8::text IS NOT NULL OR $9::bytea IS NOT NULL)
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id)
      SELECT current_tenant(), $1, 'client.updated', $2, $3, $4, 'third_party_authz_client', id::text FROM changed
    )
    SELECT EXISTS (SELECT FROM target), c.id IS NOT NULL, c.id, c.identity_application_id, a.slug, c.name, c.provider,
      c.app_id, c.open_platform_account, c.scopes, c.property_map, c.enabled, c.credential_status, c.credential_error,
      c.push_token_sealed IS NOT NULL, c.push_encoding_aes_key_sealed IS NOT NULL, c.version, c.created_at, c.updated_at
    FROM (SELECT) AS one
    LEFT JOIN changed c ON true
    LEFT JOIN identity_applications a ON a.tenant_id = c.tenant_id AND a.id = c.identity_application_id
    """
  let author: Author
  let client: ID<ThirdPartyAuthzClient>
  let versions: [Int]?
  let change: SealedAuthzClientChange

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(client)
    binder.bind(versions: versions)
    change.bind(to: &binder)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Written<AuthzClientDetails> {
    try Written(&row) { row throws(DecodingFault) in try AuthzClientDetails(&row) }
  }
}

/// Deletes a client; its tokens end, the identities found through it stay.
struct DeleteAuthzClient: TenantStatement {
  static let sql: SQL = """
    WITH target AS (
      SELECT id FROM third_party_authz_clients WHERE tenant_id = current_tenant() AND id = $5
    ), deleted AS (
      DELETE FROM third_party_authz_clients
      WHERE tenant_id = current_tenant() AND id = $5 AND ($6::bigint[] IS NULL OR version = ANY ($6))
      RETURNING id
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id)
      SELECT current_tenant(), $1, 'client.deleted', $2, $3, $4, 'third_party_authz_client', id::text FROM deleted
    )
    SELECT EXISTS (SELECT FROM target), EXISTS (SELECT FROM deleted)
    """
  let author: Author
  let client: ID<ThirdPartyAuthzClient>
  let versions: [Int]?

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(client)
    binder.bind(versions: versions)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Written<Void> {
    try Written(&row) { _ throws(DecodingFault) in () }
  }
}
