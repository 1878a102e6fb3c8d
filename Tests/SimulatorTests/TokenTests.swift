import JSON
import Simulator
import Testing

/// The two families of app tokens (WeChat: getAccessToken, getStableAccessToken).
@Suite("Rules of app tokens")
struct TokenRuleTests {
  /// What an endpoint says of a good token and an unknown code.
  private static let good = 40029

  @Test("cgi-bin/token gives a new one each time; the one before is good for 300 s more")
  func legacy() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App())
      let first = try await wechat.legacyToken(app)
      #expect(first["expires_in"]?.integer == 7200)
      let second = try await wechat.legacyToken(app).text("access_token")
      #expect(first.text("access_token") != second)
      #expect(try await wechat.errcode(of: first.text("access_token")) == Self.good)
      wechat.world.advanceClock(seconds: 301)
      #expect(try await wechat.errcode(of: first.text("access_token")) == 40001)
      #expect(try await wechat.errcode(of: second) == Self.good)
      wechat.world.advanceClock(seconds: 6900)
      #expect(try await wechat.errcode(of: second) == 42001)
    }
  }

  @Test("a token of cgi-bin/token that has expired does not come back to life with the next one")
  func expiredLegacy() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App())
      let first = try await wechat.legacyToken(app).text("access_token")
      wechat.world.advanceClock(seconds: 7201)
      #expect(try await wechat.errcode(of: first) == 42001)
      _ = try await wechat.legacyToken(app)
      #expect(try await wechat.errcode(of: first) == 40001)
    }
  }

  @Test("stable_token gives the same with less time left, and another in its last 300 s; both work then")
  func stable() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App())
      try await wechat.control("POST", "clock", #"{"set":1800000000}"#)
      let first = try await wechat.stableToken(app)
      try await wechat.control("POST", "clock", #"{"advance_seconds":6000}"#)
      let same = try await wechat.stableToken(app)
      #expect(same.text("access_token") == first.text("access_token") && same["expires_in"]?.integer == 1200)
      try await wechat.control("POST", "clock", #"{"advance_seconds":900}"#)
      let new = try await wechat.stableToken(app)
      #expect(new.text("access_token") != first.text("access_token") && new["expires_in"]?.integer == 7200)
      #expect(try await wechat.errcode(of: first.text("access_token")) == Self.good)
      try await wechat.control("POST", "clock", #"{"advance_seconds":301}"#)
      #expect(try await wechat.errcode(of: first.text("access_token")) == 40001)
      try await wechat.control("POST", "clock", #"{"advance_seconds":9000}"#)
      #expect(try await wechat.errcode(of: new.text("access_token")) == 42001)
      _ = try await wechat.stableToken(app)
      #expect(try await wechat.errcode(of: new.text("access_token")) == 40001)
    }
  }

  @Test("force kills the one before, does nothing within 30 s, and works 20 times a day")
  func force() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App())
      try await wechat.control("POST", "clock", #"{"set":1800000000}"#)
      var token = try await wechat.stableToken(app).text("access_token")
      for _ in 0..<20 {
        let forced = try await wechat.stableToken(app, force: true).text("access_token")
        #expect(forced != token)
        #expect(try await wechat.errcode(of: token) == 40001)
        #expect(try await wechat.stableToken(app, force: true).text("access_token") == forced)
        token = forced
        try await wechat.control("POST", "clock", #"{"advance_seconds":30}"#)
      }
      #expect(try await wechat.stableToken(app, force: true).errcode == 45009)
      #expect(try await wechat.stableToken(app).text("access_token") == token)
      try await wechat.control("POST", "clock", #"{"advance_seconds":86400}"#)
      #expect(try await wechat.stableToken(app, force: true).errcode == nil)
    }
  }

  @Test("the families do not invalidate each other; expiring on demand ends both")
  func families() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App())
      let stable = try await wechat.stableToken(app).text("access_token")
      let legacy = try await wechat.legacyToken(app).text("access_token")
      _ = try await wechat.stableToken(app, force: true)
      #expect(try await wechat.errcode(of: legacy) == Self.good)
      #expect(try await wechat.errcode(of: stable) == 40001)
      try await wechat.control("POST", "tokens/expire", #"{"appid":"\#(app.id)"}"#)
      #expect(try await wechat.errcode(of: legacy) == 40001)
      #expect(try await wechat.errcode(of: "84_nonsense") == 40014)
      #expect(try await wechat.errcode(of: "") == 41001)
    }
  }

  @Test("checks come in WeChat's order: address, parameters, grant, app, secret, frozen, risk, banned, quota")
  func order() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App())
      try await wechat.control(
        "PATCH", "apps/\(app.id)",
        #"{"ip_whitelist":["192.0.2.1"],"secret_frozen":true,"banned_with":50007,"confirmation":"pending","calls_per_minute":{"cgi-bin/token":0}}"#
      )
      func answer(_ secret: String, _ grant: String = "client_credential", appID: String? = nil) async throws
        -> TestWeChat.Answer
      {
        try await wechat.get("cgi-bin/token", ["grant_type": grant, "appid": appID ?? app.id, "secret": secret])
      }
      let address = try await answer("")
      #expect(address.errcode == 40164)
      #expect(address.text("errmsg").hasPrefix("invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist"))
      try await wechat.control("PATCH", "apps/\(app.id)", #"{"ip_whitelist":[]}"#)
      #expect(try await answer("", "nonsense").errcode == 41004)
      #expect(try await answer("x", appID: "").errcode == 41002)
      #expect(try await answer("x", "nonsense", appID: "wx00").errcode == 40002)
      #expect(try await answer("x", appID: "wx00").errcode == 40013)
      #expect(try await answer("x").errcode == 40125)
      for (change, errcode) in [
        ("{}", 40243), (#"{"secret_frozen":false}"#, 89503), (#"{"confirmation":"not_needed"}"#, 50007),
      ] {
        try await wechat.control("PATCH", "apps/\(app.id)", change)
        #expect(try await answer(app.secret).errcode == errcode)
      }
      try await wechat.control("PATCH", "apps/\(app.id)", #"{"banned_with":0}"#)
      #expect(try await answer(app.secret).errcode == 45011)
    }
  }

  @Test("the administrator's refusal is 89507 for an hour, a second one 89506 for a day")
  func risk() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App())
      for (answer, errcode, seconds) in [("refused_once", 89507, 3600), ("refused_twice", 89506, 86_400)] {
        try await wechat.control("PATCH", "apps/\(app.id)", #"{"confirmation":"\#(answer)"}"#)
        wechat.world.advanceClock(seconds: Double(seconds - 5))
        #expect(try await wechat.stableToken(app).errcode == errcode)
        wechat.world.advanceClock(seconds: 10)
        #expect(try await wechat.stableToken(app).errcode == 89503)
      }
      try await wechat.control("PATCH", "apps/\(app.id)", #"{"confirmation":"not_needed"}"#)
      #expect(try await wechat.stableToken(app).errcode == nil)
    }
  }
}
