import Secrets

/// What somebody typed to say who they are: a username, a phone number or an e-mail address, however spelled.
struct LoginName: Sendable, Equatable {
  /// Without white space around it; the database compares usernames and addresses in lower case.
  let text: String
  /// The phone number it may be, in E.164 form.
  let phoneNumber: String?

  /// Reads what was typed; `nil` for what no account can be called.
  init?(_ typed: String) {
    let text = String(
      typed.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    guard (1...320).contains(text.unicodeScalars.count),
      !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
    else { return nil }
    self.text = text
    phoneNumber = Self.phoneNumber(text)
  }

  /// The key under which tries for a name are counted that nobody has; a hash, because people type passwords here too.
  var hash: String { Base64URL.string(Digest.sha256((phoneNumber ?? text.lowercased()).utf8)) }

  /// E.164 from `+86 138-1234-5678`, and from the eleven digits that people in China write for it.
  private static func phoneNumber(_ text: String) -> String? {
    let bare = String(text.filter { !" -()".contains($0) })
    let digits = bare.hasPrefix("+") ? bare.dropFirst() : Substring(bare)
    guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    if bare.hasPrefix("+") { return (2...15).contains(digits.count) && digits.first != "0" ? bare : nil }
    return digits.count == 11 && digits.first == "1" ? "+86\(digits)" : nil
  }
}
