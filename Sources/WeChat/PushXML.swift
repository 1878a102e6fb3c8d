/// The flat XML of WeChat's pushes (`<xml><Name>text</Name>…</xml>`), and nothing more of XML: no DTD, no entities but the five
/// and characters by number, no attributes, no namespaces, at most four levels.
struct PushXML {
  /// The text of each child of the root; of children that hold elements themselves, nothing.
  private(set) var fields: [String: String] = [:]
  private let text: [UInt8]
  private var at = 0

  /// Reads a document; `nil` when it is anything else.
  init?(_ text: [UInt8]) {
    self.text = text
    skipSpace()
    if take("<?xml") {
      guard skip(past: "?>") else { return nil }
      skipSpace()
    }
    guard let root = openTag(), content(of: root, depth: 0) != nil else { return nil }
    skipSpace()
    guard at == text.count else { return nil }
  }

  /// The text of an element whose start was read; `nil` when it is malformed.
  private mutating func content(of name: String, depth: Int) -> String? {
    guard depth < 4 else { return nil }
    var bytes: [UInt8] = []
    var children = 0
    while at < text.count {
      if take("</") {
        guard take(name), skipSpace(), take(">") else { return nil }
        return children > 0 ? "" : String(validating: bytes, as: UTF8.self)
      } else if take("<![CDATA[") {
        let start = at
        guard skip(past: "]]>") else { return nil }
        bytes += text[start..<at - 3]
      } else if text[at] == 0x3C {
        children += 1
        guard children <= 200, let child = openTag(), let inner = content(of: child, depth: depth + 1) else {
          return nil
        }
        if depth == 0 {
          guard fields[child] == nil else { return nil }
          fields[child] = inner
        }
      } else if text[at] == 0x26 {
        guard let character = reference() else { return nil }
        bytes += Array(String(character).utf8)
      } else {
        bytes.append(text[at])
        at += 1
      }
    }
    return nil
  }

  /// A start tag without attributes.
  private mutating func openTag() -> String? {
    guard take("<") else { return nil }
    let start = at
    while at < text.count, isNameByte(text[at]) { at += 1 }
    guard at > start, at - start <= 64 else { return nil }
    let name = String(decoding: text[start..<at], as: UTF8.self)
    skipSpace()
    return take(">") ? name : nil
  }

  /// One of the five entities, or a character by its number.
  private mutating func reference() -> Character? {
    let start = at + 1
    guard let end = text[start...].prefix(12).firstIndex(of: 0x3B) else { return nil }
    let name = String(decoding: text[start..<end], as: UTF8.self)
    at = end + 1
    switch name {
    case "lt": return "<"
    case "gt": return ">"
    case "amp": return "&"
    case "quot": return "\""
    case "apos": return "'"
    default:
      guard name.hasPrefix("#") else { return nil }
      let digits = name.dropFirst()
      let number = digits.hasPrefix("x") ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
      guard let number, number >= 0x20, let scalar = Unicode.Scalar(number) else { return nil }
      return Character(scalar)
    }
  }

  private func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2D: true
    default: false
    }
  }

  private mutating func take(_ word: String) -> Bool {
    guard text[at...].starts(with: word.utf8) else { return false }
    at += word.utf8.count
    return true
  }

  private mutating func skip(past word: String) -> Bool {
    let pattern = Array(word.utf8)
    var place = at
    while place + pattern.count <= text.count {
      if text[place] == pattern[0], text[place..<place + pattern.count].elementsEqual(pattern) {
        at = place + pattern.count
        return true
      }
      place += 1
    }
    return false
  }

  @discardableResult
  private mutating func skipSpace() -> Bool {
    while at < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[at]) { at += 1 }
    return true
  }
}
