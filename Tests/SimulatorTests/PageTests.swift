import Foundation
import JSON
import Simulator
import Testing

/// The browser pages of open.weixin.qq.com.
@Suite("Login pages")
struct PageTests {
  private static let redirect = "https://site.example/back?keep=1#there"

  /// The link of a page, and what the page's form sends.
  private static func query(
    _ app: App, scope: String, redirect: String = redirect, state: String = "s1", type: String = "code"
  ) -> String {
    TestWeChat.form([
      "appid": app.id, "redirect_uri": redirect, "response_type": type, "scope": scope, "state": state,
    ])
  }

  private static func decide(
    _ wechat: TestWeChat, _ query: String, _ decision: String, _ more: String = ""
  ) async throws -> TestWeChat.Answer {
    let form = "\(query)&\(TestWeChat.form(["user": "a", "decision": decision]))"
    return try await wechat.send(
      "POST", "connect/confirm", form + more, type: "application/x-www-form-urlencoded")
  }

  @Test("the QR page goes back with code and state, keeping query and fragment; the code works")
  func allow() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App(kind: .web))
      let query = Self.query(app, scope: "snsapi_login", state: "a b&<ü>")
      let page = try await wechat.get("connect/qrconnect?\(query)")
      #expect(page.status == 200 && page.text.contains("value=\"allow\"") && !page.text.contains("<ü>"))
      let back = try await Self.decide(wechat, query, "allow")
      let location = try #require(back.headers["location"])
      let match = try #require(
        location.wholeMatch(
          of: /https:\/\/site\.example\/back\?keep=1&code=([A-Za-z0-9]+)&state=a%20b%26%3C%C3%BC%3E#there/))
      #expect(back.status == 303)
      #expect(try await wechat.exchange(app, String(match.1)).text("openid") == wechat.world.openid("a", appID: app.id))
    }
  }

  @Test("a refusal stays on the page, or goes back with state alone by another button")
  func deny() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App(kind: .web))
      let query = Self.query(app, scope: "snsapi_login")
      let stayed = try await Self.decide(wechat, query, "deny")
      #expect(stayed.status == 200 && stayed.headers["location"] == nil)
      let back = try await Self.decide(wechat, query, "deny_redirect")
      #expect(back.headers["location"] == "https://site.example/back?keep=1&state=s1#there")
    }
  }

  @Test("a wrong link is an error on the page and never a redirect, also when the form is sent by hand")
  func wrongLinks() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App(kind: .web))
      try await wechat.control("PATCH", "apps/\(app.id)", #"{"redirect_domain":"site.example"}"#)
      let miniapp = wechat.world.register(App())
      for query in [
        Self.query(App(kind: .web), scope: "snsapi_login"), Self.query(miniapp, scope: "snsapi_login"),
        Self.query(app, scope: "snsapi_userinfo"),
        Self.query(app, scope: "snsapi_login", redirect: "https://sub.site.example/back"),
        Self.query(app, scope: "snsapi_login", redirect: "https://example/back"),
        Self.query(app, scope: "snsapi_login", redirect: "javascript://site.example/x"),
        Self.query(app, scope: "snsapi_login", redirect: "https://site.example/\r\nX: y"),
        "",
      ] {
        let page = try await wechat.get("connect/qrconnect?\(query)")
        #expect(page.status == 400 && page.headers["location"] == nil, "\(query)")
        let sent = try await Self.decide(wechat, query, "allow")
        #expect(sent.status == 400 && sent.headers["location"] == nil, "\(query)")
      }
    }
  }

  @Test("a link whose response_type is not code is an error")
  func responseType() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App(kind: .web))
      let query = Self.query(app, scope: "snsapi_login", type: "token")
      #expect(try await wechat.get("connect/qrconnect?\(query)").status == 400)
    }
  }

  @Test("inside WeChat the order of parameters counts, and state is letters and digits")
  func order() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App(kind: .officialAccount))
      func status(_ query: String) async throws -> Int {
        try await wechat.get("connect/oauth2/authorize?\(query)").status
      }
      let good = Self.query(app, scope: "snsapi_userinfo")
      #expect(try await status(good) == 200)
      #expect(try await status("forcePopup=true&\(good)&component_appid=wx1") == 200)
      let parts = good.split(separator: "&").map(String.init)
      for index in 0..<parts.count - 1 {
        var swapped = parts
        swapped.swapAt(index, index + 1)
        #expect(try await status(swapped.joined(separator: "&")) == 400, "\(swapped)")
      }
      #expect(try await status(Self.query(app, scope: "snsapi_userinfo", state: "a-b")) == 400)
      let long = String(repeating: "s", count: 128)
      #expect(try await status(Self.query(app, scope: "snsapi_userinfo", state: long)) == 200)
      #expect(try await status(Self.query(app, scope: "snsapi_userinfo", state: long + "s")) == 400)
      #expect(try await status(Self.query(app, scope: "snsapi_login")) == 400)
    }
  }

  @Test("snsapi_base goes back at once when WeChat knows whose device it is")
  func silent() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App(kind: .officialAccount))
      let path = "connect/oauth2/authorize?\(Self.query(app, scope: "snsapi_base"))"
      #expect(try await wechat.get(path).status == 200)
      #expect(try await wechat.control("POST", "device", #"{"user":"bob"}"#).status == 204)
      let back = try await wechat.get(path)
      let code = try #require(back.headers["location"]?.firstMatch(of: /code=([A-Za-z0-9]+)/)?.1)
      let tokens = try await wechat.exchange(app, String(code))
      #expect(tokens.text("openid") == wechat.world.openid("bob", appID: app.id))
      #expect(tokens.text("scope") == "snsapi_base")
      try await wechat.control("POST", "device", #"{"user":null}"#)
      #expect(try await wechat.get(path).status == 200)
    }
  }

  @Test("the snapshot box makes a virtual person; the address can be opened twice")
  func modes() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App(kind: .officialAccount))
      let query = Self.query(app, scope: "snsapi_userinfo")
      let back = try await Self.decide(wechat, query, "allow", "&snapshot=1")
      let code = try #require(back.headers["location"]?.firstMatch(of: /code=([A-Za-z0-9]+)/)?.1)
      #expect(try await wechat.exchange(app, String(code))["is_snapshotuser"]?.integer == 1)
      try await wechat.control("PATCH", "switches", #"{"redirects_twice":true}"#)
      let twice = try await Self.decide(wechat, query, "allow").text
      let codes = twice.matches(of: /(?:src|url)="?[^"]*code=([A-Za-z0-9]+)/).map(\.1)
      #expect(codes.count == 2 && Set(codes).count == 1)
    }
  }
}
