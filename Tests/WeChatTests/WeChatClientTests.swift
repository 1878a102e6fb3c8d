import Federation
import JSON
import Observability
import RawServer
import Synchronization
import Testing

@testable import WeChat

@Suite("The client of WeChat's servers", .timeLimit(.minutes(1)))
struct WeChatClientTests {
  @Test(
    "a login succeeds with and without errcode, as text/plain",
    arguments: [
      #"{"session_key":"k==","openid":"o1"}"#, #"{"session_key":"k==","openid":"o1","errcode":0,"errmsg":"ok"}"#,
      #"{"session_key":"k==","openid":"o1","errcode":"0"}"#,
    ])
  func login(body: String) async throws {
    let stage = try Stage(body)
    let person = try await stage.client.authenticate(code: "c/1", credentials: stage.credentials)
    #expect(person.openid == "o1")
    #expect(person.unionid == nil)
    #expect(person.sessionKey?.expose() == "k==")
    #expect(
      try await stage.request().requestLine
        == "GET /sns/jscode2session?appid=wx1&secret=S3CR3T%26%3D&js_code=c%2F1&grant_type=authorization_code HTTP/1.1")
    #expect(stage.calls.all == ["sns/jscode2session 0"])
  }

  @Test("an errcode is a refusal, as a number and as a string", arguments: ["40029", #""40029""#])
  func refusal(errcode: String) async throws {
    let stage = try Stage(#"{"errcode":\#(errcode),"errmsg":"invalid code rid: 6543abcd-1234abcd-0a1b2c3d"}"#)
    let failed = await failure { () async throws(ProviderFailure) in
      _ = try await stage.client.authenticate(code: "c", credentials: stage.credentials)
    }
    #expect(failed?.code == "wechat_code_invalid")
    #expect(failed?.errcode == 40029)
    #expect(failed?.requestID == "6543abcd-1234abcd-0a1b2c3d")
    #expect(stage.calls.all == ["sns/jscode2session 40029"])
  }

  @Test(
    "what is not WeChat's protocol is wechat_unavailable",
    arguments: [
      ("502 Bad Gateway", "<html><h1>502</h1></html>"), ("200 OK", "<html>hello</html>"), ("200 OK", ""),
      ("500 Internal Server Error", #"{"openid":"o1","session_key":"k"}"#), ("302 Found", "{}"),
      ("200 OK", #"{"errcode":"many"}"#), ("200 OK", #"{"session_key":"no openid"}"#),
    ])
  func notTheProtocol(status: String, body: String) async throws {
    let stage = try Stage(Array(body.utf8), status: status, type: "text/html")
    let failed = await failure { () async throws(ProviderFailure) in
      _ = try await stage.client.authenticate(code: "c", credentials: stage.credentials)
    }
    #expect(failed?.code == "wechat_unavailable")
    #expect(failed?.status == 503)
    #expect(failed?.errcode == nil)
  }

  @Test("a server that takes the code and hangs is wechat_unavailable at the deadline, asked once")
  func hang() async throws {
    let stage = try Stage(deadline: .milliseconds(300)) { _ in }
    let start = ContinuousClock.now
    let failed = await failure { () async throws(ProviderFailure) in
      _ = try await stage.client.authenticate(code: "c", credentials: stage.credentials)
    }
    #expect(failed?.code == "wechat_unavailable")
    #expect(start.duration(to: .now) < .seconds(3))
    #expect(stage.server.connections == 1)
    #expect(stage.calls.all == ["sns/jscode2session transport"])
  }

  @Test("a code is not sent again when a kept connection breaks under it")
  func sentOnce() async throws {
    let seen = Mutex(0)
    let stage = try Stage { exchange in
      let number = seen.withLock { seen in
        seen += 1
        return seen
      }
      if number == 2 { return exchange.close() }
      exchange.send(answer(Array(#"{"openid":"o1","session_key":"k"}"#.utf8)))
    }
    _ = try await stage.client.authenticate(code: "c1", credentials: stage.credentials)
    let failed = await failure { () async throws(ProviderFailure) in
      _ = try await stage.client.authenticate(code: "c2", credentials: stage.credentials)
    }
    #expect(failed?.code == "wechat_unavailable")
    #expect(seen.withLock { $0 } == 2)
  }

  @Test("no failure tells the secret, the code or the token, however the server fails")
  func secrecy() async throws {
    let handlers: [@Sendable (Exchange) -> Void] = [
      { _ in }, { $0.reset() }, { $0.send(answer([], status: "500 x")) }, { $0.send(Array("nonsense\r\n\r\n".utf8)) },
      { $0.send(answer(Array(#"{"errcode":40125,"errmsg":"invalid appsecret"}"#.utf8))) },
    ]
    for handler in handlers {
      let stage = try Stage(deadline: .milliseconds(300), handler)
      let login = await failure { () async throws(ProviderFailure) in
        _ = try await stage.client.authenticate(code: "C0DE", credentials: stage.credentials)
      }
      let phone = await failure { () async throws(ProviderFailure) in
        _ = try await stage.client.phoneNumber(code: "C0DE", openid: "o1", appID: "wx1", token: Secret("T0KEN"))
      }
      for failed in [login, phone] {
        var dumped = ""
        dump(try #require(failed), to: &dumped)
        for part in ["S3CR3T", "C0DE", "T0KEN", "127.0.0.1"] { #expect(!dumped.contains(part), "\(dumped)") }
      }
    }
  }

  @Test(
    "a phone number becomes E.164, whether the country's code is text or number",
    arguments: [
      (#""86""#, "13800138000", "+8613800138000"), ("86", "13800138000", "+8613800138000"),
      (#""+86""#, "138 0013-8000", "+8613800138000"), ("1", "2025550123", "+12025550123"),
    ])
  func phone(country: String, pure: String, e164: String) async throws {
    let stage = try Stage(
      #"""
      {"errcode":0,"errmsg":"ok","phone_info":{"phoneNumber":"x","purePhoneNumber":"\#(pure)",
      "countryCode":\#(country),"watermark":{"timestamp":1,"appid":"wx1"}}}
      """#)
    let phone = try await stage.client.phoneNumber(code: "c", openid: "o1", appID: "wx1", token: Secret("T&"))
    #expect(phone.e164 == e164)
    let request = try await stage.request()
    #expect(request.requestLine == "POST /wxa/business/getuserphonenumber?access_token=T%26 HTTP/1.1")
    #expect(request.head.contains("Content-Type: application/json\r\n"))
    #expect(request.body == Array(#"{"code":"c","openid":"o1"}"#.utf8))
  }

  @Test(
    "a phone number that is none is refused",
    arguments: [
      #""countryCode":"86""#, #""countryCode":"86","purePhoneNumber":"1""#,
      #""countryCode":"","purePhoneNumber":"13800138000""#,
    ])
  func noPhone(fields: String) async throws {
    let stage = try Stage(#"{"phone_info":{\#(fields),"watermark":{"appid":"wx1"}}}"#)
    let failed = await failure { () async throws(ProviderFailure) in
      _ = try await stage.client.phoneNumber(code: "c", openid: "o1", appID: "wx1", token: Secret("T"))
    }
    #expect(failed?.code == "wechat_unavailable")
  }

  @Test(
    "a phone number with another app's watermark, or none, is refused", arguments: [#"{"appid":"wx2"}"#, "{}", "null"])
  func watermark(watermark: String) async throws {
    let stage = try Stage(
      #"{"phone_info":{"purePhoneNumber":"13800138000","countryCode":"86","watermark":\#(watermark)}}"#)
    let failed = await failure { () async throws(ProviderFailure) in
      _ = try await stage.client.phoneNumber(code: "c", openid: "o1", appID: "wx1", token: Secret("T"))
    }
    #expect(failed?.code == "wechat_code_invalid")
    #expect(failed?.errcode == nil)
  }

  @Test("a phone code of another person is a code that does not serve, with WeChat's own number")
  func foreignPhone() async throws {
    let stage = try Stage(#"{"errcode":40003,"errmsg":"invalid openid"}"#)
    let failed = await failure { () async throws(ProviderFailure) in
      _ = try await stage.client.phoneNumber(code: "c", openid: "o1", appID: "wx1", token: Secret("T"))
    }
    #expect(failed?.code == "wechat_code_invalid")
    #expect(failed?.errcode == 40003)
  }

  @Test("the app token is asked for with a JSON body and never forced")
  func appToken() async throws {
    let stage = try Stage(#"{"access_token":"84_x","expires_in":345}"#)
    let token = try await stage.client.appToken(for: stage.credentials)
    #expect(token.value.expose() == "84_x")
    #expect(token.expiresIn == .seconds(345))
    let request = try await stage.request()
    #expect(request.requestLine == "POST /cgi-bin/stable_token HTTP/1.1")
    let body = try JSONValue(parsing: request.body).object
    #expect(body?["grant_type"]?.string == "client_credential")
    #expect(body?["secret"]?.string == "S3CR3T&=")
    #expect(body?["force_refresh"]?.boolean == false)
  }

  @Test("on the token endpoint 40001 is a wrong secret and keeps its number")
  func wrongSecret() async throws {
    let stage = try Stage(#"{"errcode":40001,"errmsg":"invalid credential"}"#)
    let failed = await failure { () async throws(ProviderFailure) in
      _ = try await stage.client.appToken(for: stage.credentials)
    }
    #expect(failed?.errcode == 40001)
    #expect(failed?.retry == .disable)
  }

  @Test("a web login carries the grant, and says when the person is a virtual one", arguments: [true, false])
  func exchange(isSnapshot: Bool) async throws {
    let flag = isSnapshot ? #","is_snapshotuser":1"# : ""
    let stage = try Stage(
      #"{"access_token":"a","expires_in":7200,"refresh_token":"r","openid":"o1","scope":"snsapi_login","unionid":"u"\#(flag)}"#
    )
    let person = try await stage.client.exchange(code: "c", credentials: stage.credentials)
    #expect(person.openid == "o1")
    #expect(person.unionid == "u")
    #expect(person.isSnapshotUser == isSnapshot)
    #expect(person.oauthToken?.access.expose() == "a")
    #expect(person.oauthToken?.refresh?.expose() == "r")
    #expect(person.oauthToken?.expiresIn == .seconds(7200))
    #expect(person.oauthToken?.scope == "snsapi_login")
    #expect(
      try await stage.request().requestLine
        == "GET /sns/oauth2/access_token?appid=wx1&secret=S3CR3T%26%3D&code=c&grant_type=authorization_code HTTP/1.1")
  }

  @Test("a grant is renewed without the secret")
  func refresh() async throws {
    let stage = try Stage(
      #"{"access_token":"a2","expires_in":"7200","refresh_token":"r2","openid":"o1","scope":"snsapi_userinfo"}"#)
    let person = try await stage.client.refresh(Secret("r1"), appID: "wx1")
    #expect(person.oauthToken?.access.expose() == "a2")
    #expect(
      try await stage.request().requestLine
        == "GET /sns/oauth2/refresh_token?appid=wx1&grant_type=refresh_token&refresh_token=r1 HTTP/1.1")
  }

  @Test("a profile with raw control bytes and broken UTF-8 is read, and what is empty is absent")
  func profile() async throws {
    let body =
      Array(#"{"openid":"o1","nickname":"张"#.utf8) + [0x08, 0x14, 0xFF]
      + Array(#"三","sex":0,"province":"","city":"","country":"CN","headimgurl":"https:\/\/h\/0","privilege":[]}"#.utf8)
    let stage = try Stage(body)
    let profile = try await stage.client.profile(openid: "o1", appID: "wx1", accessToken: Secret("a"))
    #expect(profile.nickname == "张\u{FFFD}三")
    #expect(profile.avatarURL == "https://h/0")
    #expect(profile.sex == nil && profile.province == nil && profile.city == nil && profile.unionid == nil)
    #expect(profile.country == "CN")
    #expect(
      profile.raw == [
        "openid": "o1", "nickname": "张\u{FFFD}三", "sex": "0", "country": "CN", "headimgurl": "https://h/0",
      ])
    #expect(try await stage.request().requestLine == "GET /sns/userinfo?access_token=a&openid=o1&lang=zh_CN HTTP/1.1")
  }

  @Test("a profile of another person is refused")
  func foreignProfile() async throws {
    let stage = try Stage(#"{"openid":"o2","nickname":"x"}"#)
    let failed = await failure { () async throws(ProviderFailure) in
      _ = try await stage.client.profile(openid: "o1", appID: "wx1", accessToken: Secret("a"))
    }
    #expect(failed?.code == "wechat_code_invalid")
  }

  @Test(
    "a session key is current, superseded, or the question failed",
    arguments: [(0, true), (87009, false), (87007, false), (40003, nil)] as [(Int, Bool?)])
  func checkSession(errcode: Int, expected: Bool?) async throws {
    let stage = try Stage(#"{"errcode":\#(errcode),"errmsg":"x"}"#)
    let isCurrent = try? await stage.client.isCurrent(
      sessionKey: Secret(OfficialVectors.sessionKey), openid: "o1", appID: "wx1", token: Secret("t"))
    #expect(isCurrent == expected)
    let signature = "7154f9f8b4b76b92f541cbf0e37d48840fa06e5e42da92a6f80168a1516a4735"
    #expect(
      try await stage.request().requestLine
        == "GET /wxa/checksession?access_token=t&openid=o1&signature=\(signature)&sig_method=hmac_sha256 HTTP/1.1")
  }
}
