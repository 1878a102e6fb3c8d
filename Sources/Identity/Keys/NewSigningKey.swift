import Secrets
import Tenancy

/// A signing key that was just made, ready to be stored.
struct NewSigningKey: Sendable {
  let id: ID<SigningKey>
  let publicJWK: String
  let sealed: [UInt8]

  /// Makes a key and seals its private half.
  /// - Throws: `ManagementRefusal.broken` when the crypto library refuses.
  static func make(
    _ algorithm: SigningAlgorithm, tenant: ID<Tenant>, ring: KeyRing
  ) throws(ManagementRefusal) -> NewSigningKey {
    let id = ID<SigningKey>.make()
    do {
      let key = try PrivateSigningKey.make(algorithm)
      let jwk = try key.publicJWK(kid: id.description)
      return NewSigningKey(
        id: id, publicJWK: String(decoding: jwk, as: UTF8.self), sealed: ring.seal(key.stored, for: .signingKey(tenant, id)))
    } catch {
      throw .broken("signing key generation")
    }
  }
}
