import Crypto
import Observability

/// Signatures made with a session key: its base64 text is the key, not the bytes behind it.
public enum SessionSignature {
  /// The signature of a call about a person's session (WeChat: user-state signature, HMAC-SHA256).
  /// - Parameter body: the POST body; empty for GET.
  /// - Returns: lower-case hexadecimal.
  public static func ofRequest(_ body: [UInt8], sessionKey: Secret<String>) -> String {
    let key = SymmetricKey(data: Array(sessionKey.expose().utf8))
    return Hexadecimal.text(HMAC<SHA256>.authenticationCode(for: body, using: key))
  }

  /// True when `signature` belongs to exactly these bytes (WeChat: `rawData` of wx.getUserInfo, SHA-1).
  ///
  /// What it proves is where the text came from, not who is in it: the profile stays display data.
  public static func verifies(rawData: [UInt8], signature: String, sessionKey: Secret<String>) -> Bool {
    let expected = Hexadecimal.text(Insecure.SHA1.hash(data: rawData + Array(sessionKey.expose().utf8)))
    return ConstantTime.equal(expected, signature)
  }
}

/// Comparison whose time says nothing of where two texts differ.
enum ConstantTime {
  /// True when the texts are equal; only their lengths may show.
  static func equal(_ one: String, _ other: String) -> Bool {
    let (one, other) = (Array(one.utf8), Array(other.utf8))
    guard one.count == other.count else { return false }
    return zip(one, other).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
  }
}

/// Lower-case hexadecimal, as WeChat writes digests.
enum Hexadecimal {
  /// The digits of some bytes.
  static func text(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
