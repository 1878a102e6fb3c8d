/// Why a text is not acceptable JSON.
public struct JSONFault: Error, Sendable, Equatable {
  /// The byte where it was noticed, from 0.
  public let offset: Int
  /// What is wrong, in words for the sender; never a part of the text.
  public let reason: String
}

extension JSONValue {
  /// Reads a whole text, strictly: nothing that two readers could understand differently is accepted.
  ///
  /// Refused beyond RFC 8259's grammar: a name that stands twice, invalid UTF-8, lone surrogates, NUL, nesting over
  /// `depth` levels, numbers of more than 64 characters.
  /// - Throws: `JSONFault`.
  public init(parsing utf8: [UInt8], depth: Int = 32) throws(JSONFault) {
    var parser = JSONParser(text: utf8)
    self = try parser.document(depth: depth)
  }
}

/// One pass over the bytes, recursive in the nesting, which is bounded.
private struct JSONParser {
  let text: [UInt8]
  var at = 0

  init(text: [UInt8]) { self.text = text }

  mutating func document(depth: Int) throws(JSONFault) -> JSONValue {
    let value = try value(depth)
    skipSpace()
    guard at == text.count else { throw fault("something follows the JSON value") }
    return value
  }

  private mutating func value(_ depth: Int) throws(JSONFault) -> JSONValue {
    skipSpace()
    guard at < text.count else { throw fault("the text ends where a value is expected") }
    switch text[at] {
    case 0x7B:
      guard depth > 0 else { throw fault("nested too deep") }
      return .object(try object(depth - 1))
    case 0x5B:
      guard depth > 0 else { throw fault("nested too deep") }
      return .array(try array(depth - 1))
    case 0x22: return .string(try string())
    case 0x74: return try word("true", .boolean(true))
    case 0x66: return try word("false", .boolean(false))
    case 0x6E: return try word("null", .null)
    case 0x2D, 0x30...0x39: return .number(try number())
    default: throw fault("no JSON value begins like this")
    }
  }

  private mutating func object(_ depth: Int) throws(JSONFault) -> JSONObject {
    at += 1
    var object = JSONObject()
    skipSpace()
    if take(0x7D) { return object }
    while true {
      skipSpace()
      guard at < text.count, text[at] == 0x22 else { throw fault("a member name in quotes is expected") }
      let name = try string()
      guard object[name] == nil else { throw fault("a member name stands twice") }
      skipSpace()
      guard take(0x3A) else { throw fault("':' is expected") }
      object[name] = try value(depth)
      skipSpace()
      if take(0x7D) { return object }
      guard take(0x2C) else { throw fault("',' or '}' is expected") }
    }
  }

  private mutating func array(_ depth: Int) throws(JSONFault) -> [JSONValue] {
    at += 1
    var values: [JSONValue] = []
    skipSpace()
    if take(0x5D) { return values }
    while true {
      values.append(try value(depth))
      skipSpace()
      if take(0x5D) { return values }
      guard take(0x2C) else { throw fault("',' or ']' is expected") }
    }
  }

  private mutating func string() throws(JSONFault) -> String {
    let start = at
    at += 1
    var bytes: [UInt8] = []
    while at < text.count {
      let byte = text[at]
      switch byte {
      case 0x22:
        at += 1
        guard let string = String(validating: bytes, as: UTF8.self) else {
          throw JSONFault(offset: start, reason: "a string is not valid UTF-8")
        }
        return string
      case 0x5C:
        at += 1
        try escape(into: &bytes)
      case 0..<0x20: throw fault("a control character stands in a string without an escape")
      default:
        bytes.append(byte)
        at += 1
      }
    }
    throw fault("the text ends inside a string")
  }

  private mutating func escape(into bytes: inout [UInt8]) throws(JSONFault) {
    guard at < text.count else { throw fault("the text ends inside a string") }
    let plain: [UInt8: UInt8] = [0x22: 0x22, 0x5C: 0x5C, 0x2F: 0x2F, 0x62: 8, 0x66: 12, 0x6E: 10, 0x72: 13, 0x74: 9]
    if let byte = plain[text[at]] {
      bytes.append(byte)
      at += 1
      return
    }
    guard text[at] == 0x75 else { throw fault("no such escape") }
    at += 1
    var scalar = try hexadecimal()
    if (0xD800..<0xDC00).contains(scalar) {
      guard at + 1 < text.count, text[at] == 0x5C, text[at + 1] == 0x75 else { throw fault("half a surrogate pair") }
      at += 2
      let low = try hexadecimal()
      guard (0xDC00..<0xE000).contains(low) else { throw fault("half a surrogate pair") }
      scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
    }
    guard scalar != 0, let unicode = Unicode.Scalar(scalar) else { throw fault("NUL or half a surrogate pair") }
    bytes.append(contentsOf: UTF8.encode(unicode) ?? UTF8.encodedReplacementCharacter)
  }

  private mutating func hexadecimal() throws(JSONFault) -> UInt32 {
    guard at + 4 <= text.count, text[at..<at + 4].allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
      let value = UInt32(String(decoding: text[at..<at + 4], as: UTF8.self), radix: 16)
    else { throw fault("four hexadecimal digits are expected") }
    at += 4
    return value
  }

  private mutating func number() throws(JSONFault) -> String {
    let start = at
    _ = take(0x2D)
    guard at < text.count, (0x30...0x39).contains(text[at]) else { throw fault("a digit is expected") }
    if !take(0x30) { digits() }
    if take(0x2E) {
      guard digits() else { throw fault("a digit is expected after '.'") }
    }
    if take(0x65) || take(0x45) {
      if !take(0x2B) { _ = take(0x2D) }
      guard digits() else { throw fault("a digit is expected in the exponent") }
    }
    guard at - start <= 64 else { throw JSONFault(offset: start, reason: "a number is too long") }
    return String(decoding: text[start..<at], as: UTF8.self)
  }

  @discardableResult
  private mutating func digits() -> Bool {
    let start = at
    while at < text.count, (0x30...0x39).contains(text[at]) { at += 1 }
    return at > start
  }

  private mutating func word(_ word: String, _ value: JSONValue) throws(JSONFault) -> JSONValue {
    guard text[at...].starts(with: word.utf8) else { throw fault("no JSON value begins like this") }
    at += word.utf8.count
    return value
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard at < text.count, text[at] == byte else { return false }
    at += 1
    return true
  }

  private mutating func skipSpace() {
    while at < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[at]) { at += 1 }
  }

  private func fault(_ reason: String) -> JSONFault { JSONFault(offset: at, reason: reason) }
}
