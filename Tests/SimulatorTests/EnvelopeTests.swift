import Foundation
import JSON
import Outbound
import Simulator
import Testing

/// What all endpoints have in common (WeChat: transport and envelope).
@Suite("WeChat's envelope")
struct EnvelopeTests {
  @Test("an error is HTTP 200 with errcode and an errmsg that ends in a rid of the clock's time")
  func rid() async throws {
    try await TestWeChat.run { wechat async throws in
      try await wechat.control("POST", "clock", #"{"set":1800000000}"#)
      let answer = try await wechat.get("sns/jscode2session", ["appid": "wx0000000000000000"])
      #expect(answer.status == 200 && answer.errcode == 41004)
      #expect(answer.text("errmsg").contains(/^appsecret missing,? rid: 6b49d200-[0-9a-f]{8}-[0-9a-f]{8}$/))
    }
  }

  @Test("misspelt and empty parameters are missing, extra ones are ignored")
  func parameters() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App())
      let path = "sns/jscode2session"
      let grant = "authorization_code"
      #expect(try await wechat.get(path, ["appId": app.id, "secret": app.secret]).errcode == 41002)
      #expect(try await wechat.get(path, ["appid": "", "secret": app.secret]).errcode == 41002)
      #expect(try await wechat.get(path, ["appid": app.id, "app_secret": app.secret]).errcode == 41004)
      #expect(try await wechat.get(path, ["appid": app.id, "secret": app.secret, "code": "c"]).errcode == 41008)
      let untyped = try await wechat.get(path, ["appid": app.id, "secret": app.secret, "js_code": "c"])
      #expect(untyped.errcode == 40002)
      let extra = try await wechat.get(
        path,
        [
          "appid": app.id, "secret": app.secret, "js_code": wechat.world.loginCode(app.id, person: "a"),
          "grant_type": grant, "extra": "1",
        ])
      #expect(extra.errcode == nil && !extra.text("openid").isEmpty)
    }
  }

  @Test("a POST to a GET endpoint is 41002, a GET of a POST endpoint 43002")
  func methods() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App())
      let query = "appid=\(app.id)&secret=\(app.secret)&js_code=c&grant_type=authorization_code"
      #expect(try await wechat.post("sns/jscode2session?\(query)", "{}").errcode == 41002)
      #expect(try await wechat.get("cgi-bin/stable_token").errcode == 43002)
      #expect(try await wechat.get("wxa/business/getuserphonenumber").errcode == 43002)
    }
  }

  @Test("an empty body is 44002, what is not JSON 47001, a form is a body without fields")
  func bodies() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App())
      let path = "cgi-bin/stable_token"
      #expect(try await wechat.post(path, "").errcode == 44002)
      #expect(try await wechat.post(path, "{nonsense").errcode == 47001)
      let form = "grant_type=client_credential&appid=\(app.id)&secret=\(app.secret)"
      #expect(try await wechat.post(path, form, type: "application/x-www-form-urlencoded").errcode == 41002)
    }
  }

  @Test("a success of sns and token endpoints has no errcode, unless the switch wants 0 or \"0\"")
  func successErrcode() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App())
      #expect(try await wechat.legacyToken(app)["errcode"] == nil)
      try await wechat.control("PATCH", "switches", #"{"success_errcode":"number"}"#)
      #expect(try await wechat.legacyToken(app)["errcode"]?.integer == 0)
      try await wechat.control("PATCH", "switches", #"{"success_errcode":"string"}"#)
      #expect(try await wechat.legacyToken(app)["errcode"]?.string == "0")
      try await wechat.control("PATCH", "switches", #"{"errcode_is_string":true}"#)
      #expect(try await wechat.code2Session(app, "nonsense")["errcode"]?.string == "40029")
    }
  }

  @Test(
    "the Content-Type is text/plain for sns and JSON elsewhere, or one of them for all",
    arguments: [("mixed", true, false), ("json", false, false), ("text", true, true)])
  func contentType(_ mode: String, snsIsText: Bool, tokenIsText: Bool) async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App())
      try await wechat.control("PATCH", "switches", #"{"content_type":"\#(mode)"}"#)
      let (sns, token) = (try await wechat.code2Session(app, "x"), try await wechat.legacyToken(app))
      #expect((sns.headers["content-type"]?.hasPrefix("text/plain") == true) == snsIsText)
      #expect((token.headers["content-type"]?.hasPrefix("text/plain") == true) == tokenIsText)
    }
  }

  @Test("a banned app gets its errcode everywhere", arguments: [50002, 50007])
  func banned(errcode: Int) async throws {
    try await TestWeChat.run { wechat async throws in
      let (app, site) = (wechat.world.register(App()), wechat.world.register(App(kind: .web)))
      let token = try await wechat.stableToken(app).text("access_token")
      let tokens = try await wechat.exchange(site, try await wechat.oauthCode(site, "a"))
      for app in [app, site] {
        try await wechat.control("PATCH", "apps/\(app.id)", #"{"banned_with":\#(errcode)}"#)
      }
      #expect(try await wechat.code2Session(app, wechat.world.loginCode(app.id, person: "a")).errcode == errcode)
      #expect(try await wechat.legacyToken(app).errcode == errcode)
      #expect(try await wechat.stableToken(app).errcode == errcode)
      #expect(try await wechat.errcode(of: token) == errcode)
      #expect(try await wechat.userinfo(tokens).errcode == errcode)
      #expect(try await wechat.refresh(site, tokens.text("refresh_token")).errcode == errcode)
    }
  }
}
