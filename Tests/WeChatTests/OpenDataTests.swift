import Crypto
import FoundationEssentials
import JSON
import Observability
import Testing

@testable import WeChat

@Suite("Data and signatures under a session key")
struct OpenDataTests {
  private let key = Secret(OfficialVectors.sessionKey)
  private let now = Date(timeIntervalSince1970: Double(OfficialVectors.timestamp))

  private func opened(
    _ data: String, iv: String = OfficialVectors.iv, key: String = OfficialVectors.sessionKey,
    appID: String = OfficialVectors.appID, openid: String? = nil, late: Double = 0
  ) -> JSONObject? {
    try? EncryptedData(data: data, iv: iv).open(
      sessionKey: Secret(key), appID: appID, openid: openid, now: now.addingTimeInterval(late))
  }

  /// Encrypts under the demo's key, with padding as given.
  private func sealed(_ bytes: [UInt8]) throws -> String {
    let key = try #require(LenientBase64.bytes(OfficialVectors.sessionKey))
    let iv = try #require(LenientBase64.bytes(OfficialVectors.iv))
    return LenientBase64.text(try #require(AESCBC.encrypted(bytes, key: key, iv: iv)))
  }

  @Test("Tencent's demo of encryptedData opens to the printed text")
  func demo() throws {
    let object = try #require(opened(OfficialVectors.userInfo, openid: "oGZUI0egBJY1zhBYw2KhdUfwVJJE"))
    #expect(object == LenientJSON.object(Array(OfficialVectors.userInfoPlain.utf8)))
    let bytes = try #require(LenientBase64.bytes(OfficialVectors.userInfo))
    let key = try #require(LenientBase64.bytes(OfficialVectors.sessionKey))
    let iv = try #require(LenientBase64.bytes(OfficialVectors.iv))
    let padded = try #require(AESCBC.decrypted(bytes, key: key, iv: iv))
    #expect(Padding.length(padded, block: 16) == 7)
    #expect(
      Hexadecimal.text(SHA256.hash(data: padded.dropLast(7)))
        == "3237d8a5dbd413523c194882c7156544d8a06e2afcc97383cc300c17bd09391b")
  }

  @Test("the answer of the phone button opens")
  func phone() throws {
    let object = try #require(opened(OfficialVectors.phone))
    #expect(object["purePhoneNumber"]?.string == "13580006666")
  }

  @Test("another app's, another person's, old and future data is refused")
  func watermark() {
    #expect(opened(OfficialVectors.userInfo, appID: "wx0000000000000000") == nil)
    #expect(opened(OfficialVectors.userInfo, openid: "oSomebodyElse") == nil)
    #expect(opened(OfficialVectors.userInfo, late: 300) != nil)
    #expect(opened(OfficialVectors.userInfo, late: 301) == nil)
    #expect(opened(OfficialVectors.userInfo, late: -301) == nil)
  }

  @Test("a superseded key, and lengths and characters that do not fit, are refused")
  func malformed() {
    for key in ["HyVFkGl5F5OQWJZZaNzBBg==", "", "AAAA", "!!", OfficialVectors.sessionKey + "AAAA"] {
      #expect(opened(OfficialVectors.userInfo, key: key) == nil, "\(key)")
    }
    for iv in ["", "AAAA", "r7BXXKkLb8qrSNn05n0qiA==AAAA", "*7BXXKkLb8qrSNn05n0qiA=="] {
      #expect(opened(OfficialVectors.userInfo, iv: iv) == nil, "\(iv)")
    }
    let spaced = OfficialVectors.userInfo.replacing("+", with: " ")
    for data in ["", "AAAA", "A", String(OfficialVectors.userInfo.dropLast(8)), spaced] {
      #expect(opened(data) == nil)
    }
  }

  @Test("wrong padding is refused although the text before it is good", arguments: 0...17 as ClosedRange<UInt8>)
  func padding(last: UInt8) throws {
    let text = #"{"watermark":{"timestamp":1477314187,"appid":"wx4f4bc4dec97d474b"},"x":""#
    let filler = String(repeating: "y", count: 15 - (text.utf8.count + 2) % 16)
    let plain = Array((text + filler + "\"}").utf8)
    #expect(plain.count % 16 == 15)
    let opened = opened(try sealed(plain + [last]))
    #expect((opened != nil) == (last == 1))
  }

  @Test(
    "data without a whole watermark is refused",
    arguments: [
      #"{"openId":"o"}"#, #"{"watermark":{"appid":"wx4f4bc4dec97d474b"}}"#, #"{"watermark":{"timestamp":1477314187}}"#,
    ])
  func noWatermark(text: String) throws {
    #expect(opened(try sealed(Padding.added(to: Array(text.utf8), block: 16))) == nil)
  }

  @Test("Tencent's rawData belongs to its signature, and nothing else does")
  func rawData() {
    let key = Secret("HyVFkGl5F5OQWJZZaNzBBg==")
    let signature = "75e81ceda165f4ffa64f4068af58c64b8f54b88c"
    let data = Array(OfficialVectors.rawData.utf8)
    #expect(SessionSignature.verifies(rawData: data, signature: signature, sessionKey: key))
    #expect(!SessionSignature.verifies(rawData: data + [0x20], signature: signature, sessionKey: key))
    #expect(!SessionSignature.verifies(rawData: data, signature: signature, sessionKey: self.key))
    #expect(!SessionSignature.verifies(rawData: data, signature: "", sessionKey: key))
    #expect(!SessionSignature.verifies(rawData: data, signature: "85" + signature.dropFirst(2), sessionKey: key))
  }

  @Test("the signature of a call is made with the key's base64 text")
  func requestSignature() {
    let key = Secret("o0q0otL8aEzpcZL/FT9WsQ==")
    #expect(
      SessionSignature.ofRequest(Array(#"{"foo":"bar"}"#.utf8), sessionKey: key)
        == "654571f79995b2ce1e149e53c0a33dc39c0a74090db514261454e8dbe432aa0b")
    #expect(
      SessionSignature.ofRequest([], sessionKey: key)
        == "46e043c5525c2d817c44be603d30837a808a1d930d038f6fdc3e62a201fed128")
    #expect(
      SessionSignature.ofRequest([], sessionKey: self.key)
        == "7154f9f8b4b76b92f541cbf0e37d48840fa06e5e42da92a6f80168a1516a4735")
  }

  @Test("base64 is read without padding and with bits nobody needs, and written as the standard says")
  func base64() {
    #expect(LenientBase64.bytes("YQ") == [0x61])
    #expect(LenientBase64.bytes("YR==") == [0x61])
    #expect(LenientBase64.bytes("") == [])
    for text in ["Y", "YQ===", "Y Q=", "Y-Q=", "=YQ="] { #expect(LenientBase64.bytes(text) == nil, "\(text)") }
    for count in 0..<20 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 89 &+ 200) }
      #expect(LenientBase64.text(bytes) == Data(bytes).base64EncodedString())
      #expect(LenientBase64.bytes(LenientBase64.text(bytes)) == bytes)
    }
  }
}
