/// How an identity application signs its tokens (RFC 7518 section 3.1, RFC 8037).
public enum SigningAlgorithm: String, Sendable, CaseIterable {
  /// ECDSA over P-256 with SHA-256.
  case es256 = "ES256"
  /// RSASSA-PKCS1-v1_5 with SHA-256, 2048-bit keys.
  case rs256 = "RS256"
  /// Ed25519.
  case edDSA = "EdDSA"
}
