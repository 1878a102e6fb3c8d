import Foundation
import Testing

@testable import Pages

@Suite("QR codes")
struct QRCodeTests {
  @Test("the correction bytes of the standard's worked example (ISO/IEC 18004 annex I)")
  func correction() {
    let data: [UInt8] = [
      0x10, 0x20, 0x0C, 0x56, 0x61, 0x80, 0xEC, 0x11, 0xEC, 0x11, 0xEC, 0x11, 0xEC, 0x11, 0xEC, 0x11,
    ]
    let expected: [UInt8] = [0xA5, 0x24, 0xD4, 0xC1, 0xED, 0x36, 0xC7, 0x87, 0x2C, 0x55]
    #expect(ReedSolomon.correction(data[...], count: 10) == expected)
  }

  @Test(
    "each size takes what the standard says, and one byte more makes the next",
    arguments: [(1, 14), (2, 26), (6, 106), (7, 122), (9, 180), (10, 213), (13, 331), (20, 666)])
  func capacity(version: Int, bytes: Int) throws {
    let full = try #require(QRCode(String(repeating: "a", count: bytes)))
    #expect(full.size == version * 4 + 17)
    let more = QRCode(String(repeating: "a", count: bytes + 1))
    #expect(more?.size == (version == 20 ? nil : version * 4 + 21))
  }

  @Test("the alignment patterns stand where the standard has them")
  func alignment() {
    #expect(QRVersion(number: 1).alignment == [])
    #expect(QRVersion(number: 2).alignment == [6, 18])
    #expect(QRVersion(number: 7).alignment == [6, 22, 38])
    #expect(QRVersion(number: 14).alignment == [6, 26, 46, 66])
    #expect(QRVersion(number: 20).alignment == [6, 34, 62, 90])
  }

  @Test(
    "finders, timing and the dark module are in their places, and the format says level M twice",
    arguments: [1, 60, 300])
  func structure(length: Int) throws {
    let code = try #require(QRCode(String(repeating: "x", count: length)))
    func isDark(_ x: Int, _ y: Int) -> Bool { code.modules[y * code.size + x] }
    for (x, y) in [(0, 0), (code.size - 7, 0), (0, code.size - 7)] {
      #expect((0..<7).allSatisfy { isDark(x + $0, y) && isDark(x, y + $0) && isDark(x + 6, y + $0) })
      #expect(isDark(x + 3, y + 3) && !isDark(x + 1, y + 1))
    }
    #expect((8..<code.size - 8).allSatisfy { isDark($0, 6) == ($0 % 2 == 0) && isDark(6, $0) == ($0 % 2 == 0) })
    #expect(isDark(8, code.size - 8))
    let first = [0, 1, 2, 3, 4, 5, 7, 8].map { isDark($0, 8) } + [7, 5, 4, 3, 2, 1, 0].map { isDark(8, $0) }
    let second =
      (1...7).map { isDark(8, code.size - $0) } + (0..<8).map { isDark(code.size - 8 + $0, 8) }
    #expect(first == second)
    // The two bits of the level, under the format's own mask.
    #expect([first[0], first[1]] == [true, false])
  }
}
