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
    // Global unicast is 2000::/3; documentation, Teredo and 6to4 inside it lead nowhere or somewhere else.
    guard address[0] & 0xE0 == 0x20 else { return false }
    if address[0] == 0x20, address[1] == 0x01, address[2] == 0, address[3] == 0 { return false }
    if address[0] == 0x20, address[1] == 0x01, address[2] == 0x0D, address[3] == 0xB8 { return false }
    return !(address[0] == 0x20 && address[1] == 0x02)
  }

  private static func permits4(_ address: [UInt8], loopback: Bool) -> Bool {
    switch (address[0], address[1]) {
    case (127, _): loopback
    case (0, _), (10, _), (169, 254), (192, 168), (224..., _): false
    case (100, 64...127), (172, 16...31), (198, 18...19): false
    case (192, 0): address[2] != 0 && address[2] != 2
    case (198, 51): address[2] != 100
    case (203, 0): address[2] != 113
    default: true
    }
  }
}
