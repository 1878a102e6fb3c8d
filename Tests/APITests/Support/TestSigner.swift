import Crypto
import CryptoExtras
import Foundation
import JSON
import Secrets

/// A key pair of a client that signs JWTs.
struct TestSigner: Sendable {
  private enum Key: Sendable {
    case es256(P256.Signing.PrivateKey)
    case rsa(_RSA.Signing.PrivateKey, algorithm: String)
    case edDSA(Curve25519.Signing.PrivateKey)
  }

  private let key: Key
  let id: String

  /// A new pair for `ES256`, `PS256`, `RS256` or `EdDSA`.
  init(_ algorithm: String = "ES256", id: String = "k1", bits: Int = 2048) throws {
    self.id = id
    switch algorithm {
    case "PS256", "RS256":
      key = .rsa(try _RSA.Signing.PrivateKey(unsafeKeySize: .init(bitCount: bits)), algorithm: algorithm)
    case "EdDSA": key = .edDSA(Curve25519.Signing.PrivateKey())
    default: key = .es256(P256.Signing.PrivateKey())
    }
  }

  var algorithm: String {
    switch key {
    case .es256: "ES256"
    case .rsa(_, let algorithm): algorithm
    case .edDSA: "EdDSA"
    }
  }

  /// The public half as a JWK.
  func jwk() throws -> JSONObject {
    let members: [(String, String)]
    switch key {
    case .es256(let key):
      let point = key.publicKey.x963Representation
      members = [
        ("kty", "EC"), ("crv", "P-256"), ("x", Base64URL.string(point[1..<33])), ("y", Base64URL.string(point[33...])),
      ]
    case .rsa(let key, _):
      let numbers = try key.publicKey.getKeyPrimitives()
      members = [
        ("kty", "RSA"), ("n", Base64URL.string(numbers.modulus)), ("e", Base64URL.string(numbers.publicExponent)),
      ]
    case .edDSA(let key):
      members = [("kty", "OKP"), ("crv", "Ed25519"), ("x", Base64URL.string(key.publicKey.rawRepresentation))]
    }
    return JSONObject((members + [("kid", id)]).map { (name: $0.0, value: .string($0.1)) })
  }

  /// A JWK set of the public halves, as JSON text.
  static func set(_ signers: [TestSigner]) throws -> String {
    let keys = try signers.map { JSONValue.object(try $0.jwk()) }
    return String(decoding: JSONValue.object(JSONObject([("keys", .array(keys))])).text, as: UTF8.self)
  }

  /// The compact JWS of `claims`; `header` replaces members of the usual one, `null` takes one out.
  func sign(_ claims: JSONObject, header changes: [String: JSONValue] = [:]) throws -> String {
    var header = JSONObject([("alg", .string(algorithm)), ("kid", .string(id)), ("typ", .string("JWT"))])
    for (name, value) in changes { header[name] = value == .null ? nil : value }
    let signed = [header, claims].map { Base64URL.string(JSONValue.object($0).text) }.joined(separator: ".")
    return "\(signed).\(Base64URL.string(try signature(Array(signed.utf8))))"
  }

  private func signature(_ bytes: [UInt8]) throws -> [UInt8] {
    switch key {
    case .es256(let key): Array(try key.signature(for: bytes).rawRepresentation)
    case .rsa(let key, let algorithm):
      Array(
        try key.signature(for: bytes, padding: algorithm == "PS256" ? .PSS : .insecurePKCS1v1_5).rawRepresentation)
    case .edDSA(let key): Array(try key.signature(for: bytes))
    }
  }
}
