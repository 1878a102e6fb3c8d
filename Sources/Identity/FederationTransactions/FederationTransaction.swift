import FoundationEssentials
import Query
import Secrets
import Tenancy

/// A person whom WeChat authenticated, waiting for the next step: the bind ticket and SiX's `federateCode` are the same thing.
///
/// Opaque, hashed at rest, spent once, ten minutes, bound to tenant, client, openid and purpose.
public struct FederationTransaction: Sendable {
  /// What it may be spent for.
  public enum Purpose: String, Sendable {
    /// Registering or binding an unknown person.
    case bind
    /// Getting tokens for a known one.
    case token
    /// Showing the second factor of a known one.
    case mfa
  }

  /// Seconds it can be spent in.
  public static let lifetime = 600

  let id: ID<FederationTransaction>
  let secretHash: [UInt8]
  let clientID: ID<ThirdPartyAuthzClient>
  let purpose: String
  let appID: String
  let openid: String
  let unionid: String?
  let sessionKeySealed: [UInt8]?
  /// What else came with the person, sealed for this row.
  let carriedSealed: [UInt8]?
}

extension FederationTransaction.Purpose {
  /// What stands before the underscore of its token.
  var prefix: String {
    switch self {
    case .bind: "qbt"
    case .token: "qfc"
    case .mfa: "qmf"
    }
  }
}

/// Makes a transaction.
struct InsertFederationTransaction: TenantStatement {
  static let sql: SQL = """
    INSERT INTO federation_transactions (tenant_id, id, identity_application_id, client_id, purpose, secret_hash, app_id,
      openid, unionid, session_key_sealed, carried_sealed, expires_at)
    VALUES (current_tenant(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, now() + interval '10 minutes')
    """
  let application: ID<IdentityApplication>
  let transaction: FederationTransaction

  func bind(to binder: inout Binder) {
    binder.bind(transaction.id)
    binder.bind(application)
    binder.bind(transaction.clientID)
    binder.bind(transaction.purpose)
    binder.bind(transaction.secretHash)
    binder.bind(transaction.appID)
    binder.bind(transaction.openid)
    binder.bind(transaction.unionid)
    binder.bind(transaction.sessionKeySealed)
    binder.bind(transaction.carriedSealed)
  }
}

/// Reads a client and a transaction that can still be spent; whether they belong together and the secret fits is compared
/// afterwards, in constant time. Without a client it is the transaction's own. No row: no such enabled client.
struct FindFederationTransaction: TenantStatement {
  struct Output: Sendable {
    let client: FederationClient
    let transaction: FederationTransaction?
  }

  static let sql: SQL = """
    WITH ticket AS (
      SELECT t.id, t.secret_hash, t.client_id, t.purpose, t.app_id, t.openid, t.unionid, t.session_key_sealed,
        t.carried_sealed
      FROM federation_transactions t
      WHERE t.tenant_id = current_tenant() AND t.id = $1 AND t.used_at IS NULL AND t.expires_at > now()
    )
    SELECT c.id, c.provider, c.app_id, c.app_secret_sealed, c.open_platform_account, c.scopes, c.property_map, a.mfa <> 'off',
      a.id, a.slug, a.enrollment, a.phone_matching, a.access_token_ttl, a.id_token_ttl, a.refresh_token_ttl,
      a.refresh_token_idle_ttl, a.session_ttl, a.session_idle_ttl, k.id, k.alg, k.private_key_sealed,
      t.id, t.secret_hash, t.client_id, t.purpose, t.app_id, t.openid, t.unionid, t.session_key_sealed,
      t.carried_sealed
    FROM third_party_authz_clients c
    JOIN identity_applications a ON a.tenant_id = current_tenant() AND a.id = c.identity_application_id
    JOIN signing_keys k ON k.tenant_id = current_tenant() AND k.identity_application_id = a.id AND k.status = 'active'
    LEFT JOIN ticket t ON true
    WHERE c.tenant_id = current_tenant() AND c.id = coalesce($2, (SELECT client_id FROM ticket)) AND c.enabled
    """
  let id: ID<FederationTransaction>?
  let client: ID<ThirdPartyAuthzClient>?

  func bind(to binder: inout Binder) {
    binder.bind(id)
    binder.bind(client)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Output {
    let client = try FederationClient(&row)
    guard let id = try row.next(ID<FederationTransaction>?.self) else {
      return Output(client: client, transaction: nil)
    }
    let transaction = FederationTransaction(
      id: id, secretHash: try row.next(), clientID: try row.next(), purpose: try row.next(),
      appID: try row.next(), openid: try row.next(), unionid: try row.next(), sessionKeySealed: try row.next(),
      carriedSealed: try row.next())
    return Output(client: client, transaction: transaction)
  }
}
