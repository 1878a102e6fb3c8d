/// base64url without padding (RFC 4648 section 5, RFC 7515 appendix C).
public enum Base64URL {
  private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
  private static let values: [UInt8] = {
    var values = [UInt8](repeating: 255, count: 256)
    alphabet.withUTF8Buffer { for (value, character) in $0.enumerated() { values[Int(character)] = UInt8(value) } }
    return values
  }()

  /// The text of `bytes`, as ASCII.
  public static func encode(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.underestimatedCount * 4 + 2) / 3)
    append(bytes, to: &text)
    return text
  }

  /// Appends the text of `bytes` to `text`, as ASCII.
  public static func append(_ bytes: some Sequence<UInt8>, to text: inout [UInt8]) {
    // An array's storage is walked directly: this is on the way of each token.
    let done: Void? = bytes.withContiguousStorageIfAvailable { append($0, to: &text) }
    if done == nil { append(Array(bytes), to: &text) }
  }

  private static func append(_ bytes: UnsafeBufferPointer<UInt8>, to text: inout [UInt8]) {
    let letters = alphabet.utf8Start
    var held: UInt32 = 0
    var bits: UInt32 = 0
    for byte in bytes {
      held = held << 8 | UInt32(byte)
      bits += 8
      while bits >= 6 {
        bits -= 6
        text.append(letters[Int(held >> bits & 63)])
      }
    }
    if bits > 0 { text.append(letters[Int(held << (6 - bits) & 63)]) }
  }

  /// The text of `bytes`.
  public static func string(_ bytes: some Sequence<UInt8>) -> String {
    String(decoding: encode(bytes), as: UTF8.self)
  }

  /// The bytes of `text`; `nil` unless it is canonical, so that one value has one spelling.
  public static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
    guard text.count % 4 != 1 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count * 3 / 4)
    var held: UInt32 = 0
    var bits = 0
    for character in text {
      let value = values[Int(character)]
      guard value != 255 else { return nil }
      held = held << 6 | UInt32(value)
      bits += 6
      if bits >= 8 {
        bits -= 8
        bytes.append(UInt8(truncatingIfNeeded: held >> UInt32(bits)))
      }
    }
    guard held & (1 << UInt32(bits) - 1) == 0 else { return nil }
    return bytes
  }

  /// The bytes of `text`; `nil` unless it is canonical.
  public static func decode(_ text: String) -> [UInt8]? {
    decode(text.utf8)
  }
}
