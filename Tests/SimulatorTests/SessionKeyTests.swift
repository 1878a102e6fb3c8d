import Crypto
import CryptoExtras
import Foundation
import JSON
import Simulator
import Testing

/// Session keys and what is signed and encrypted with them (WeChat: signature, open data).
@Suite("Session keys")
struct SessionKeyTests {
  private static func login(_ wechat: TestWeChat, _ app: App) async throws -> String {
    try await wechat.code2Session(app, wechat.world.loginCode(app.id, person: "a")).text("session_key")
  }

  private static func signed(
    _ wechat: TestWeChat, _ path: String, _ app: App, _ key: String, openid: String? = nil,
    method: String = "hmac_sha256"
  ) async throws -> TestWeChat.Answer {
    let token = try await wechat.stableToken(app).text("access_token")
    let code = HMAC<SHA256>.authenticationCode(for: [UInt8](), using: SymmetricKey(data: Array(key.utf8)))
    return try await wechat.get(
      path,
      [
        "access_token": token, "openid": openid ?? wechat.world.openid("a", appID: app.id),
        "signature": code.map { String(format: "%02x", $0) }.joined(), "sig_method": method,
      ])
  }

  @Test("codes close together share a key; a minute later a new code replaces it, an exchange never does")
  func rotation() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App())
      let first = try await Self.login(wechat, app)
      #expect(try await Self.login(wechat, app) == first)
      wechat.world.advanceClock(seconds: 61)
      let code = wechat.world.loginCode(app.id, person: "a")
      let second = wechat.world.sessionKey("a", appID: app.id)
      #expect(second != first)
      wechat.world.advanceClock(seconds: 120)
      #expect(try await wechat.code2Session(app, code).text("session_key") == second)
      #expect(try await Self.signed(wechat, "wxa/checksession", app, first).errcode == 87009)
      #expect(try await Self.signed(wechat, "wxa/checksession", app, second ?? "").errcode == 0)
    }
  }

  @Test("checksession tells a wrong method, a foreign openid and a person without a key apart")
  func check() async throws {
    try await TestWeChat.run { wechat async throws in
      let (app, other) = (wechat.world.register(App()), wechat.world.register(App()))
      let key = try await Self.login(wechat, app)
      func errcode(_ app: App, openid: String? = nil, method: String = "hmac_sha256") async throws -> Int? {
        try await Self.signed(wechat, "wxa/checksession", app, key, openid: openid, method: method).errcode
      }
      #expect(try await errcode(app) == 0)
      #expect(try await errcode(app, method: "md5") == 87008)
      #expect(try await errcode(app, openid: wechat.world.openid("a", appID: other.id)) == 40003)
      #expect(try await errcode(other) == 87007)
    }
  }

  @Test("a reset gives a new key as old as the one before, which is dead at once")
  func reset() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App())
      let key = try await Self.login(wechat, app)
      wechat.world.advanceClock(seconds: 50)
      let answer = try await Self.signed(wechat, "wxa/resetusersessionkey", app, key)
      #expect(answer.errcode == 0 && answer.text("openid") == wechat.world.openid("a", appID: app.id))
      let new = answer.text("session_key")
      #expect(new != key)
      #expect(try await Self.signed(wechat, "wxa/checksession", app, key).errcode == 87009)
      #expect(try await Self.signed(wechat, "wxa/checksession", app, new).errcode == 0)
      wechat.world.advanceClock(seconds: 11)
      #expect(try await Self.login(wechat, app) != new)
    }
  }

  @Test("resets of one person's key close together are refused, another person's is not")
  func frequentResets() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App())
      var key = try await Self.login(wechat, app)
      for _ in 0..<5 {
        let answer = try await Self.signed(wechat, "wxa/resetusersessionkey", app, key)
        #expect(answer.errcode == 0)
        key = answer.text("session_key")
      }
      #expect(try await Self.signed(wechat, "wxa/resetusersessionkey", app, key).errcode == 45011)
      #expect(try await Self.signed(wechat, "wxa/checksession", app, key).errcode == 0)
      wechat.world.advanceClock(seconds: 60)
      #expect(try await Self.signed(wechat, "wxa/resetusersessionkey", app, key).errcode == 0)
    }
  }

  @Test("an app says which limits it has, also after they were changed")
  func limits() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App())
      let answer = try await wechat.control(
        "PATCH", "apps/\(app.id)", #"{"calls_per_minute":{"sns/userinfo":5},"calls_per_day":{"sns/userinfo":50}}"#)
      #expect(answer["calls_per_minute"]?.object?["sns/userinfo"]?.integer == 5)
      #expect(answer["calls_per_minute"]?.object?["cgi-bin/token"]?.integer == 10_000)
      #expect(answer["calls_per_day"]?.object?["sns/userinfo"]?.integer == 50)
    }
  }

  @Test("open data is under the key of the moment, signed, and names the app and the time")
  func openData() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App(openPlatformAccount: "one"))
      try await wechat.control("POST", "clock", #"{"set":1800000000}"#)
      let key = try await Self.login(wechat, app)
      let data = try await wechat.control("GET", "users/a?appid=\(app.id)")
      let digest = Insecure.SHA1.hash(data: Array((data.text("rawData") + key).utf8))
      #expect(data.text("signature") == digest.map { String(format: "%02x", $0) }.joined())
      let plain = try AES._CBC.decrypt(
        try #require(Data(base64Encoded: data.text("encryptedData"))),
        using: SymmetricKey(data: try #require(Data(base64Encoded: key))),
        iv: AES._CBC.IV(ivBytes: try #require(Data(base64Encoded: data.text("iv")))))
      let open = try #require(try JSONValue(parsing: Array(plain)).object)
      #expect(open["openId"]?.string == data.text("openid") && open["unionId"]?.string == data.text("unionid"))
      let watermark = open["watermark"]?.object
      #expect(watermark?["appid"]?.string == app.id && watermark?["timestamp"]?.integer == 1_800_000_000)
    }
  }
}
