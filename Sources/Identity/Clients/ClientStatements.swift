import Query
import Secrets
import Tenancy

/// Third-party authz clients, newest first.
struct ListThirdPartyAuthzClients: TenantStatement {
  static let sql: SQL = """
    SELECT c.id, c.identity_application_id, a.slug, c.name, c.provider, c.app_id, c.open_platform_account, c.scopes,
      c.property_map, c.enabled, c.credential_status, c.credential_error, c.version,
      c.created_at, c.updated_at
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

  static func decode(_ row: inout Row) throws(DecodingFault) -> ClientDetails { try ClientDetails(&row) }
}

/// One third-party authz client.
struct FindThirdPartyAuthzClient: TenantStatement {
  static let sql: SQL = """
    SELECT c.id, c.identity_application_id, a.slug, c.name, c.provider, c.app_id, c.open_platform_account, c.scopes,
      c.property_map, c.enabled, c.credential_status, c.credential_error, c.version,
      c.created_at, c.updated_at
    FROM third_party_authz_clients c
    JOIN identity_applications a ON a.tenant_id = c.tenant_id AND a.id = c.identity_application_id
    WHERE c.tenant_id = current_tenant() AND c.id = $1
    """
  let client: ID<ThirdPartyAuthzClient>

  func bind(to binder: inout Binder) { binder.bind(client) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> ClientDetails { try ClientDetails(&row) }
}

/// Creates a third-party authz client; a trigger schedules its app token.
struct InsertThirdPartyAuthzClient: TenantStatement {
  static let sql: SQL = """
    WITH created AS (
      INSERT INTO third_party_authz_clients (tenant_id, id, identity_application_id, name, provider, app_id,
        app_secret_sealed, open_platform_account, scopes, property_map, enabled, push_token_sealed,
        push_encoding_aes_key_sealed)
      VALUES (current_tenant(), $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
      RETURNING *
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id)
      SELECT current_tenant(), $1, 'client.created', $2, $3, $4, 'third_party_authz_client', id::text FROM created
    )
    SELECT c.id, c.identity_application_id, a.slug, c.name, c.provider, c.app_id, c.open_platform_account, c.scopes,
      c.property_map, c.enabled, c.credential_status, c.credential_error, c.version,
      c.created_at, c.updated_at
    FROM created c
    JOIN identity_applications a ON a.tenant_id = current_tenant() AND a.id = c.identity_application_id
    """
  let author: Author
  let id: ID<ThirdPartyAuthzClient>
  let client: NewThirdPartyAuthzClient
  let secretSealed: [UInt8]
  let pushTokenSealed: [UInt8]?
  let pushKeySealed: [UInt8]?

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(id)
    binder.bind(client.application)
    binder.bind(client.name)
    binder.bind(client.provider.rawValue)
    binder.bind(client.appID)
    binder.bind(secretSealed)
    binder.bind(client.openPlatformAccount)
    binder.bind(ColumnArray(client.scopes))
    binder.bind(client.propertyMap.stored)
    binder.bind(client.isEnabled)
    binder.bind(pushTokenSealed)
    binder.bind(pushKeySealed)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> ClientDetails { try ClientDetails(&row) }
}

/// Changes a third-party authz client. New credentials are unverified, and the hub may ask WeChat at once again; push settings
/// that are replaced count for an hour more.
struct UpdateThirdPartyAuthzClient: TenantStatement {
  static let sql: SQL = """
    WITH target AS (
      SELECT id, push_token_sealed, push_encoding_aes_key_sealed FROM third_party_authz_clients
      WHERE tenant_id = current_tenant() AND id = $5
    ), changed AS (
      UPDATE third_party_authz_clients SET name = coalesce($7, name), app_id = coalesce($8, app_id),
        app_secret_sealed = coalesce($9, app_secret_sealed),
        open_platform_account = CASE WHEN $10 THEN $11 ELSE open_platform_account END,
        scopes = coalesce($12, scopes), property_map = coalesce($13, property_map), enabled = coalesce($14, enabled),
        push_token_sealed = CASE WHEN $15 THEN $16 ELSE push_token_sealed END,
        push_encoding_aes_key_sealed = CASE WHEN $17 THEN $18 ELSE push_encoding_aes_key_sealed END,
        credential_status = CASE WHEN $8::text IS NULL AND $9::bytea IS NULL THEN credential_status ELSE 'unverified' END,
        credential_error = CASE WHEN $8::text IS NULL AND $9::bytea IS NULL THEN credential_error END,
        version = version + 1, updated_at = now()
      WHERE tenant_id = current_tenant() AND id = $5 AND ($6::bigint[] IS NULL OR version = ANY ($6))
      RETURNING *
    ), kept AS (
      INSERT INTO previous_push_settings (tenant_id, id, client_id, push_token_sealed, push_encoding_aes_key_sealed,
        expires_at)
      SELECT current_tenant(), $19, c.id, t.push_token_sealed, t.push_encoding_aes_key_sealed, now() + interval '1 hour'
      FROM changed c JOIN target t ON t.id = c.id
      WHERE t.push_token_sealed IS NOT NULL AND ($15 OR $17)
    ), freed AS (
      UPDATE wechat_app_tokens t SET access_token_sealed = NULL, expires_at = NULL, last_error = NULL
      FROM changed c
      WHERE t.tenant_id = current_tenant() AND t.client_id = c.id AND ($8::text IS NOT NULL OR $9::bytea IS NOT NULL)
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id, details)
      SELECT current_tenant(), $1, 'client.updated', $2, $3, $4, 'third_party_authz_client', id::text,
        jsonb_build_object('credentials_changed', $8::text IS NOT NULL OR $9::bytea IS NOT NULL)
      FROM changed
    )
    SELECT EXISTS (SELECT FROM target), c.id IS NOT NULL, c.id, c.identity_application_id, a.slug, c.name, c.provider, c.app_id,
      c.open_platform_account, c.scopes, c.property_map, c.enabled, c.credential_status, c.credential_error,
      c.version, c.created_at, c.updated_at
    FROM (SELECT) AS one LEFT JOIN changed c ON true
    LEFT JOIN identity_applications a ON a.tenant_id = current_tenant() AND a.id = c.identity_application_id
    """
  let author: Author
  let client: ID<ThirdPartyAuthzClient>
  let versions: [Int]?
  let patch: ThirdPartyAuthzClientPatch
  let secretSealed: [UInt8]?
  let pushToken: FieldChange<[UInt8]>
  let pushKey: FieldChange<[UInt8]>

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(client)
    binder.bind(versions: versions)
    binder.bind(patch.name)
    binder.bind(patch.appID)
    binder.bind(secretSealed)
    binder.bind(patch.openPlatformAccount)
    binder.bind(patch.scopes.map { ColumnArray($0) })
    binder.bind(patch.propertyMap?.stored)
    binder.bind(patch.isEnabled)
    binder.bind(pushToken)
    binder.bind(pushKey)
    binder.bind(UUIDv7.make())
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Written<ClientDetails> {
    try Written(&row) { row throws(DecodingFault) in try ClientDetails(&row) }
  }
}

/// Deletes a third-party authz client; its tokens are dead at once, its identities stay with their users.
struct DeleteThirdPartyAuthzClient: TenantStatement {
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
