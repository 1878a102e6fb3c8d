/// Which addresses a URL that a tenant wrote may lead to: the public internet, and nothing of ours (RFC 6890).
public enum AddressGuard {
  /// True when a connection may be opened to `address` (4 or 16 bytes in network order).
  public static func permits(_ address: [UInt8], loopback: Bool) -> Bool {
    if address.count == 4 { return permits4(address, loopback: loopback) }
    guard address.count == 16 else { return false }
    let prefix = address[..<12]
    // ::ffff:a.b.c.d, 64:ff9b::a.b.c.d and ::a.b.c.d are IPv4 addresses in other clothes.
    if prefix.elementsEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF])
      || prefix.elementsEqual([0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0])
    {
      return permits4(Array(address[12...]), loopback: loopback)
    }
    if prefix.allSatisfy({ $0 == 0 }) {
      return address[12...].elementsEqual([0, 0, 0, 1]) && loopback
    }
    // Global unicast is 2000::/3; these parts of it are special: protocol assignments with Teredo, documentation, 6to4.
    guard address[0] & 0xE0 == 0x20 else { return false }
    switch (address[0], address[1], address[2], address[3]) {
    case (0x20, 0x01, 0...1, _), (0x20, 0x01, 0x0D, 0xB8), (0x20, 0x02, _, _): return false
    case (0x3F, 0xFF, 0..<0x10, _): return false
    default: return true
    }
  }

  private static func permits4(_ address: [UInt8], loopback: Bool) -> Bool {
    switch (address[0], address[1], address[2], address[3]) {
    case (127, _, _, _): loopback
    case (0, _, _, _), (10, _, _, _), (100, 64...127, _, _), (169, 254, _, _), (172, 16...31, _, _): false
    case (192, 168, _, _), (192, 0, 0, _), (198, 18...19, _, _), (224..., _, _, _): false
    // Documentation, and the relays of 6to4.
    case (192, 0, 2, _), (198, 51, 100, _), (203, 0, 113, _), (192, 88, 99, _): false
    // Public by its number, yet a cloud's own server for the machines inside it.
    case (168, 63, 129, 16): false
    default: true
    }
  }
}
