import Secrets
import Tenancy

/// Codes for when the authenticator is not at hand: twelve base32 characters, 60 random bits, each good for once.
enum BackupCode {
  /// How many a person gets at a time.
  static let count = 10
  private static let length = 12

  /// New ones, as they are shown: `abcd-efgh-2345`.
  static func make() -> [String] {
    (0..<count).map { _ in
      let text = Base32.string(RandomBytes.make(8)).prefix(length).lowercased()
      return "\(text.prefix(4))-\(text.dropFirst(4).prefix(4))-\(text.suffix(4))"
    }
  }

  /// What is stored; `nil` for what cannot be a code.
  ///
  /// The user is part of it: one guess is one person's. SHA-256 is enough, because each code is a machine's and, stolen, still
  /// lacks the first factor.
  static func hash(_ typed: String, of user: ID<User>) -> [UInt8]? {
    let text = plain(typed)
    guard text.utf8.count == length else { return nil }
    return Digest.sha256("backup code \(user) \(text)".utf8)
  }

  /// What was typed without spaces and hyphens, in lower case.
  static func plain(_ typed: String) -> String { typed.lowercased().filter { !$0.isWhitespace && $0 != "-" } }
}
