import Crypto
import CryptoExtras
import FoundationEssentials
import JSON
import Secrets

/// A private key that signs, in memory only; at rest it is sealed.
enum PrivateSigningKey: Sendable {
  case es256(P256.Signing.PrivateKey)
  case rs256(_RSA.Signing.PrivateKey)
  case edDSA(Curve25519.Signing.PrivateKey)

  /// A new key.
  /// - Throws: the library's error when the system has no randomness.
  static func make(_ algorithm: SigningAlgorithm) throws -> PrivateSigningKey {
    switch algorithm {
    case .es256: .es256(P256.Signing.PrivateKey())
    case .rs256: .rs256(try _RSA.Signing.PrivateKey(keySize: .bits2048))
    case .edDSA: .edDSA(Curve25519.Signing.PrivateKey())
    }
  }

  /// Reads what `stored` gave.
  /// - Throws: the library's error when the bytes are no such key.
  init(_ algorithm: SigningAlgorithm, stored: [UInt8]) throws {
    switch algorithm {
    case .es256: self = .es256(try P256.Signing.PrivateKey(rawRepresentation: stored))
    case .rs256: self = .rs256(try _RSA.Signing.PrivateKey(derRepresentation: stored))
    case .edDSA: self = .edDSA(try Curve25519.Signing.PrivateKey(rawRepresentation: stored))
    }
  }

  /// The bytes to seal: the scalar or seed, or PKCS #1 for RSA.
  var stored: [UInt8] {
    switch self {
    case .es256(let key): Array(key.rawRepresentation)
    case .rs256(let key): Array(key.derRepresentation)
    case .edDSA(let key): Array(key.rawRepresentation)
    }
  }

  /// The JWS signature of `input` (RFC 7515 section 5.1).
  /// - Throws: the library's error.
  func signature(for input: [UInt8]) throws -> [UInt8] {
    switch self {
    case .es256(let key): Array(try key.signature(for: input).rawRepresentation)
    case .rs256(let key): Array(try key.signature(for: input, padding: .insecurePKCS1v1_5).rawRepresentation)
    case .edDSA(let key): Array(try key.signature(for: input))
    }
  }

  /// True when `signature` is this key's over `input`.
  func isValid(_ signature: [UInt8], for input: [UInt8]) -> Bool {
    switch self {
    case .es256(let key):
      guard let parsed = try? P256.Signing.ECDSASignature(rawRepresentation: signature) else { return false }
      return key.publicKey.isValidSignature(parsed, for: input)
    case .rs256(let key):
      let parsed = _RSA.Signing.RSASignature(rawRepresentation: signature)
      return key.publicKey.isValidSignature(parsed, for: input, padding: .insecurePKCS1v1_5)
    case .edDSA(let key):
      return key.publicKey.isValidSignature(signature, for: input)
    }
  }

  /// The public half as a JWK with `kid`, `use` and `alg` (RFC 7517, RFC 7518 section 6, RFC 8037 section 2).
  /// - Throws: the library's error when the key cannot be read.
  func publicJWK(kid: String) throws -> [UInt8] {
    let members: [(String, String)]
    switch self {
    case .es256(let key):
      let point = key.publicKey.x963Representation
      members = [
        ("kty", "EC"), ("crv", "P-256"), ("x", Base64URL.string(point[1..<33])), ("y", Base64URL.string(point[33...])),
        ("alg", "ES256"),
      ]
    case .rs256(let key):
      let numbers = try key.publicKey.getKeyPrimitives()
      members = [
        ("kty", "RSA"), ("n", Base64URL.string(numbers.modulus)), ("e", Base64URL.string(numbers.publicExponent)),
        ("alg", "RS256"),
      ]
    case .edDSA(let key):
      members = [
        ("kty", "OKP"), ("crv", "Ed25519"), ("x", Base64URL.string(key.publicKey.rawRepresentation)), ("alg", "EdDSA"),
      ]
    }
    return JSONWriter.object { json in
      for (name, value) in members { json.member(name, value) }
      json.member("use", "sig")
      json.member("kid", kid)
    }
  }
}
