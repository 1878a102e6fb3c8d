import FoundationEssentials
import Observability
import Secrets
import Tenancy

/// What a user granted to a client: one refresh token family.
public enum Grant {}

/// A refresh token: opaque, `qrt_` and base64url of the grant (16 bytes), its generation (4 bytes) and a secret (32 bytes).
///
/// Each secret is made from the one before by HMAC under a key of the server. The same token rotated twice therefore gives the
/// same successor, so a lost answer can be repeated; and a token from further back can be recognised as genuine by walking
/// forward, so a replay ends the family while a forgery does not. Only the hash of the current secret is stored.
struct RefreshToken: Sendable {
  let grant: ID<Grant>
  let generation: Int
  let secret: Secret<[UInt8]>

  /// The first token of a new grant.
  static func make() -> RefreshToken {
    RefreshToken(grant: .make(), generation: 0, secret: Secret(RandomBytes.make(32)))
  }

  init(grant: ID<Grant>, generation: Int, secret: Secret<[UInt8]>) {
    self.grant = grant
    self.generation = generation
    self.secret = secret
  }

  /// Reads a token somebody presented; `nil` when it cannot be one of ours.
  init?(_ text: String) {
    guard let token = OpaqueToken(text, prefix: "qrt", secretLength: 36) else { return nil }
    let bytes = token.secret.expose()
    grant = ID(token.id)
    generation = bytes[..<4].reduce(0) { $0 << 8 | Int($1) }
    secret = Secret(Array(bytes[4...]))
  }

  /// What is handed out.
  var text: String {
    let number = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: generation >> $0) }
    return OpaqueToken(prefix: "qrt", id: grant.uuid, secret: number + secret.expose()).text.expose()
  }

  /// What is stored: SHA-256 of the secret.
  var hash: [UInt8] { Digest.sha256(secret.expose()) }

  /// The token after this one, the same each time.
  /// - Parameter key: the server's key for this purpose, 32 bytes.
  func successor(key: [UInt8]) -> RefreshToken {
    RefreshToken(
      grant: grant, generation: generation + 1,
      secret: secret.map { Digest.hmac($0 + grant.uuid.bytes, key: key) })
  }

  /// The `jti` of the access token issued with this refresh token: the grant, and what tells the generations apart.
  var accessTokenID: String {
    Base64URL.string(grant.uuid.bytes) + "." + Base64URL.string(Digest.sha256(hash)[..<9])
  }

  /// The grant named in a `jti`; `nil` for a token that belongs to none.
  static func grant(ofAccessToken jti: String) -> ID<Grant>? {
    guard let dot = jti.firstIndex(of: "."), let bytes = Base64URL.decode(jti[..<dot].utf8),
      let id = UUID(bytes: bytes)
    else { return nil }
    return ID(id)
  }
}
