import Query
import Tenancy

/// OAuth clients, newest first.
struct ListOAuthClients: TenantStatement {
  static let sql: SQL = """
    SELECT id, identity_application_id, type, name, redirect_uris, post_logout_redirect_uris, backchannel_logout_uri,
      grant_types, token_endpoint_auth_method, jwks, jwks_uri, require_pushed_authorization_requests, require_consent,
      scopes, dpop_bound_access_tokens, client_secret_hash IS NOT NULL, version, created_at, updated_at
    FROM oauth_clients
    WHERE tenant_id = current_tenant() AND ($1::uuid IS NULL OR id < $1)
      AND ($3::uuid IS NULL OR identity_application_id = $3)
    ORDER BY id DESC LIMIT $2
    """
  let slice: ListSlice
  let application: ID<IdentityApplication>?

  func bind(to binder: inout Binder) {
    binder.bind(slice)
    binder.bind(application)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> OAuthClientDetails { try OAuthClientDetails(&row) }
}

/// One OAuth client.
struct FindOAuthClient: TenantStatement {
  static let sql: SQL = """
    SELECT id, identity_application_id, type, name, redirect_uris, post_logout_redirect_uris, backchannel_logout_uri,
      grant_types, token_endpoint_auth_method, jwks, jwks_uri, require_pushed_authorization_requests, require_consent,
      scopes, dpop_bound_access_tokens, client_secret_hash IS NOT NULL, version, created_at, updated_at
    FROM oauth_clients WHERE tenant_id = current_tenant() AND id = $1
    """
  let client: ID<OAuthClient>

  func bind(to binder: inout Binder) { binder.bind(client) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> OAuthClientDetails { try OAuthClientDetails(&row) }
}

/// Creates an OAuth client.
struct InsertOAuthClient: TenantStatement {
  static let sql: SQL = """
    WITH created AS (
      INSERT INTO oauth_clients (tenant_id, id, identity_application_id, type, client_secret_hash, name, redirect_uris,
        post_logout_redirect_uris, backchannel_logout_uri, grant_types, token_endpoint_auth_method, jwks, jwks_uri,
        require_pushed_authorization_requests, require_consent, scopes, dpop_bound_access_tokens)
      VALUES (current_tenant(), $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
      RETURNING *
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id)
      SELECT current_tenant(), $1, 'oauth_client.created', $2, $3, $4, 'oauth_client', id::text FROM created
    )
    SELECT id, identity_application_id, type, name, redirect_uris, post_logout_redirect_uris, backchannel_logout_uri,
      grant_types, token_endpoint_auth_method, jwks, jwks_uri, require_pushed_authorization_requests, require_consent,
      scopes, dpop_bound_access_tokens, client_secret_hash IS NOT NULL, version, created_at, updated_at
    FROM created
    """
  let author: Author
  let client: ID<OAuthClient>
  let application: ID<IdentityApplication>
  let type: OAuthClientType
  let secretHash: [UInt8]?
  let settings: OAuthClientSettings

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(client)
    binder.bind(application)
    binder.bind(type.rawValue)
    binder.bind(secretHash)
    settings.bind(to: &binder)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> OAuthClientDetails { try OAuthClientDetails(&row) }
}

/// Writes the whole metadata of an OAuth client over the version it was made from.
struct UpdateOAuthClient: TenantStatement {
  static let sql: SQL = """
    WITH target AS (
      SELECT id FROM oauth_clients WHERE tenant_id = current_tenant() AND id = $5
    ), changed AS (
      UPDATE oauth_clients SET name = $9, redirect_uris = $10, post_logout_redirect_uris = $11,
        backchannel_logout_uri = $12, grant_types = $13, token_endpoint_auth_method = $14, jwks = $15, jwks_uri = $16,
        require_pushed_authorization_requests = $17, require_consent = $18, scopes = $19,
        dpop_bound_access_tokens = $20,
        client_secret_hash = CASE WHEN $7 THEN $8::bytea ELSE client_secret_hash END,
        version = version + 1, updated_at = now()
      WHERE tenant_id = current_tenant() AND id = $5 AND ($6::bigint[] IS NULL OR version = ANY ($6))
      RETURNING *
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id, details)
      SELECT current_tenant(), $1, 'oauth_client.updated', $2, $3, $4, 'oauth_client', id::text,
        jsonb_build_object('secret_changed', $7)
      FROM changed
    )
    SELECT EXISTS (SELECT FROM target), c.id IS NOT NULL, c.id, c.identity_application_id, c.type, c.name, c.redirect_uris,
      c.post_logout_redirect_uris, c.backchannel_logout_uri, c.grant_types, c.token_endpoint_auth_method, c.jwks, c.jwks_uri,
      c.require_pushed_authorization_requests, c.require_consent, c.scopes,
      c.dpop_bound_access_tokens, c.client_secret_hash IS NOT NULL, c.version,
      c.created_at, c.updated_at
    FROM (SELECT) AS one LEFT JOIN changed c ON true
    """
  let author: Author
  let client: ID<OAuthClient>
  let versions: [Int]
  let secretHash: FieldChange<[UInt8]>
  let settings: OAuthClientSettings

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(client)
    binder.bind(versions: versions)
    binder.bind(secretHash)
    settings.bind(to: &binder)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Written<OAuthClientDetails> {
    try Written(&row) { row throws(DecodingFault) in try OAuthClientDetails(&row) }
  }
}

/// Deletes an OAuth client; its tokens are dead at once.
struct DeleteOAuthClient: TenantStatement {
  static let sql: SQL = """
    WITH target AS (
      SELECT id FROM oauth_clients WHERE tenant_id = current_tenant() AND id = $5
    ), deleted AS (
      DELETE FROM oauth_clients
      WHERE tenant_id = current_tenant() AND id = $5 AND ($6::bigint[] IS NULL OR version = ANY ($6))
      RETURNING id
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id)
      SELECT current_tenant(), $1, 'oauth_client.deleted', $2, $3, $4, 'oauth_client', id::text FROM deleted
    )
    SELECT EXISTS (SELECT FROM target), EXISTS (SELECT FROM deleted)
    """
  let author: Author
  let client: ID<OAuthClient>
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
