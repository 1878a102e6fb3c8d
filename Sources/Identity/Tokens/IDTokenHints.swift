import FoundationEssentials
import JSON
import Query
import Secrets
import Tenancy

/// Reads ID tokens that come back as `id_token_hint` (OpenID Connect Core section 3.1.2.1, RP-Initiated Logout section 2).
///
/// An expired one is as good, also when the key that signed it was replaced since: it says who the client thinks is signed in,
/// and proves nothing else.
public struct IDTokenHints: Sendable {
  private let issuer: TokenIssuer
  private let keys: SigningKeyCache

  /// Hints signed by the keys of `issuer`.
  public init(issuer: TokenIssuer, keys: SigningKeyCache) {
    self.issuer = issuer
    self.keys = keys
  }

  /// The claims of an ID token of this very application; `nil` for everything else.
  /// - Throws: `IdentityFault` when the database or a key fails.
  func claims(
    _ text: String, application slug: String, in database: TenantDatabase
  ) async throws(IdentityFault) -> JSONObject? {
    guard let jws = CompactJWS(text), jws.header["typ"]?.string == "JWT",
      let keyID = jws.header["kid"]?.string.flatMap({ ID<SigningKey>($0) })
    else { return nil }
    let stored: StoredSigningKey?
    do {
      let find = FindSigningKey(application: slug, key: keyID, isForHint: true)
      stored = try await database.run(find, repeatable: true).first
    } catch {
      throw .database(error)
    }
    guard let stored, jws.header["alg"]?.string == stored.algorithm else { return nil }
    let key = try keys.key(stored, tenant: database.tenant.id)
    guard key.key.isValid(jws.signature, for: jws.signed), let claims = jws.claims,
      claims["iss"]?.string == issuer.issuer(tenant: database.tenant, application: slug)
    else { return nil }
    return claims
  }
}
