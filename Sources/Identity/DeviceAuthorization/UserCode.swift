import Secrets

/// The code that a device shows and a person types: eight letters, shown in two groups (RFC 8628 section 6.1).
///
/// Twenty letters without vowels spell no words, and none of them is read as a digit; 20^8 are 34 bits, which is enough for
/// something that lives ten minutes and can be guessed ten times.
struct UserCode: Sendable, Equatable {
  private static let alphabet = Array("BCDFGHJKLMNPQRSTVWXZ".utf8)
  private static let length = 8

  /// The letters, without the hyphen.
  let letters: String

  /// A new code.
  static func make() -> UserCode {
    var generator = SystemRandomNumberGenerator()
    let letters = (0..<length).map { _ in alphabet[Int.random(in: alphabet.indices, using: &generator)] }
    return UserCode(letters: String(decoding: letters, as: UTF8.self))
  }

  private init(letters: String) { self.letters = letters }

  /// Reads what somebody typed, in either case, with any hyphens and spaces; `nil` when it cannot be a code.
  init?(typed text: String) {
    guard text.utf8.count <= 64 else { return nil }
    let letters = text.utf8.filter { $0 != 0x20 && $0 != 0x2D }.map { (0x61...0x7A).contains($0) ? $0 - 0x20 : $0 }
    guard letters.count == Self.length, letters.allSatisfy(Self.alphabet.contains) else { return nil }
    self.letters = String(decoding: letters, as: UTF8.self)
  }

  /// Reads a stored code.
  init(stored: String) { letters = stored }

  /// For people: `WDJB-MJHT`.
  var shown: String { "\(letters.prefix(4))-\(letters.dropFirst(4))" }
}
