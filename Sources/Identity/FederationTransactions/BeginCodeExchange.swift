import Query
import Tenancy

/// Takes a WeChat code for one exchange and reads its client, in one round trip.
///
/// The row is written before WeChat is asked: of any number of requests with the same code, on any number of nodes, one gets
/// `taken` and all others are told how the first one fares.
struct BeginCodeExchange: TenantStatement {
  struct Output: Sendable {
    let client: FederationClient
    let taken: Bool
  }

  static let sql: SQL = """
    WITH client AS (
      SELECT c.* FROM third_party_authz_clients c
      WHERE c.tenant_id = current_tenant() AND c.id = $1 AND c.enabled AND c.provider = ANY ($3)
    ), taken AS (
      INSERT INTO wechat_code_exchanges AS x (tenant_id, client_id, code_hash)
      SELECT tenant_id, id, $2 FROM client
      ON CONFLICT ON CONSTRAINT wechat_code_exchanges_pkey DO UPDATE
        SET state = 'begun', begun_at = now(), seed_sealed = NULL, user_id = NULL WHERE x.state = 'released'
      RETURNING client_id
    )
    SELECT c.id, c.provider, c.app_id, c.app_secret_sealed, c.open_platform_account, c.scopes, c.property_map, a.mfa <> 'off',
      a.id, a.slug, a.enrollment, a.phone_matching, a.access_token_ttl, a.id_token_ttl, a.refresh_token_ttl,
      a.refresh_token_idle_ttl, a.session_ttl, a.session_idle_ttl, k.id, k.alg, k.private_key_sealed,
      EXISTS (SELECT FROM taken)
    FROM client c
    JOIN identity_applications a ON a.tenant_id = c.tenant_id AND a.id = c.identity_application_id
    JOIN signing_keys k ON k.tenant_id = a.tenant_id AND k.identity_application_id = a.id AND k.status = 'active'
    """
  let client: ID<ThirdPartyAuthzClient>
  let codeHash: [UInt8]
  let providers: [String]

  func bind(to binder: inout Binder) {
    binder.bind(client)
    binder.bind(codeHash)
    binder.bind(ColumnArray(providers))
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Output {
    Output(client: try FederationClient(&row), taken: try row.next())
  }
}

/// How an earlier request with the same code fared.
struct FindCodeExchange: TenantStatement {
  struct Output: Sendable {
    let state: String
    let isRecent: Bool
    let seed: [UInt8]?
    let user: ID<User>?
  }

  static let sql: SQL = """
    SELECT state, begun_at > now() - interval '10 seconds', seed_sealed, user_id FROM wechat_code_exchanges
    WHERE tenant_id = current_tenant() AND client_id = $1 AND code_hash = $2
    """
  let client: ID<ThirdPartyAuthzClient>
  let codeHash: [UInt8]

  func bind(to binder: inout Binder) {
    binder.bind(client)
    binder.bind(codeHash)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Output {
    Output(state: try row.next(), isRecent: try row.next(), seed: try row.next(), user: try row.next())
  }
}

/// Keeps what makes the same answer again.
struct FinishCodeExchange: TenantStatement {
  static let sql: SQL = """
    UPDATE wechat_code_exchanges SET state = 'done', seed_sealed = $3, user_id = $4
    WHERE tenant_id = current_tenant() AND client_id = $1 AND code_hash = $2
    """
  let client: ID<ThirdPartyAuthzClient>
  let codeHash: [UInt8]
  let seed: [UInt8]
  var user: ID<User>?

  func bind(to binder: inout Binder) {
    binder.bind(client)
    binder.bind(codeHash)
    binder.bind(seed)
    binder.bind(user)
  }
}

/// Keeps a refusal for those who hand in the same code, unless there is an answer already: the commit of a sign-in may have
/// worked although its connection was lost.
struct RefuseCodeExchange: TenantStatement {
  static let sql: SQL = """
    UPDATE wechat_code_exchanges SET state = $3, seed_sealed = $4
    WHERE tenant_id = current_tenant() AND client_id = $1 AND code_hash = $2 AND state = 'begun'
    """
  let client: ID<ThirdPartyAuthzClient>
  let codeHash: [UInt8]
  /// False for a code that WeChat did not consume: those who wait are told, and the person's next try is asked anew.
  let isSpent: Bool
  /// `nil` for what says nothing about the code, such as a fault of ours.
  let seed: [UInt8]?

  func bind(to binder: inout Binder) {
    binder.bind(client)
    binder.bind(codeHash)
    binder.bind(isSpent ? "done" : "released")
    binder.bind(seed)
  }
}
