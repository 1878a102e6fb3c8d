/// Base64 as WeChat writes it (RFC 4648 section 4), read leniently.
enum LenientBase64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let values: [UInt8: UInt32] = Dictionary(
    uniqueKeysWithValues: alphabet.enumerated().map { ($1, UInt32($0)) })

  /// The bytes; `nil` for foreign characters.
  ///
  /// Padding may be missing and the last character may carry bits nobody needs: the 43 characters of an EncodingAESKey do.
  static func bytes(_ text: String) -> [UInt8]? {
    var characters = Array(text.utf8)[...]
    while characters.last == 0x3D, text.utf8.count - characters.count < 2 { characters.removeLast() }
    guard characters.count % 4 != 1 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(characters.count / 4 * 3 + 2)
    var (collected, bits): (UInt32, UInt32) = (0, 0)
    for character in characters {
      guard let value = values[character] else { return nil }
      collected = (collected << 6 | value) & 0xFFFF
      bits += 6
      if bits >= 8 {
        bits -= 8
        bytes.append(UInt8(truncatingIfNeeded: collected >> bits))
      }
    }
    return bytes
  }

  /// The text, with padding.
  static func text(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      let value = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
      for place in 0..<4 {
        text.append(place <= group.count ? alphabet[Int(value >> UInt32(18 - 6 * place) & 63)] : 0x3D)
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
