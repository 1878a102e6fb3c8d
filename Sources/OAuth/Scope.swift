/// A set of scope tokens in the order they were given (RFC 6749 section 3.3).
public struct Scope: Sendable, Equatable {
  /// Asks for a refresh token that outlives the session (OpenID Connect Core section 11).
  public static let offlineAccess = "offline_access"

  /// The tokens, each once.
  public let tokens: [String]

  /// A scope of tokens; repeated ones count once.
  public init(_ tokens: [String]) {
    var seen: Set<String> = []
    self.tokens = tokens.filter { seen.insert($0).inserted }
  }

  /// Reads a space-delimited list; `nil` when a token has characters that RFC 6749 section 3.3 does not allow.
  public init?(parsing text: String) {
    let tokens = text.split(separator: " ").map(String.init)
    guard tokens.allSatisfy(Self.isToken) else { return nil }
    self.init(tokens)
  }

  /// True for one or more of `%x21 / %x23-5B / %x5D-7E`.
  public static func isToken(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { $0 == 0x21 || (0x23...0x5B).contains($0) || (0x5D...0x7E).contains($0) }
  }

  /// Space-delimited.
  public var text: String { tokens.joined(separator: " ") }

  /// True when `token` is in it.
  public func contains(_ token: String) -> Bool { tokens.contains(token) }

  /// True when every token of `other` is in it.
  public func covers(_ other: Scope) -> Bool { other.tokens.allSatisfy(tokens.contains) }
}
