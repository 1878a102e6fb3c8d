import Foundation
import Identity
import Testing

@Suite("one-time passwords")
struct TOTPTests {
  @Test(
    "the codes of RFC 6238 appendix B",
    arguments: [
      (59, "287082"), (1_111_111_109, "081804"), (1_111_111_111, "050471"), (1_234_567_890, "005924"),
      (2_000_000_000, "279037"), (20_000_000_000, "353130"),
    ])
  func vectors(moment: Int, code: String) {
    let step = TOTP.step(at: Date(timeIntervalSince1970: Double(moment)))
    #expect(TOTP.code(Array("12345678901234567890".utf8), step: step) == code)
  }

  @Test("the address for an authenticator is cut between characters and cannot be left")
  func uri() {
    let plain = TOTP.uri(secret: "ABC", issuer: "My App", account: "buffy@host.test")
    #expect(plain == "otpauth://totp/My%20App:buffy%40host.test?secret=ABC&issuer=My%20App")
    let long = TOTP.uri(
      secret: "ABC", issuer: String(repeating: "桥", count: 100),
      account: "a:b?secret=XYZ&" + String(repeating: "x", count: 99))
    #expect(long.hasPrefix("otpauth://totp/%E6%A1%A5%E6%A1%A5"))
    #expect(long.contains(":ab%3Fsecret%3DXYZ%26xxx") && long.hasSuffix("%A5"))
    #expect(long.utf8.count < 250)
  }
}
