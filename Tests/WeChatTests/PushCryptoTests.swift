import Crypto
import FoundationEssentials
import Observability
import Testing

@testable import WeChat

@Suite("Pushes of WeChat")
struct PushCryptoTests {
  private let zeroKey = String(repeating: "A", count: 43)

  private func crypto(_ receiver: String, token: String = "AAAAA", keys: [String]? = nil) throws -> PushCrypto {
    try #require(
      PushCrypto(token: Secret(token), encodingAESKeys: (keys ?? [zeroKey]).map { Secret($0) }, receiver: receiver))
  }

  private func opened(
    _ crypto: PushCrypto, encrypt: String = OfficialVectors.push,
    signature: String = "046e02f8204d34f8ba5fa3b1db94908f3df2e9b3", timestamp: String = "1714112445",
    nonce: String = "415670741", late: Double = 0
  ) -> String? {
    let now = Date(timeIntervalSince1970: (Double(timestamp) ?? 0) + late)
    let opened = try? crypto.open(
      encrypt: encrypt, msgSignature: signature, timestamp: timestamp, nonce: nonce, now: now)
    return opened.map { String(decoding: $0.message, as: UTF8.self) }
  }

  @Test("the URL's verification and the plain signature match Tencent's")
  func url() throws {
    let crypto = try crypto("wx")
    let vectors = [
      ("f464b24fc39322e44b38aa78f5edd27bd1441696", "1714036504", "1514711492"),
      ("899cf89e464efb63f54ddac96b0a0a235f53aa78", "1714037059", "486452656"),
      ("6c5c811b55cc85e0e1b54100749188c20beb3f5d", "1714112445", "415670741"),
    ]
    for (signature, timestamp, nonce) in vectors {
      #expect(crypto.verifiesURL(signature: signature, timestamp: timestamp, nonce: nonce))
      #expect(!crypto.verifiesURL(signature: signature, timestamp: timestamp, nonce: nonce + "1"))
      #expect(!crypto.verifiesURL(signature: "", timestamp: timestamp, nonce: nonce))
    }
  }

  @Test("Tencent's push to a miniapp opens, although its padding is longer than 16")
  func miniapp() throws {
    #expect(opened(try crypto("wxba5fad812f8e6fb9")) == OfficialVectors.pushMessage)
  }

  @Test("Tencent's push to a third-party platform opens")
  func component() throws {
    let message = opened(
      try crypto("wx134c8103faa5a59e"), encrypt: OfficialVectors.componentPush,
      signature: "6c12a4205838198b8fa631b3220723bb07f1015c", timestamp: "1715943329", nonce: "1590219412")
    #expect(message == OfficialVectors.componentMessage)
  }

  @Test("WeCom's samples open, with a key whose last character has bits nobody needs")
  func weCom() throws {
    let crypto = try crypto(
      "wx5823bf96d3bd56c7", token: "QDG6eK", keys: ["jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"])
    let echo = opened(
      crypto,
      encrypt: "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==",
      signature: "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3", timestamp: "1409659589", nonce: "263014780")
    #expect(echo == "1616140317555161061")
    let message = try #require(
      opened(
        crypto, encrypt: OfficialVectors.weComPush, signature: "477715d11cdb4164915debcba66cb864d751f3e6",
        timestamp: "1409659813", nonce: "1372623149"))
    #expect(message.utf8.count == 284)
    #expect(message.contains("<Content><![CDATA[hello]]></Content>"))
  }

  @Test("a reply is sealed as Tencent seals it")
  func reply() throws {
    let reply = try crypto("wxba5fad812f8e6fb9").seal(
      Array(#"{"demo_resp":"good luck"}"#.utf8), timestamp: "1713424427", nonce: "415670741",
      random: Array("707722b803182950".utf8))
    #expect(
      reply.encrypt == "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ==")
    #expect(reply.msgSignature == "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1")
  }

  @Test("lengths are counted in bytes, not characters")
  func utf8() throws {
    let crypto = try crypto("wxb11529c136998cb6", keys: ["abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"])
    let reply = crypto.seal(
      Array("我是中文abcd123".utf8), timestamp: "1", nonce: "n", random: Array("aaaabbbbccccdddd".utf8))
    #expect(
      reply.encrypt == "jn1L23DB+6ELqJ+6bruv21Y6MD7KeIfP82D6gU39rmkgczbWwt5+3bnyg5K55bgVtVzd832WzZGMhkP72vVOfg==")
    #expect(
      opened(crypto, encrypt: reply.encrypt, signature: reply.msgSignature, timestamp: "1", nonce: "n")
        == "我是中文abcd123")
  }

  @Test("whatever is sealed opens, at every length of padding")
  func roundTrip() throws {
    let crypto = try crypto("wxba5fad812f8e6fb9")
    for count in 0...70 {
      let message = String(repeating: "m", count: count)
      let reply = crypto.seal(Array(message.utf8), timestamp: "1", nonce: "n")
      #expect(
        opened(crypto, encrypt: reply.encrypt, signature: reply.msgSignature, timestamp: "1", nonce: "n") == message)
    }
  }

  @Test("a changed body, the plain signature, another token and another nonce are refused")
  func forged() throws {
    let crypto = try crypto("wxba5fad812f8e6fb9")
    #expect(opened(crypto, encrypt: "A" + OfficialVectors.push.dropFirst()) == nil)
    #expect(opened(crypto, signature: "6c5c811b55cc85e0e1b54100749188c20beb3f5d") == nil)
    #expect(opened(crypto, nonce: "415670742") == nil)
    #expect(opened(try self.crypto("wxba5fad812f8e6fb9", token: "AAAAB")) == nil)
  }

  @Test("a push for another app is refused although its signature is right")
  func otherApp() throws {
    #expect(opened(try crypto("wxba5fad812f8e6fb8")) == nil)
    #expect(opened(try crypto("ba5fad812f8e6fb9")) == nil)
  }

  @Test("a push of another time is refused")
  func late() throws {
    let crypto = try crypto("wxba5fad812f8e6fb9")
    #expect(opened(crypto, late: 300) != nil)
    #expect(opened(crypto, late: 301) == nil)
    #expect(opened(crypto, late: -301) == nil)
  }

  @Test("a push under the previous key opens and tells which key it was")
  func rotation() throws {
    let both = try crypto("wx1", keys: ["abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", zeroKey])
    let reply = try crypto("wx1").seal([0x61], timestamp: "1", nonce: "n")
    let opened = try both.open(
      encrypt: reply.encrypt, msgSignature: reply.msgSignature, timestamp: "1", nonce: "n",
      now: Date(timeIntervalSince1970: 1))
    #expect(opened == PushCrypto.Opened(message: [0x61], key: 1))
  }

  @Test("wrong lengths inside and outside are refused without a crash")
  func frames() throws {
    let random = [UInt8](repeating: 9, count: 16)
    #expect(try openedFrame(random + [0, 0, 0, 1, 0x61] + Array("wx1".utf8)) == "a")
    #expect(try openedFrame(random + [0, 0, 0, 2, 0x61] + Array("wx1".utf8)) == nil)
    #expect(try openedFrame(random + [0xFF, 0xFF, 0xFF, 0xFF, 0x61] + Array("wx1".utf8)) == nil)
    #expect(try openedFrame(random) == nil)
    #expect(try openedFrame([]) == nil)
    #expect(try openedFrame([UInt8](repeating: 0, count: 32), block: nil) == nil)
    #expect(try openedFrame([UInt8](repeating: 33, count: 64), block: nil) == nil)
    #expect(try openedFrame([UInt8](repeating: 16, count: 16), block: nil) == nil)
  }

  /// Encrypts and signs a frame as WeChat would and opens it.
  private func openedFrame(_ plain: [UInt8], block: Int? = 32) throws -> String? {
    let key = try #require(LenientBase64.bytes(zeroKey))
    let padded = block.map { Padding.added(to: plain, block: $0) } ?? plain
    let encrypt = LenientBase64.text(try #require(AESCBC.encrypted(padded, key: key, iv: Array(key[..<16]))))
    let parts = ["AAAAA", "1", "n", encrypt].map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
    let signature = Hexadecimal.text(Insecure.SHA1.hash(data: parts.flatMap { $0 }))
    return opened(try crypto("wx1"), encrypt: encrypt, signature: signature, timestamp: "1", nonce: "n")
  }

  @Test("settings that cannot work are refused")
  func settings() {
    let token = Secret("t")
    #expect(PushCrypto(token: token, encodingAESKeys: [], receiver: "wx1") == nil)
    #expect(PushCrypto(token: token, encodingAESKeys: [Secret(zeroKey + "A")], receiver: "wx1") == nil)
    #expect(PushCrypto(token: token, encodingAESKeys: [Secret("-" + zeroKey.dropFirst())], receiver: "wx1") == nil)
    #expect(PushCrypto(token: token, encodingAESKeys: [Secret(zeroKey)], receiver: "") == nil)
  }
}
