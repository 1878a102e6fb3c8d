import Crypto
import CryptoExtras
import FoundationEssentials
import JSON
import Secrets

/// A public key that somebody else signs with (RFC 7517), of the algorithms that FAPI 2.0 allows: ES256, PS256 and EdDSA.
struct PublicSigningKey: Sendable {
  private enum Material: Sendable {
    case es256(P256.Signing.PublicKey)
    case ps256(_RSA.Signing.PublicKey)
    case edDSA(Curve25519.Signing.PublicKey)
  }

  /// What `alg` may be where somebody else signs, for the metadata.
  static let algorithms = ["ES256", "PS256", "EdDSA"]
  /// Members that only a private or symmetric key has.
  private static let secretMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"]
  /// Bits of an RSA modulus: shorter ones are weak, longer ones cost the verifier.
  private static let modulusBits = 2048...8192

  /// `kid`
  let id: String?
  private let material: Material

  /// Reads a JWK; `nil` for a key of another kind, of another use, with a private part, or that is none.
  init?(_ jwk: JSONObject) {
    guard jwk["use"] == nil || jwk["use"]?.string == "sig",
      Self.secretMembers.allSatisfy({ jwk[$0] == nil }), let material = Self.material(jwk)
    else { return nil }
    id = jwk["kid"]?.string
    self.material = material
    guard jwk["alg"] == nil || jwk["alg"]?.string == algorithm else { return nil }
  }

  /// The only `alg` of its signatures (RFC 7518 section 3.1, RFC 8037 section 3.1).
  var algorithm: String {
    switch material {
    case .es256: "ES256"
    case .ps256: "PS256"
    case .edDSA: "EdDSA"
    }
  }

  /// True when the JWS names this key's algorithm and its signature is this key's.
  func verifies(_ jws: CompactJWS) -> Bool {
    guard jws.header["alg"]?.string == algorithm else { return false }
    switch material {
    case .es256(let key):
      guard let signature = try? P256.Signing.ECDSASignature(rawRepresentation: jws.signature) else { return false }
      return key.isValidSignature(signature, for: jws.signed)
    case .ps256(let key):
      let signature = _RSA.Signing.RSASignature(rawRepresentation: jws.signature)
      return key.isValidSignature(signature, for: jws.signed, padding: .PSS)
    case .edDSA(let key): return key.isValidSignature(jws.signature, for: jws.signed)
    }
  }

  private static func material(_ jwk: JSONObject) -> Material? {
    func bytes(_ name: String) -> [UInt8]? { jwk[name]?.string.flatMap { Base64URL.decode($0) } }
    switch (jwk["kty"]?.string, jwk["crv"]?.string) {
    case ("EC", "P-256"):
      guard let x = bytes("x"), let y = bytes("y"), x.count == 32, y.count == 32 else { return nil }
      return (try? P256.Signing.PublicKey(x963Representation: [4] + x + y)).map { .es256($0) }
    case ("OKP", "Ed25519"):
      guard let x = bytes("x"), x.count == 32 else { return nil }
      return (try? Curve25519.Signing.PublicKey(rawRepresentation: x)).map { .edDSA($0) }
    case ("RSA", nil):
      guard let n = bytes("n"), let e = bytes("e"), modulusBits.contains(bits(n)), e.count <= 4, bits(e) > 1 else {
        return nil
      }
      return (try? _RSA.Signing.PublicKey(n: n, e: e)).map { .ps256($0) }
    default: return nil
    }
  }

  /// The length of a big-endian number without leading zeros.
  private static func bits(_ number: [UInt8]) -> Int {
    let digits = number.drop { $0 == 0 }
    return digits.count * 8 - (digits.first?.leadingZeroBitCount ?? 0)
  }
}
