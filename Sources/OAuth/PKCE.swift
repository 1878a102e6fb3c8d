/// Proof Key for Code Exchange (RFC 7636); `S256` is the only method.
public enum PKCE {
  /// True for 43 to 128 unreserved characters (RFC 7636 section 4.1).
  public static func isVerifier(_ text: String) -> Bool {
    (43...128).contains(text.utf8.count) && text.utf8.allSatisfy { isBase64URL($0) || $0 == 0x2E || $0 == 0x7E }
  }

  /// True for what SHA-256 and base64url make: 43 characters (RFC 7636 section 4.2).
  public static func isChallenge(_ text: String) -> Bool {
    text.utf8.count == 43 && text.utf8.allSatisfy(isBase64URL)
  }

  private static func isBase64URL(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
    default: false
    }
  }
}
