/// Error correction of QR codes: Reed-Solomon over GF(2^8) with the polynomial 0x11D (ISO/IEC 18004 section 7.5.2).
enum ReedSolomon {
  /// The `count` correction bytes of `data`.
  static func correction(_ data: ArraySlice<UInt8>, count: Int) -> [UInt8] {
    let divisor = generator(count)
    var rest = [UInt8](repeating: 0, count: count)
    for byte in data {
      let factor = byte ^ rest.removeFirst()
      rest.append(0)
      for index in rest.indices { rest[index] ^= product(divisor[index], factor) }
    }
    return rest
  }

  /// (x - 1)(x - 2)(x - 4) … without its leading one, the highest power first.
  private static func generator(_ degree: Int) -> [UInt8] {
    var polynomial = [UInt8](repeating: 0, count: degree)
    polynomial[degree - 1] = 1
    var root: UInt8 = 1
    for _ in 0..<degree {
      for index in polynomial.indices {
        polynomial[index] = product(polynomial[index], root)
        if index + 1 < degree { polynomial[index] ^= polynomial[index + 1] }
      }
      root = product(root, 2)
    }
    return polynomial
  }

  private static func product(_ left: UInt8, _ right: UInt8) -> UInt8 {
    var result = 0
    for bit in stride(from: 7, through: 0, by: -1) {
      result = result << 1 ^ (result >> 7) * 0x11D
      if right >> UInt8(bit) & 1 == 1 { result ^= Int(left) }
    }
    return UInt8(truncatingIfNeeded: result)
  }
}
