import Crypto

/// Names in WeChat's shapes.
enum Names {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")

  /// `bytes` random bytes as hexadecimal digits.
  static func hexadecimal(_ bytes: Int) -> String {
    String((0..<bytes * 2).map { _ in "0123456789abcdef".randomElement() ?? "0" })
  }

  /// Random letters and digits.
  static func random(_ length: Int) -> String {
    String((0..<length).map { _ in alphabet[Int.random(in: 0..<62)] })
  }

  /// The same text for the same words.
  static func derived(_ words: String..., length: Int) -> String {
    let digest = SHA256.hash(data: Array(words.joined(separator: "|").utf8))
    return String(digest.prefix(length).map { alphabet[Int($0 & 63)] })
  }

  /// The same digits for the same words.
  static func digits(_ words: String..., length: Int) -> String {
    let digest = SHA256.hash(data: Array(words.joined(separator: "|").utf8))
    return digest.prefix(length).map { String($0 % 10) }.joined()
  }

  /// A function of person and app.
  static func openid(_ person: String, appID: String) -> String { "o" + derived("openid", appID, person, length: 27) }

  /// A function of person and Open Platform account.
  static func unionid(_ person: String, account: String) -> String {
    "o" + derived("unionid", account, person, length: 27)
  }
}
