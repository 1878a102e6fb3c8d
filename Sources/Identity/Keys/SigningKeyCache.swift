import Secrets
import Synchronization
import Tenancy

/// Opened private keys by tenant and row, so that a login does not unseal and parse one.
///
/// Which key signs is never cached: it comes with the statement, so a rotation counts at once on every node.
public final class SigningKeyCache: Sendable {
  private struct Place: Hashable {
    let tenant: ID<Tenant>
    let key: ID<SigningKey>
  }

  /// Dropped as a whole when full: 10,000 keys are about 10 MB.
  private static let capacity = 10_000

  private let ring: KeyRing
  private let opened = Mutex<[Place: SigningKey]>([:])

  /// A cache over the master keys.
  public init(ring: KeyRing) {
    self.ring = ring
  }

  /// The key in `stored`, opened.
  /// - Throws: `IdentityFault.sealedValue` when it cannot be opened or is no key.
  func key(_ stored: StoredSigningKey, tenant: ID<Tenant>) throws(IdentityFault) -> SigningKey {
    let place = Place(tenant: tenant, key: stored.id)
    if let known = opened.withLock({ $0[place] }) { return known }
    guard let algorithm = SigningAlgorithm(rawValue: stored.algorithm),
      let bytes = try? ring.open(stored.sealed, for: .signingKey(tenant, stored.id)),
      let parsed = try? PrivateSigningKey(algorithm, stored: bytes)
    else { throw .sealedValue("signing_keys.private_key_sealed of \(stored.id)") }
    let key = SigningKey(id: stored.id, algorithm: algorithm, key: parsed)
    opened.withLock { table in
      if table.count >= Self.capacity { table.removeAll() }
      table[place] = key
    }
    return key
  }
}

extension KeyRing.Place {
  /// Where a private signing key lies.
  static func signingKey(_ tenant: ID<Tenant>, _ key: ID<SigningKey>) -> KeyRing.Place {
    KeyRing.Place(tenant: tenant.uuid, table: "signing_keys", column: "private_key_sealed", row: key.description)
  }

  /// Where the AppSecret of a third-party authz client lies.
  static func appSecret(_ tenant: ID<Tenant>, _ client: ID<ThirdPartyAuthzClient>) -> KeyRing.Place {
    KeyRing.Place(
      tenant: tenant.uuid, table: "third_party_authz_clients", column: "app_secret_sealed", row: client.description)
  }

  /// Where the session_key of a person lies: by its natural key, so that a ticket can carry it to the identity unopened.
  static func sessionKey(_ tenant: ID<Tenant>, appID: String, openid: String) -> KeyRing.Place {
    KeyRing.Place(
      tenant: tenant.uuid, table: "federated_identities", column: "session_key_sealed", row: "\(appID) \(openid)")
  }

  /// Where the answer to a WeChat code lies.
  static func exchangeSeed(_ tenant: ID<Tenant>, codeHash: [UInt8]) -> KeyRing.Place {
    KeyRing.Place(
      tenant: tenant.uuid, table: "wechat_code_exchanges", column: "seed_sealed", row: Base64URL.string(codeHash))
  }

  /// Where the hub's app access token lies.
  static func appToken(_ tenant: ID<Tenant>, _ client: ID<ThirdPartyAuthzClient>) -> KeyRing.Place {
    KeyRing.Place(
      tenant: tenant.uuid, table: "wechat_app_tokens", column: "access_token_sealed", row: client.description)
  }
}
