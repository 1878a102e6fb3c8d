/// The modules of a code under one mask (ISO/IEC 18004 sections 6.3, 7.7 to 7.10).
struct QRDrawing {
  private let size: Int
  private(set) var modules: [Bool]
  /// True for modules that carry no data.
  private var isFixed: [Bool]

  init(_ version: QRVersion, _ codewords: [UInt8], mask: Int) {
    size = version.size
    modules = [Bool](repeating: false, count: size * size)
    isFixed = modules
    drawPatterns(version)
    drawFormat(mask)
    drawVersion(version)
    drawData(codewords)
    for y in 0..<size {
      for x in 0..<size where !isFixed[y * size + x] && Self.inverts(mask, x, y) { modules[y * size + x].toggle() }
    }
  }

  private mutating func fix(_ x: Int, _ y: Int, _ isDark: Bool) {
    guard (0..<size).contains(x), (0..<size).contains(y) else { return }
    modules[y * size + x] = isDark
    isFixed[y * size + x] = true
  }

  private mutating func drawPatterns(_ version: QRVersion) {
    for index in 0..<size {
      fix(6, index, index % 2 == 0)
      fix(index, 6, index % 2 == 0)
    }
    // A finder with its light border: rings of the distance from the centre.
    for (x, y) in [(3, 3), (size - 4, 3), (3, size - 4)] {
      for dy in -4...4 {
        for dx in -4...4 {
          let ring = max(abs(dx), abs(dy))
          fix(x + dx, y + dy, ring != 2 && ring != 4)
        }
      }
    }
    let centres = version.alignment
    for x in centres {
      for y in centres where !isFixed[y * size + x] || (x == 6) != (y == 6) {
        guard !(x < 9 && y < 9), !(x < 9 && y > size - 9), !(x > size - 9 && y < 9) else { continue }
        for dy in -2...2 {
          for dx in -2...2 { fix(x + dx, y + dy, max(abs(dx), abs(dy)) != 1) }
        }
      }
    }
  }

  private mutating func drawFormat(_ mask: Int) {
    // Level M is 00, so the data is the mask alone; BCH (15, 5), then the pattern that keeps it from being all light.
    var rest = mask
    for _ in 0..<10 { rest = rest << 1 ^ (rest >> 9) * 0x537 }
    let bits = (mask << 10 | rest) ^ 0x5412
    func bit(_ index: Int) -> Bool { bits >> index & 1 == 1 }
    for index in 0...5 { fix(8, index, bit(index)) }
    fix(8, 7, bit(6))
    fix(8, 8, bit(7))
    fix(7, 8, bit(8))
    for index in 9..<15 { fix(14 - index, 8, bit(index)) }
    for index in 0..<8 { fix(size - 1 - index, 8, bit(index)) }
    for index in 8..<15 { fix(8, size - 15 + index, bit(index)) }
    fix(8, size - 8, true)
  }

  private mutating func drawVersion(_ version: QRVersion) {
    guard version.number >= 7 else { return }
    var rest = version.number
    for _ in 0..<12 { rest = rest << 1 ^ (rest >> 11) * 0x1F25 }
    let bits = version.number << 12 | rest
    for index in 0..<18 {
      let (along, across) = (size - 11 + index % 3, index / 3)
      fix(along, across, bits >> index & 1 == 1)
      fix(across, along, bits >> index & 1 == 1)
    }
  }

  /// In columns of two from the right, up and down in turn, around the vertical timing pattern.
  private mutating func drawData(_ codewords: [UInt8]) {
    var index = 0
    for pair in 0..<(size - 1) / 2 {
      let right = size - 1 - pair * 2 - (pair * 2 >= size - 7 ? 1 : 0)
      for step in 0..<size {
        let y = pair % 2 == 0 ? size - 1 - step : step
        for x in [right, right - 1] where !isFixed[y * size + x] && index < codewords.count * 8 {
          modules[y * size + x] = codewords[index / 8] >> UInt8(7 - index % 8) & 1 == 1
          index += 1
        }
      }
    }
  }

  private static func inverts(_ mask: Int, _ x: Int, _ y: Int) -> Bool {
    switch mask {
    case 0: (x + y) % 2 == 0
    case 1: y % 2 == 0
    case 2: x % 3 == 0
    case 3: (x + y) % 3 == 0
    case 4: (x / 3 + y / 2) % 2 == 0
    case 5: x * y % 2 + x * y % 3 == 0
    case 6: (x * y % 2 + x * y % 3) % 2 == 0
    default: ((x + y) % 2 + x * y % 3) % 2 == 0
    }
  }
}

extension QRDrawing {
  /// How hard the code is to read: long runs, squares, what looks like a finder, and an uneven share of dark (section 7.8.3).
  var penalty: Int {
    var penalty = 0
    for line in 0..<size {
      penalty += Self.penalty(of: (0..<size).map { modules[line * size + $0] })
      penalty += Self.penalty(of: (0..<size).map { modules[$0 * size + line] })
    }
    for y in 0..<size - 1 {
      for x in 0..<size - 1 {
        let color = modules[y * size + x]
        let others = [modules[y * size + x + 1], modules[(y + 1) * size + x], modules[(y + 1) * size + x + 1]]
        if others.allSatisfy({ $0 == color }) { penalty += 3 }
      }
    }
    let dark = modules.count(where: { $0 })
    return penalty + abs(dark * 20 - modules.count * 10) / modules.count * 10
  }

  private static func penalty(of line: [Bool]) -> Int {
    var penalty = 0
    var run = 0
    for (index, color) in line.enumerated() {
      run = index > 0 && line[index - 1] == color ? run + 1 : 1
      if run == 5 { penalty += 3 } else if run > 5 { penalty += 1 }
    }
    let finder = [true, false, true, true, true, false, true]
    let light = [Bool](repeating: false, count: 4)
    for pattern in [finder + light, light + finder] {
      for start in 0...line.count - pattern.count where Array(line[start..<start + pattern.count]) == pattern {
        penalty += 40
      }
    }
    return penalty
  }
}
