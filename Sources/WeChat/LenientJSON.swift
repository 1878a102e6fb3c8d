import JSON

/// Reads what WeChat calls JSON: broken UTF-8, raw control bytes and half surrogate pairs have been seen in nicknames.
enum LenientJSON {
  /// The object of an answer; `nil` when it is not JSON even after repair, such as a gateway's HTML.
  static func object(_ bytes: [UInt8]) -> JSONObject? {
    if let strict = (try? JSONValue(parsing: bytes))?.object { return strict }
    return (try? JSONValue(parsing: repaired(bytes)))?.object
  }

  /// Makes strings readable: invalid UTF-8 and half surrogate pairs become U+FFFD, control bytes and NUL are left out.
  static func repaired(_ bytes: [UInt8]) -> [UInt8] {
    let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    let input = Array(String(decoding: bytes[start...], as: UTF8.self).utf8)
    var text: [UInt8] = []
    text.reserveCapacity(input.count + 16)
    var at = 0
    var isInString = false
    while at < input.count {
      let byte = input[at]
      if isInString, byte == 0x5C {
        at += appendEscape(input[at...], to: &text)
        continue
      }
      // Left out rather than escaped: no name needs a control character.
      if !isInString || byte >= 0x20 { text.append(byte) }
      if byte == 0x22 { isInString.toggle() }
      at += 1
    }
    return text
  }

  /// Copies the escape at the start of `rest`, repaired; returns how many bytes it took.
  private static func appendEscape(_ rest: ArraySlice<UInt8>, to text: inout [UInt8]) -> Int {
    guard let scalar = escapedUnit(rest) else {
      // A backslash before a control byte escapes nothing once that byte is gone.
      guard let next = rest.dropFirst().first, next >= 0x20 else { return min(2, rest.count) }
      text.append(contentsOf: rest.prefix(2))
      return 2
    }
    switch scalar {
    case 0: break
    case 0xD800..<0xDC00:
      guard let low = escapedUnit(rest.dropFirst(6)), (0xDC00..<0xE000).contains(low) else {
        text.append(contentsOf: UTF8.encodedReplacementCharacter)
        break
      }
      text.append(contentsOf: rest.prefix(12))
      return 12
    case 0xDC00..<0xE000: text.append(contentsOf: UTF8.encodedReplacementCharacter)
    default: text.append(contentsOf: rest.prefix(6))
    }
    return 6
  }

  /// The UTF-16 unit of a `\uXXXX` at the start.
  private static func escapedUnit(_ rest: ArraySlice<UInt8>) -> UInt16? {
    guard rest.starts(with: [0x5C, 0x75]), rest.count >= 6 else { return nil }
    let digits = rest.dropFirst(2).prefix(4)
    guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { return nil }
    return UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
  }
}

extension JSONObject {
  /// WeChat's `errcode`: a number, in two of its samples a string; absent or 0 on success; `nil` when it is neither.
  var errcode: Int? {
    switch self["errcode"] {
    case nil, .null: 0
    case .number(let text): Int(text) ?? Double(text).flatMap { Int(exactly: $0) }
    case .string(let text): Int(text)
    default: nil
    }
  }

  /// A whole number that may have come as a string.
  func looseInteger(_ name: String) -> Int? {
    self[name]?.integer ?? self[name]?.string.flatMap { Int($0) }
  }

  /// A string that may have come as a number; `nil` when empty.
  func looseString(_ name: String) -> String? {
    switch self[name] {
    case .string(let text): text.isEmpty ? nil : text
    case .number(let text): text
    default: nil
    }
  }
}
