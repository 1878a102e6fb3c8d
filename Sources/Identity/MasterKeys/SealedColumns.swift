import Query

/// The columns whose sealed values outlive a day; a test holds them against the catalogue. What lives for minutes, like the
/// answer to a repeated code, is left to expire.
enum SealedColumns {
  enum PrivateSigningKeys: SealedColumn {
    static let table = "signing_keys"
    static let column = "private_key_sealed"
    static let find: SQL = """
      SELECT t.id, t.id::text AS place, t.private_key_sealed FROM signing_keys t
      WHERE tenant_id = current_tenant() AND ($1::uuid IS NULL OR t.id > $1) AND private_key_sealed IS NOT NULL
      ORDER BY t.id LIMIT $2
      """
    static let store: SQL = """
      UPDATE signing_keys t SET private_key_sealed = v.new FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) v (id, old, new)
      WHERE t.tenant_id = current_tenant() AND t.id = v.id AND t.private_key_sealed = v.old
      RETURNING 1
      """
  }

  enum AppSecrets: SealedColumn {
    static let table = "third_party_authz_clients"
    static let column = "app_secret_sealed"
    static let find: SQL = """
      SELECT t.id, t.id::text AS place, t.app_secret_sealed FROM third_party_authz_clients t
      WHERE tenant_id = current_tenant() AND ($1::uuid IS NULL OR t.id > $1) AND app_secret_sealed IS NOT NULL
      ORDER BY t.id LIMIT $2
      """
    static let store: SQL = """
      UPDATE third_party_authz_clients t SET app_secret_sealed = v.new FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) v (id, old, new)
      WHERE t.tenant_id = current_tenant() AND t.id = v.id AND t.app_secret_sealed = v.old
      RETURNING 1
      """
  }

  enum PushTokens: SealedColumn {
    static let table = "third_party_authz_clients"
    static let column = "push_token_sealed"
    static let find: SQL = """
      SELECT t.id, t.id::text AS place, t.push_token_sealed FROM third_party_authz_clients t
      WHERE tenant_id = current_tenant() AND ($1::uuid IS NULL OR t.id > $1) AND push_token_sealed IS NOT NULL
      ORDER BY t.id LIMIT $2
      """
    static let store: SQL = """
      UPDATE third_party_authz_clients t SET push_token_sealed = v.new FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) v (id, old, new)
      WHERE t.tenant_id = current_tenant() AND t.id = v.id AND t.push_token_sealed = v.old
      RETURNING 1
      """
  }

  enum PushKeys: SealedColumn {
    static let table = "third_party_authz_clients"
    static let column = "push_encoding_aes_key_sealed"
    static let find: SQL = """
      SELECT t.id, t.id::text AS place, t.push_encoding_aes_key_sealed FROM third_party_authz_clients t
      WHERE tenant_id = current_tenant() AND ($1::uuid IS NULL OR t.id > $1) AND push_encoding_aes_key_sealed IS NOT NULL
      ORDER BY t.id LIMIT $2
      """
    static let store: SQL = """
      UPDATE third_party_authz_clients t SET push_encoding_aes_key_sealed = v.new FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) v (id, old, new)
      WHERE t.tenant_id = current_tenant() AND t.id = v.id AND t.push_encoding_aes_key_sealed = v.old
      RETURNING 1
      """
  }

  enum AppAccessTokens: SealedColumn {
    static let table = "wechat_app_tokens"
    static let column = "access_token_sealed"
    static let find: SQL = """
      SELECT t.client_id, t.client_id::text AS place, t.access_token_sealed FROM wechat_app_tokens t
      WHERE tenant_id = current_tenant() AND ($1::uuid IS NULL OR t.client_id > $1) AND access_token_sealed IS NOT NULL
      ORDER BY t.client_id LIMIT $2
      """
    static let store: SQL = """
      UPDATE wechat_app_tokens t SET access_token_sealed = v.new FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) v (id, old, new)
      WHERE t.tenant_id = current_tenant() AND t.client_id = v.id AND t.access_token_sealed = v.old
      RETURNING 1
      """
  }

  enum SessionKeys: SealedColumn {
    static let table = "federated_identities"
    static let column = "session_key_sealed"
    static let find: SQL = """
      SELECT t.id, app_id || ' ' || openid AS place, t.session_key_sealed FROM federated_identities t
      WHERE tenant_id = current_tenant() AND ($1::uuid IS NULL OR t.id > $1) AND session_key_sealed IS NOT NULL
      ORDER BY t.id LIMIT $2
      """
    static let store: SQL = """
      UPDATE federated_identities t SET session_key_sealed = v.new FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) v (id, old, new)
      WHERE t.tenant_id = current_tenant() AND t.id = v.id AND t.session_key_sealed = v.old
      RETURNING 1
      """
  }

  enum UserOAuthTokens: SealedColumn {
    static let table = "federated_identities"
    static let column = "oauth_token_sealed"
    static let find: SQL = """
      SELECT t.id, app_id || ' ' || openid AS place, t.oauth_token_sealed FROM federated_identities t
      WHERE tenant_id = current_tenant() AND ($1::uuid IS NULL OR t.id > $1) AND oauth_token_sealed IS NOT NULL
      ORDER BY t.id LIMIT $2
      """
    static let store: SQL = """
      UPDATE federated_identities t SET oauth_token_sealed = v.new FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) v (id, old, new)
      WHERE t.tenant_id = current_tenant() AND t.id = v.id AND t.oauth_token_sealed = v.old
      RETURNING 1
      """
  }

  enum Authenticators: SealedColumn {
    static let table = "totp_authenticators"
    static let column = "secret_sealed"
    static let find: SQL = """
      SELECT t.user_id, t.user_id::text AS place, t.secret_sealed FROM totp_authenticators t
      WHERE tenant_id = current_tenant() AND ($1::uuid IS NULL OR t.user_id > $1) AND secret_sealed IS NOT NULL
      ORDER BY t.user_id LIMIT $2
      """
    static let store: SQL = """
      UPDATE totp_authenticators t SET secret_sealed = v.new FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) v (id, old, new)
      WHERE t.tenant_id = current_tenant() AND t.user_id = v.id AND t.secret_sealed = v.old
      RETURNING 1
      """
  }
}
