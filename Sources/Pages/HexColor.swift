#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A colour written `#rrggbb`, and what can be read on it.
public struct HexColor: Sendable, Equatable {
  private let red: UInt8
  private let green: UInt8
  private let blue: UInt8

  /// Reads `#` and six hexadecimal digits; `nil` for anything else, so that nothing but a colour reaches a style.
  public init?(_ text: String) {
    let digits = Array(text.utf8.dropFirst())
    guard text.utf8.first == UInt8(ascii: "#"), digits.count == 6,
      digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }),
      let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    else { return nil }
    self.init(UInt8(value >> 16), UInt8(value >> 8 & 255), UInt8(value & 255))
  }

  init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
    self.red = red
    self.green = green
    self.blue = blue
  }

  static let white = HexColor(255, 255, 255)
  static let ink = HexColor(0x17, 0x1A, 0x1F)

  /// `#rrggbb` in lower case.
  public var description: String {
    "#"
      + [red, green, blue].map { value in
        let digits = String(value, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
      }.joined()
  }

  /// Relative luminance, 0 to 1 (WCAG 2.2).
  var luminance: Double {
    func linear(_ value: UInt8) -> Double {
      let part = Double(value) / 255
      return part <= 0.04045 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4)
    }
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
  }

  /// Contrast ratio, 1 to 21 (WCAG 2.2).
  func contrast(with other: HexColor) -> Double {
    let (light, dark) = (max(luminance, other.luminance), min(luminance, other.luminance))
    return (light + 0.05) / (dark + 0.05)
  }

  /// White or ink, whichever reads better on this colour.
  var readable: HexColor { contrast(with: .white) >= contrast(with: .ink) ? .white : .ink }

  /// This colour moved towards the readable end until it has a contrast of `ratio` with `ground`.
  func legible(on ground: HexColor, ratio: Double) -> HexColor {
    let end = ground.readable
    var color = self
    for step in 1...10 where color.contrast(with: ground) < ratio {
      color = mixed(with: end, Double(step) / 10)
    }
    return color
  }

  private func mixed(with other: HexColor, _ part: Double) -> HexColor {
    func mix(_ own: UInt8, _ its: UInt8) -> UInt8 {
      UInt8(clamping: Int((Double(own) * (1 - part) + Double(its) * part).rounded()))
    }
    return HexColor(mix(red, other.red), mix(green, other.green), mix(blue, other.blue))
  }
}
