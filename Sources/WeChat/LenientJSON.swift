import JSON

/// Reads what WeChat calls JSON: broken UTF-8 and raw control bytes inside strings have been seen in nicknames and cities.
enum LenientJSON {
  /// The object of an answer; `nil` when it is not JSON even after repair, such as a gateway's HTML.
  static func object(_ bytes: [UInt8]) -> JSONObject? {
    if let strict = (try? JSONValue(parsing: bytes))?.object { return strict }
    return (try? JSONValue(parsing: repaired(bytes)))?.object
  }

  /// Replaces invalid UTF-8 and escapes U+0000–U+001F inside string literals.
  static func repaired(_ bytes: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count + 16)
    var isInString = false
    var isEscaped = false
    for byte in String(decoding: bytes, as: UTF8.self).utf8 {
      if isInString, byte < 0x20 {
        // Dropped rather than escaped: no name needs a control character, and our own readers refuse NUL.
        isEscaped = false
        continue
      }
      text.append(byte)
      if isEscaped {
        isEscaped = false
      } else if byte == 0x5C {
        isEscaped = isInString
      } else if byte == 0x22 {
        isInString.toggle()
      }
    }
    return text
  }
}

extension JSONObject {
  /// WeChat's `errcode`: a number, in two of its samples a string; absent or 0 on success.
  var errcode: Int {
    self["errcode"]?.integer ?? self["errcode"]?.string.flatMap { Int($0) } ?? 0
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
