import FoundationEssentials

/// UUIDs that sort by time (RFC 9562 section 5.7): rows made together lie together, and expiry is a range.
public enum UUIDv7 {
  /// A new one: 48 bits of Unix milliseconds, 74 random bits.
  public static func make(at moment: Date = Date()) -> UUID {
    let milliseconds = UInt64(max(0, moment.timeIntervalSince1970) * 1000)
    var generator = SystemRandomNumberGenerator()
    let high = milliseconds << 16 | 0x7000 | generator.next() & 0x0FFF
    let low = generator.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
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
    var text: [UInt8] = []
    text.reserveCapacity(36)
    for (index, byte) in bytes.enumerated() {
      if index == 4 || index == 6 || index == 8 || index == 10 { text.append(0x2D) }
      text.append(Self.digit(byte >> 4))
      text.append(Self.digit(byte & 15))
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The UUID of canonical lower-case text, and of no other spelling.
  public init?(canonical text: some StringProtocol) {
    guard text.utf8.count == 36, let id = UUID(uuidString: String(text)), id.canonical == text else { return nil }
    self = id
  }

  private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }
}
