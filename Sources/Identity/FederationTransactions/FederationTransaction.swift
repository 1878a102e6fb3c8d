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
}

extension FederationTransaction.Purpose {
  /// What stands before the underscore of its token.
  var prefix: String {
    switch self {
    case .bind: "qbt"
    case .token: "qfc"
    }
  }
}

/// Makes a transaction.
struct InsertFederationTransaction: TenantStatement {
  static let sql: SQL = """
    INSERT INTO federation_transactions (tenant_id, id, identity_application_id, client_id, purpose, secret_hash, app_id,
      openid, unionid, session_key_sealed, expires_at)
    VALUES (current_tenant(), $1, $2, $3, $4, $5, $6, $7, $8, $9, now() + interval '10 minutes')
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
  }
}

/// Reads a transaction that can still be spent; whether the secret fits is compared in constant time afterwards.
struct FindFederationTransaction: TenantStatement {
  static let sql: SQL = """
    SELECT id, secret_hash, client_id, purpose, app_id, openid, unionid, session_key_sealed FROM federation_transactions
    WHERE tenant_id = current_tenant() AND id = $1 AND used_at IS NULL AND expires_at > now()
    """
  let id: ID<FederationTransaction>

  func bind(to binder: inout Binder) { binder.bind(id) }

  static func decode(_ row: inout Row) throws(DecodingFault) -> FederationTransaction {
    FederationTransaction(
      id: try row.next(), secretHash: try row.next(), clientID: try row.next(), purpose: try row.next(),
      appID: try row.next(), openid: try row.next(), unionid: try row.next(), sessionKeySealed: try row.next())
  }
}
