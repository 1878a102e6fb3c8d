import Foundation
import JSON
import Simulator
import Testing

/// Sections 4 and 5: QR login of websites, OAuth inside WeChat, native apps.
@Suite struct OAuthTests {
  private func exchange(_ caller: Caller, _ app: App, _ code: String) async throws -> Caller.Answer {
    try await caller.get(
      "sns/oauth2/access_token",
      ["appid": app.id, "secret": app.secret, "code": code, "grant_type": "authorization_code"])
  }

  /// Allows or refuses on the page, as a person would.
  private func decide(
    _ caller: Caller, _ app: App, _ decision: String, redirect: String = "https://site.example/cb?x=1#top"
  ) async throws -> Caller.Answer {
    let safe = CharacterSet.alphanumerics
    let scope = app.kind == .web ? "snsapi_login" : "snsapi_userinfo"
    let target = redirect.addingPercentEncoding(withAllowedCharacters: safe) ?? ""
    return try await caller.post(
      "connect/confirm",
      "appid=\(app.id)&redirect_uri=\(target)&scope=\(scope)&state=a%2Bb&user=alice&decision=\(decision)",
      type: "application/x-www-form-urlencoded")
  }

  private func code(_ answer: Caller.Answer) throws -> String {
    let location = try #require(answer.headers["location"])
    return String(try #require(location.firstMatch(of: /code=([A-Za-z0-9]+)/)).output.1)
  }

  @Test(
    "a person who allows comes back with a code and the state as it was, the redirect URI's query and fragment kept")
  func allow() async throws {
    let caller = try await Caller.make()
    let app = caller.world.register(App(kind: .web, openPlatformAccount: "one"))
    let page = try await caller.get(
      "connect/qrconnect",
      [
        "appid": app.id, "redirect_uri": "https://site.example/cb", "response_type": "code", "scope": "snsapi_login",
        "state": "a+b",
      ])
    #expect(page.status == 200 && page.text.contains("name=\"decision\""))
    let back = try await decide(caller, app, "allow")
    #expect(back.status == 303)
    let location = back.headers["location"] ?? ""
    #expect(location.hasPrefix("https://site.example/cb?x=1&code=") && location.hasSuffix("&state=a%2Bb#top"))
    let token = try await exchange(caller, app, code(back))
    #expect(token["scope"] == "snsapi_login" && !token["unionid"].isEmpty && !token["refresh_token"].isEmpty)
    #expect(try await exchange(caller, app, code(back)).errcode == 40163)
  }

  @Test("a person who refuses stays, or goes back with the state alone by a switch")
  func deny() async throws {
    let caller = try await Caller.make()
    let app = caller.world.register(App(kind: .web))
    let stays = try await decide(caller, app, "deny")
    #expect(stays.status == 200 && stays.headers["location"] == nil)
    let back = try await decide(caller, app, "deny_redirect")
    #expect(
      back.headers["location"]?.contains("code=") == false && back.headers["location"]?.contains("state=") == true)
  }

  @Test("a redirect to another domain, a wrong scope and a wrong order are pages with an error, never a redirect")
  func refusedPages() async throws {
    let caller = try await Caller.make()
    var web = App(kind: .web)
    web.redirectDomain = "site.example"
    let official = caller.world.register(App(kind: .officialAccount))
    let app = caller.world.register(web)
    let good = "response_type=code&scope=snsapi_login&state=x"
    for path in [
      "connect/qrconnect?appid=\(app.id)&redirect_uri=https%3A%2F%2Fevil.example%2F&\(good)",
      "connect/qrconnect?appid=\(app.id)&redirect_uri=https%3A%2F%2Fsite.example%2F&response_type=code&scope=snsapi_base",
      "connect/qrconnect?appid=\(official.id)&redirect_uri=https%3A%2F%2Fsite.example%2F&\(good)",
      "connect/oauth2/authorize?redirect_uri=https%3A%2F%2Fs.example%2F&appid=\(official.id)&response_type=code&scope=snsapi_base&state=x",
    ] {
      let answer = try await caller.send("GET", path)
      #expect(answer.status == 400 && answer.headers["location"] == nil, "\(path)")
    }
    let right = try await caller.send(
      "GET",
      "connect/oauth2/authorize?appid=\(official.id)&redirect_uri=https%3A%2F%2Fs.example%2F&response_type=code&scope=snsapi_base&state=x"
    )
    #expect(right.status == 200)
  }

  @Test("a website's code lives ten minutes, an official account's five")
  func lifetimes() async throws {
    let caller = try await Caller.make()
    let (web, official) = (caller.world.register(App(kind: .web)), caller.world.register(App(kind: .officialAccount)))
    let codes = [
      try code(try await decide(caller, web, "allow")), try code(try await decide(caller, official, "allow")),
    ]
    caller.world.advanceClock(seconds: 400)
    #expect(try await exchange(caller, web, codes[0]).errcode == nil)
    #expect(try await exchange(caller, official, codes[1]).errcode == 40029)
  }

  @Test("a refresh prolongs a living access token and replaces a dead one, for 30 days, without a secret")
  func refresh() async throws {
    let caller = try await Caller.make()
    let app = caller.world.register(App(kind: .mobile))
    let first = try await exchange(caller, app, code(try await decide(caller, app, "allow")))
    func refresh() async throws -> Caller.Answer {
      try await caller.get(
        "sns/oauth2/refresh_token",
        ["appid": app.id, "grant_type": "refresh_token", "refresh_token": first["refresh_token"]])
    }
    caller.world.advanceClock(seconds: 7000)
    #expect(try await refresh()["access_token"] == first["access_token"])
    caller.world.advanceClock(seconds: 7100)
    #expect(try await userinfo(caller, first["access_token"], first["openid"]).errcode == nil)
    caller.world.advanceClock(seconds: 7300)
    #expect(try await userinfo(caller, first["access_token"], first["openid"]).errcode == 42001)
    let second = try await refresh()
    #expect(second["access_token"] != first["access_token"] && second["openid"] == first["openid"])
    caller.world.changePassword("alice")
    #expect(try await refresh().errcode == 42007)
    caller.world.advanceClock(seconds: 31 * 86_400)
    #expect(try await refresh().errcode == 42002)
    #expect(
      try await caller.get(
        "sns/oauth2/refresh_token", ["appid": app.id, "grant_type": "refresh_token", "refresh_token": "x"]
      )
      .errcode == 40030)
  }

  @Test("userinfo has no region, escaped slashes and an empty privilege, and knows another's openid")
  func profile() async throws {
    let caller = try await Caller.make()
    let app = caller.world.register(App(kind: .web))
    let token = try await exchange(caller, app, code(try await decide(caller, app, "allow")))
    let told = try await userinfo(caller, token["access_token"], token["openid"])
    #expect(told.text.contains("https:\\/\\/thirdwx.qlogo.cn\\/") && told.json["privilege"]?.array == [])
    #expect(told.json["sex"]?.integer == 0 && told["city"].isEmpty && told.json["unionid"] == nil)
    caller.world.change(app.id) { $0.regionForm = .absent }
    #expect(try await userinfo(caller, token["access_token"], token["openid"]).json["sex"] == nil)
    #expect(try await userinfo(caller, token["access_token"], "o-other").errcode == 40003)
    #expect(try await userinfo(caller, "x", token["openid"]).errcode == 40001)
    #expect(
      try await caller.get("sns/auth", ["access_token": token["access_token"], "openid": token["openid"]]).errcode == 0)
  }

  @Test("a snapshot page's person is marked")
  func snapshot() async throws {
    let caller = try await Caller.make()
    let app = caller.world.register(App(kind: .officialAccount))
    caller.world.change(app.id) { $0.isSnapshot = true }
    let token = try await exchange(caller, app, code(try await decide(caller, app, "allow")))
    #expect(token.json["is_snapshotuser"]?.integer == 1)
  }

  private func userinfo(_ caller: Caller, _ token: String, _ openid: String) async throws -> Caller.Answer {
    try await caller.get("sns/userinfo", ["access_token": token, "openid": openid, "lang": "zh_CN"])
  }
}
