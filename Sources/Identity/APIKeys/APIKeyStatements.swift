import FoundationEssentials
import Query
import Tenancy

/// Reads what authenticates a request, if the key has not ended.
struct FindKeyToAuthenticate: TenantStatement {
  struct Output: Sendable {
    let hash: [UInt8]
    let scopes: [String]
  }

  static let sql: SQL = """
    SELECT key_hash, scopes FROM api_keys
    WHERE tenant_id = current_tenant() AND id = $1 AND (expires_at IS NULL OR expires_at > now())
    """
  let key: ID<APIKey>

  func bind(to binder: inout Binder) { binder.bind(key) }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Output {
    Output(hash: try row.next(), scopes: try row.next(ColumnArray<String>.self).elements)
  }
}

/// Keys, newest first.
struct ListAPIKeys: TenantStatement {
  static let sql: SQL = """
    SELECT id, name, scopes, expires_at, version, created_at, updated_at FROM api_keys
    WHERE tenant_id = current_tenant() AND ($1::uuid IS NULL OR id < $1)
    ORDER BY id DESC LIMIT $2
    """
  let slice: ListSlice

  func bind(to binder: inout Binder) { binder.bind(slice) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> APIKeyDetails { try APIKeyDetails(&row) }
}

/// One key.
struct FindAPIKey: TenantStatement {
  static let sql: SQL = """
    SELECT id, name, scopes, expires_at, version, created_at, updated_at FROM api_keys
    WHERE tenant_id = current_tenant() AND id = $1
    """
  let key: ID<APIKey>

  func bind(to binder: inout Binder) { binder.bind(key) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> APIKeyDetails { try APIKeyDetails(&row) }
}

/// Stores a new key.
struct InsertAPIKey: TenantStatement {
  static let sql: SQL = """
    WITH created AS (
      INSERT INTO api_keys (tenant_id, id, name, key_hash, scopes, expires_at)
      VALUES (current_tenant(), $5, $6, $7, $8, $9)
      RETURNING id, name, scopes, expires_at, version, created_at, updated_at
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id, details)
      SELECT current_tenant(), $1, 'api_key.created', $2, $3, $4, 'api_key', id::text,
        jsonb_build_object('scopes', to_jsonb(scopes))
      FROM created
    )
    SELECT * FROM created
    """
  let author: Author
  let key: ID<APIKey>
  let name: String
  let hash: [UInt8]
  let scopes: [String]
  let expiresAt: Date?

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(key)
    binder.bind(name)
    binder.bind(hash)
    binder.bind(ColumnArray(scopes))
    binder.bind(expiresAt)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> APIKeyDetails { try APIKeyDetails(&row) }
}

/// Renames a key; its scopes and life are fixed when it is minted.
struct RenameAPIKey: TenantStatement {
  static let sql: SQL = """
    WITH target AS (
      SELECT id FROM api_keys WHERE tenant_id = current_tenant() AND id = $5
    ), changed AS (
      UPDATE api_keys SET name = coalesce($7, name), version = version + 1, updated_at = now()
      WHERE tenant_id = current_tenant() AND id = $5 AND ($6::bigint[] IS NULL OR version = ANY ($6))
      RETURNING id, name, scopes, expires_at, version, created_at, updated_at
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id)
      SELECT current_tenant(), $1, 'api_key.updated', $2, $3, $4, 'api_key', id::text FROM changed
    )
    SELECT EXISTS (SELECT FROM target), c.id IS NOT NULL, c.* FROM (SELECT) AS one LEFT JOIN changed c ON true
    """
  let author: Author
  let key: ID<APIKey>
  let versions: [Int]?
  let name: String?

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(key)
    binder.bind(versions: versions)
    binder.bind(name)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Written<APIKeyDetails> {
    try Written(&row) { row throws(DecodingFault) in try APIKeyDetails(&row) }
  }
}

/// Ends a key at once.
struct DeleteAPIKey: TenantStatement {
  static let sql: SQL = """
    WITH target AS (
      SELECT id FROM api_keys WHERE tenant_id = current_tenant() AND id = $5
    ), deleted AS (
      DELETE FROM api_keys
      WHERE tenant_id = current_tenant() AND id = $5 AND ($6::bigint[] IS NULL OR version = ANY ($6))
      RETURNING id
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id)
      SELECT current_tenant(), $1, 'api_key.deleted', $2, $3, $4, 'api_key', id::text FROM deleted
    )
    SELECT EXISTS (SELECT FROM target), EXISTS (SELECT FROM deleted)
    """
  let author: Author
  let key: ID<APIKey>
  let versions: [Int]?

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(key)
    binder.bind(versions: versions)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Written<Void> {
    try Written(&row) { _ throws(DecodingFault) in () }
  }
}
