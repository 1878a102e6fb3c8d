import FoundationEssentials

/// UUIDs that sort by time (RFC 9562 section 5.7): rows made together lie together, and expiry is a range.
public enum UUIDv7 {
  /// A new one: 48 bits of Unix milliseconds, 74 random bits.
  public static func make(at moment: Date = Date()) -> UUID {
    let milliseconds = UInt64(max(0, moment.timeIntervalSince1970) * 1000)
    var random: (UInt64, UInt64) = (0, 0)
    withUnsafeMutableBytes(of: &random) { $0.copyBytes(from: RandomBytes.make(16)) }
    let high = milliseconds << 16 | 0x7000 | random.0 & 0x0FFF
    let low = random.1 & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
    return withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
  }

  /// The moment in `id`; `nil` when it is of another version.
  public static func moment(of id: UUID) -> Date? {
    let bytes = id.bytes
    guard bytes[6] >> 4 == 7 else { return nil }
    let milliseconds = bytes[0..<6].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return Date(timeIntervalSince1970: Double(milliseconds) / 1000)
  }
}

extension UUID {
  /// The 16 bytes in network order.
  public var bytes: [UInt8] { withUnsafeBytes(of: uuid) { Array($0) } }

  /// The UUID of 16 bytes in network order; `nil` for another count.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 16 else { return nil }
    let copy = Array(bytes)
    self = copy.withUnsafeBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
  }

  /// Canonical text in lower case (RFC 9562 section 4).
  public var canonical: String {
    withUnsafeBytes(of: uuid) { bytes in
      String(unsafeUninitializedCapacity: 36) { text in
        var end = 0
        for index in 0..<16 {
          if Self.hyphenBefore(index) {
            text[end] = 0x2D
            end += 1
          }
          text[end] = Self.digit(bytes[index] >> 4)
          text[end + 1] = Self.digit(bytes[index] & 15)
          end += 2
        }
        return end
      }
    }
  }

  /// The UUID of canonical lower-case text, and of no other spelling.
  public init?(canonical text: some StringProtocol) {
    var id: uuid_t = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    let isRead = withUnsafeMutableBytes(of: &id) { bytes in
      var characters = text.utf8.makeIterator()
      for index in 0..<16 {
        if Self.hyphenBefore(index), characters.next() != 0x2D { return false }
        guard let high = characters.next().flatMap(Self.value), let low = characters.next().flatMap(Self.value) else {
          return false
        }
        bytes[index] = high << 4 | low
      }
      return characters.next() == nil
    }
    guard isRead else { return nil }
    self.init(uuid: id)
  }

  private static func hyphenBefore(_ index: Int) -> Bool { index == 4 || index == 6 || index == 8 || index == 10 }

  private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case 0x30...0x39: digit - 0x30
    case 0x61...0x66: digit - 0x57
    default: nil
    }
  }
}
