import Crypto
import FoundationEssentials
import OAuth

/// Time-based one-time passwords (RFC 6238) as every authenticator app makes them: SHA-1, six digits, steps of 30 s.
public enum TOTP {
  /// Bytes of a secret: as many as SHA-1 has (RFC 4226 section 4, R6).
  public static let secretLength = 20

  /// The step that `moment` lies in.
  public static func step(at moment: Date) -> Int { Int((moment.timeIntervalSince1970 / 30).rounded(.down)) }

  /// The six digits of a step (RFC 4226 section 5.3).
  public static func code(_ secret: [UInt8], step: Int) -> String {
    let counter = (0..<8).map { UInt8(truncatingIfNeeded: step >> (56 - 8 * $0)) }
    let hash = Array(HMAC<Insecure.SHA1>.authenticationCode(for: counter, using: SymmetricKey(data: secret)))
    let offset = Int(hash[19] & 15)
    let value = hash[offset..<offset + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } & 0x7FFF_FFFF
    let digits = String(value % 1_000_000)
    return String(repeating: "0", count: 6 - digits.utf8.count) + digits
  }

  /// The steps whose code this is, the latest first, one step around `moment` (RFC 6238 section 5.2).
  static func steps(of code: String, _ secret: [UInt8], at moment: Date) -> [Int] {
    let now = step(at: moment)
    return [now + 1, now, now - 1].filter { self.code(secret, step: $0) == code }
  }

  /// The address by which an authenticator takes a key in (the "Key URI Format" of Google Authenticator, which all follow).
  ///
  /// Names are cut, so that the whole fits a code that a phone reads at a glance.
  public static func uri(secret: String, issuer: String, account: String) -> String {
    let issuer = encoded(issuer)
    return "otpauth://totp/\(issuer):\(encoded(account))?secret=\(secret)&issuer=\(issuer)"
  }

  /// Percent-encoded, at most 60 bytes of it and no half character; a colon would end the issuer.
  private static func encoded(_ name: String) -> String {
    var text = ""
    for scalar in name.unicodeScalars where scalar != ":" {
      let piece = PercentEncoding.encode(String(scalar))
      guard text.utf8.count + piece.utf8.count <= 60 else { break }
      text += piece
    }
    return text
  }
}
