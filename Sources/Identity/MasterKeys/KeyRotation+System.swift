import FoundationEssentials
import Query
import Tenancy

/// Tenants in the order of their ids.
struct ListTenantsToReseal: SystemStatement {
  static let sql: SQL = "SELECT id FROM tenants WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT 100"
  let after: ID<Tenant>?

  func bind(to binder: inout Binder) { binder.bind(after) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> ID<Tenant> { try row.next() }
}

/// Makes the transaction a tenant's, suspended or not.
struct EnterTenantToReseal: SystemStatement {
  static let sql: SQL = "SELECT set_config('app.tenant_id', id::text, true) FROM tenants WHERE id = $1"
  let tenant: ID<Tenant>

  func bind(to binder: inout Binder) { binder.bind(tenant) }
  static func decode(_ row: inout Row) throws(DecodingFault) {}
}

/// A sealed value and where it lies.
struct SealedValue: Sendable {
  let position: String
  let table: String
  let column: String
  /// The row in the place the value was sealed for.
  let row: String
  /// The row's own id.
  let id: String
  let sealed: [UInt8]
}

/// The sealed values of the tenant, in a fixed order.
struct FindSealedValues: SystemStatement {
  static let sql: SQL = """
    SELECT v.position, v.tbl, v.col, v.place, v.id, v.sealed FROM (
      SELECT 'a' || id AS position, 'signing_keys' AS tbl, 'private_key_sealed' AS col, id::text AS place, id::text AS id,
        private_key_sealed AS sealed
      FROM signing_keys WHERE tenant_id = current_tenant()
      UNION ALL
      SELECT 'b' || id, 'third_party_authz_clients', 'app_secret_sealed', id::text, id::text, app_secret_sealed
      FROM third_party_authz_clients WHERE tenant_id = current_tenant()
      UNION ALL
      SELECT 'c' || id, 'third_party_authz_clients', 'push_token_sealed', id::text, id::text, push_token_sealed
      FROM third_party_authz_clients WHERE tenant_id = current_tenant()
      UNION ALL
      SELECT 'd' || id, 'third_party_authz_clients', 'push_encoding_aes_key_sealed', id::text, id::text,
        push_encoding_aes_key_sealed
      FROM third_party_authz_clients WHERE tenant_id = current_tenant()
      UNION ALL
      SELECT 'e' || client_id, 'wechat_app_tokens', 'access_token_sealed', client_id::text, client_id::text,
        access_token_sealed
      FROM wechat_app_tokens WHERE tenant_id = current_tenant()
      UNION ALL
      SELECT 'f' || id, 'federated_identities', 'session_key_sealed', app_id || ' ' || openid, id::text, session_key_sealed
      FROM federated_identities WHERE tenant_id = current_tenant()
      UNION ALL
      SELECT 'g' || id, 'federated_identities', 'oauth_token_sealed', app_id || ' ' || openid, id::text, oauth_token_sealed
      FROM federated_identities WHERE tenant_id = current_tenant()
    ) AS v
    WHERE v.sealed IS NOT NULL AND ($1::text IS NULL OR v.position > $1)
    ORDER BY v.position LIMIT $2
    """
  let after: String?
  let limit: Int

  func bind(to binder: inout Binder) {
    binder.bind(after)
    binder.bind(limit)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> SealedValue {
    SealedValue(
      position: try row.next(), table: try row.next(), column: try row.next(), row: try row.next(), id: try row.next(),
      sealed: try row.next())
  }
}

/// Replaces a sealed value where it is still the one that was read.
struct StoreResealedValue: SystemStatement {
  static let sql: SQL = """
    WITH a AS (
      UPDATE signing_keys SET private_key_sealed = $4
      WHERE $1 = 'private_key_sealed' AND tenant_id = current_tenant() AND id = $2 AND private_key_sealed = $3 RETURNING id
    ), b AS (
      UPDATE third_party_authz_clients SET
        app_secret_sealed = CASE WHEN $1 = 'app_secret_sealed' THEN $4 ELSE app_secret_sealed END,
        push_token_sealed = CASE WHEN $1 = 'push_token_sealed' THEN $4 ELSE push_token_sealed END,
        push_encoding_aes_key_sealed = CASE WHEN $1 = 'push_encoding_aes_key_sealed' THEN $4
          ELSE push_encoding_aes_key_sealed END
      WHERE $1 IN ('app_secret_sealed', 'push_token_sealed', 'push_encoding_aes_key_sealed')
        AND tenant_id = current_tenant() AND id = $2
        AND CASE $1 WHEN 'app_secret_sealed' THEN app_secret_sealed WHEN 'push_token_sealed' THEN push_token_sealed
          ELSE push_encoding_aes_key_sealed END = $3
      RETURNING id
    ), c AS (
      UPDATE wechat_app_tokens SET access_token_sealed = $4
      WHERE $1 = 'access_token_sealed' AND tenant_id = current_tenant() AND client_id = $2 AND access_token_sealed = $3
      RETURNING client_id
    ), d AS (
      UPDATE federated_identities SET
        session_key_sealed = CASE WHEN $1 = 'session_key_sealed' THEN $4 ELSE session_key_sealed END,
        oauth_token_sealed = CASE WHEN $1 = 'oauth_token_sealed' THEN $4 ELSE oauth_token_sealed END
      WHERE $1 IN ('session_key_sealed', 'oauth_token_sealed') AND tenant_id = current_tenant() AND id = $2
        AND CASE $1 WHEN 'session_key_sealed' THEN session_key_sealed ELSE oauth_token_sealed END = $3
      RETURNING id
    )
    SELECT 1 FROM a UNION ALL SELECT 1 FROM b UNION ALL SELECT 1 FROM c UNION ALL SELECT 1 FROM d
    """
  let value: SealedValue
  let sealed: [UInt8]

  func bind(to binder: inout Binder) {
    binder.bind(value.column)
    binder.bind(UUID(uuidString: value.id))
    binder.bind(value.sealed)
    binder.bind(sealed)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) {}
}
