import Glibc

/// An IPv4 or IPv6 address as 16 bytes; IPv4 is kept in its mapped form (RFC 4291 section 2.5.5.2).
public struct IPAddress: Sendable, Hashable, CustomStringConvertible {
  private let bytes: [UInt8]
  private static let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]

  /// Reads the text of an address without port, brackets or zone.
  public init?(_ text: some StringProtocol) {
    let text = String(text)
    guard text.utf8.count <= 45, !text.utf8.contains(0) else { return nil }
    var v4 = [UInt8](repeating: 0, count: 4)
    if inet_pton(AF_INET, text, &v4) == 1 {
      bytes = Self.mapped + v4
      return
    }
    var v6 = [UInt8](repeating: 0, count: 16)
    guard inet_pton(AF_INET6, text, &v6) == 1 else { return nil }
    bytes = v6
  }

  /// True for an address that was not IPv4.
  public var isIPv6: Bool { !bytes.starts(with: Self.mapped) }

  /// True for `127.0.0.0/8` and `::1`.
  public var isLoopback: Bool {
    isIPv6 ? bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1 : bytes[12] == 127
  }

  /// Canonical text.
  public var description: String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let family = isIPv6 ? AF_INET6 : AF_INET
    let from = isIPv6 ? bytes : Array(bytes[12...])
    guard inet_ntop(family, from, &text, socklen_t(text.count)) != nil else { return "" }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// What one subscriber has: the address itself for IPv4, the first 64 bits for IPv6 (RFC 6177).
  public var network: String {
    isIPv6 ? bytes[..<8].map { String($0, radix: 16) }.joined(separator: ".") : description
  }

  /// True when the first `bits` of 128 are those of `other`.
  public func shares(_ bits: Int, with other: IPAddress) -> Bool {
    let whole = bits / 8
    guard bytes[..<whole] == other.bytes[..<whole] else { return false }
    let rest = bits % 8
    return rest == 0 || (bytes[whole] ^ other.bytes[whole]) >> UInt8(8 - rest) == 0
  }
}
