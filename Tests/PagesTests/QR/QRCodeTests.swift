import Crypto
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

  @Test(
    "the modules are those that another encoder makes (Python's qrcode 8.2)",
    arguments: [
      ("otpauth", 4, "cbd4d6a5be4267067606cfb500a5479188f315cc3385ac0c4fea2c29fdf10fc9"),
      (
        "otpauth://totp/Acme:buffy?secret=J665Z5F6OURFUDR5FBWUXSOJQLISH3MB&issuer=Acme", 4,
        "1500952b5acb13be36ea89fd7d393b9e2dbbcd5d93c67d574dfb0a13cc4dd139"
      ),
      (String(repeating: "x", count: 200), 2, "c8294f9a437b1546845ed5dde9c2fef56432bd243e9267501998ce08c0151b59"),
      (String(repeating: "y", count: 600), 2, "0d5ea9ad784f40590be97e50e99a6d7a879449e3062be93b5a6b76dd180a1eee"),
    ])
  func vectors(text: String, mask: Int, hash: String) throws {
    let drawing = try #require(QRCode.drawings(of: text).dropFirst(mask).first)
    let rows = drawing.modules.map { $0 ? "1" : "0" }.joined()
    let digest = SHA256.hash(data: Data(rows.utf8)).map { String(format: "%02x", $0) }.joined()
    #expect(digest == hash)
    #expect(QRCode(text)?.modules == drawing.modules, "the same mask is the easiest to read")
  }
}
