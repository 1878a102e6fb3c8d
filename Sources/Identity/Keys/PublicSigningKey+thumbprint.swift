import JSON
import Secrets

extension PublicSigningKey {
  /// The SHA-256 thumbprint of a JWK, base64url (RFC 7638 section 3); `nil` for another kind of key than those we verify with.
  static func thumbprint(_ jwk: JSONObject) -> String? {
    let names: [String]
    switch jwk["kty"]?.string {
    case "EC": names = ["crv", "kty", "x", "y"]
    case "OKP": names = ["crv", "kty", "x"]
    case "RSA": names = ["e", "kty", "n"]
    default: return nil
    }
    var members: [(name: String, value: JSONValue)] = []
    for name in names {
      guard let value = jwk[name]?.string else { return nil }
      members.append((name, .string(value)))
    }
    return Base64URL.string(Digest.sha256(JSONValue.object(JSONObject(members)).text))
  }
}
