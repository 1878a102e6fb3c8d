import Foundation
import JSON
import Simulator
import TestSupport
import Testing

/// WeChat on the sign-in page, over real sockets to a WeChat that behaves.
@Suite("sign-in by WeChat in a browser")
struct WeChatPagesTests {
  @Test("one person is one sub by miniapp, website, official account and native code")
  func oneIdentity() async throws {
    let site = try await TestWeChatSite.make()
    let party = site.party
    let miniapp = try await TestWeChatSite.client(.miniapp, of: party)
    let mobile = try await TestWeChatSite.client(.mobile, of: party)
    func native(_ path: String, _ client: TestWeChatSite.Client, _ code: String) async throws -> String {
      try await site.server.send(
        "POST", "/t/\(party.tenant.slug)/federation/wechat/\(path)/profile",
        #"{"client_id":"\#(client.id)","code":"\#(code)"}"#
      ).sub
    }
    let first = try await native("miniapp", miniapp, site.server.wechat.loginCode(miniapp.app.id, person: "mei"))
    #expect(!first.isEmpty)
    #expect(try await site.subject("mei", by: site.web, site.browser()) == first)
    #expect(try await site.subject("mei", by: site.account, site.browser(TestWeChatSite.weChat)) == first)
    let code = try site.server.wechat.oauthCode(mobile.app.id, person: "mei")
    #expect(try await native("mobile", mobile, code) == first)
    #expect(try await site.rows("federated_identities", where: "user_id = '\(first)'") == 4)
    #expect(try await site.subject("li", by: site.web, site.browser()) != first)
  }

  @Test("the ID token says wechat, the profile is WeChat's, and the grant is stored for the reconciler")
  func profile() async throws {
    let site = try await TestWeChatSite.make()
    site.server.wechat.register(Person(id: "anna", nickname: "安娜 🌸"))
    let back = try await site.signIn("anna", by: site.web, site.browser(), ["scope": "openid profile"])
    #expect(back.redirect.parameters["state"] == "s t&a" && back.redirect.parameters["iss"] == site.party.issuer)
    let tokens = try await site.party.redeem(back.redirect.parameters["code"] ?? "")
    #expect(tokens.claims("id_token")["amr"]?.array == [.string("wechat")])
    let claims = try await site.party.userinfo(tokens.text("access_token"))
    #expect(claims.text("name") == "安娜 🌸")
    #expect(claims.text("picture").hasPrefix("https://thirdwx.qlogo.cn/"))
    #expect(try await site.rows("federated_identities", where: "oauth_token_sealed IS NOT NULL") == 1)
    #expect(try await site.rows("sessions") == 1, "the browser's, and none beside it")
  }

  @Test(
    "each browser is shown the ways that work there: QR everywhere, one tap first inside WeChat, a frame on a desktop")
  func ways() async throws {
    let site = try await TestWeChatSite.make()
    let desktop = try await site.party.authorize(site.browser())
    #expect(desktop.text.contains(site.web.id) && !desktop.text.contains(site.account.id))
    let open = site.server.runtime.settings.wechatOpenURL
    #expect(
      desktop.text.contains("<iframe class=\"qrframe\" src=\"\(open)/connect/qrconnect?appid=\(site.web.app.id)&amp;"))
    #expect(desktop.headers["content-security-policy"]?.contains("frame-src \(open);") == true)
    let phone = try await site.party.authorize(site.browser(TestWeChatSite.phone))
    #expect(phone.text.contains(site.web.id) && !phone.text.contains("<iframe"))
    #expect(phone.headers["content-security-policy"]?.contains("frame-src") == false)
    let inside = try await site.party.authorize(site.browser(TestWeChatSite.weChat))
    let (tap, scan) = (inside.text.range(of: site.account.id), inside.text.range(of: site.web.id))
    #expect(try #require(tap).lowerBound < #require(scan).lowerBound)
    #expect(!inside.text.contains("<iframe"))
    let second = try await TestWeChatSite.client(.web, of: site.party)
    let two = try await site.party.authorize(site.browser())
    #expect(two.text.contains(second.id) && two.text.contains("web &lt;b&gt;") && !two.text.contains("<iframe"))
    _ = try await site.party.tenant.send("PATCH", "third-party-authz-clients/\(second.id)", #"{"enabled":false}"#)
    #expect(try await !site.party.authorize(site.browser()).text.contains(second.id))
  }

  @Test("the page in the frame signs in as well, and takes the whole window back")
  func framed() async throws {
    let site = try await TestWeChatSite.make()
    let browser = site.browser()
    let page = try await site.party.authorize(browser)
    let source = page.text.components(separatedBy: "<iframe class=\"qrframe\" src=\"").last ?? ""
    let address = String(source.prefix { $0 != "\"" }).replacing("&amp;", with: "&")
    for word in ["self_redirect=false", "login_type=jssdk", "scope=snsapi_login"] { #expect(address.contains(word)) }
    let framed = try await site.server.visit("GET", String(address.prefix { $0 != "#" }))
    #expect(framed.text.contains("target=\"_top\""))
    let back = try await browser.follow(browser.atWeChat(address, "ping"))
    #expect(back.redirect.parameters["code"] != nil, "\(back.text)")
  }

  @Test("the links are WeChat's: order, scope, state of 96 letters and digits, the registered callback_url")
  func links() async throws {
    let site = try await TestWeChatSite.make()
    for (client, agent, path) in [
      (site.web, "Mozilla/5.0 (X11; Linux x86_64)", "qrconnect"),
      (site.account, TestWeChatSite.weChat, "oauth2/authorize"),
    ] {
      let page = try await site.party.authorize(site.browser(agent), ["ui_locales": "en"])
      #expect(page.marker == "login")
      let browser = site.browser(agent)
      let address = try await site.start(client, browser, ["ui_locales": "en"])
      let scope = path == "qrconnect" ? "snsapi_login" : "snsapi_userinfo"
      let callback = TestBrowser.form([("redirect_uri", "\(site.party.issuer)/wechat/callback/\(client.id)")])
      let begin =
        "\(site.server.runtime.settings.wechatOpenURL)/connect/\(path)?appid=\(client.app.id)&\(callback)"
        + "&response_type=code&scope=\(scope)&state="
      #expect(address.hasPrefix(begin), "\(address)")
      let rest = address.dropFirst(begin.count)
      #expect(rest.prefix(96).allSatisfy { $0.isHexDigit } && rest.hasSuffix("#wechat_redirect"))
      #expect(rest.dropFirst(96) == (path == "qrconnect" ? "&lang=en#wechat_redirect" : "#wechat_redirect"))
    }
  }

  @Test("idp_hint goes straight to WeChat; one that is no client of this application with a page means nothing")
  func hint() async throws {
    let site = try await TestWeChatSite.make()
    let browser = site.browser()
    let straight = try await site.party.authorize(browser, ["idp_hint": site.web.id])
    #expect(straight.redirect.address == "\(site.server.runtime.settings.wechatOpenURL)/connect/qrconnect")
    #expect(straight.headers["referrer-policy"] == "no-referrer")
    let back = try await browser.follow(browser.atWeChat(straight.headers["location"] ?? "", "gao"))
    let subject = try await site.subject(of: back)
    // Who is signed in already is not sent there again.
    let again = try await site.party.authorize(browser, ["idp_hint": site.web.id])
    #expect(try await site.subject(of: again) == subject)
    let miniapp = try await TestWeChatSite.client(.miniapp, of: site.party)
    let other = try await TestWeChatSite.make()
    for hint in ["nonsense", site.party.clientID, miniapp.id, other.web.id, "https://evil.test/"] {
      #expect(try await site.party.authorize(site.browser(), ["idp_hint": hint]).marker == "login", "\(hint)")
    }
    let silent = try await site.party.authorize(site.browser(), ["idp_hint": site.web.id, "prompt": "none"])
    #expect(silent.redirect.parameters["error"] == "login_required")
  }

  @Test("who says no at WeChat is back at the sign-in page, told so, and can go on another way")
  func declined() async throws {
    let site = try await TestWeChatSite.make()
    let browser = site.browser()
    let address = try await site.start(site.web, browser)
    let back = try await browser.atWeChat(address, "xu", "deny_redirect")
    #expect(back.redirect.parameters["code"] == nil)
    let page = try await browser.follow(back)
    #expect(page.marker == "login" && page.text.contains("declined in WeChat"), "\(page.text)")
    #expect(site.exchanges(site.web) == 0)
    let again = try await browser.get(site.way(site.web, on: page)).headers["location"] ?? ""
    let signedIn = try await browser.follow(browser.atWeChat(again, "xu"))
    #expect(signedIn.redirect.parameters["code"] != nil)
  }

  @Test("consent is asked after WeChat as after a password, and prompt=login asks WeChat again")
  func consent() async throws {
    let site = try await TestWeChatSite.make(settings: #""require_consent":true"#)
    let browser = site.browser()
    let question = try await site.signIn("qi", by: site.web, browser)
    #expect(question.marker == "consent")
    let allowed = try await browser.decide(question, "allow")
    let subject = try await site.subject(of: allowed)
    #expect(try await site.party.authorize(browser, ["prompt": "login"]).marker == "login")
    let fresh = try await site.signIn("qi", by: site.web, browser, ["prompt": "login"])
    #expect(try await site.subject(of: fresh) == subject)
    #expect(site.exchanges(site.web) == 2)
  }

  @Test("a browser that WeChat sends back twice at once has one session, and its code is exchanged once")
  func twice() async throws {
    let site = try await TestWeChatSite.make()
    let browser = site.browser()
    let back = try await browser.atWeChat(site.start(site.web, browser), "zhou")
    let callback = back.headers["location"] ?? ""
    let copies = (0..<6).map { _ in browser.copy() }
    let answers = try await withThrowingTaskGroup(of: (TestServer.Answer, [String: String]).self) { group in
      for copy in copies {
        nonisolated(unsafe) let copy = copy  // each task has its own
        group.addTask { (try await copy.get(callback), copy.cookies) }
      }
      return try await group.reduce(into: [(TestServer.Answer, [String: String])]()) { $0.append($1) }
    }
    #expect(answers.allSatisfy { $0.0.status == 303 }, "\(answers.map { $0.0.text })")
    #expect(Set(answers.map { $0.0.headers["location"] }).count == 1)
    #expect(Set(answers.map(\.1)).count == 1, "the same session's cookie")
    #expect(site.exchanges(site.web) == 1)
    #expect(try await site.rows("sessions") == 1)
    #expect(try await site.rows("users") == 2)
    let end = try await copies[0].follow(answers[0].0)
    #expect(end.redirect.parameters["code"] != nil, "\(end.text)")
    let late = try await browser.get(callback)
    #expect(late.status == 400 && late.headers["location"] == nil, "the sign-in is over")
  }

  @Test("a directory that asks for a second factor asks after WeChat, too: no session before it")
  func secondFactor() async throws {
    let site = try await TestWeChatSite.make(#","enrollment":"automatic","mfa":"required""#)
    let browser = site.browser()
    let page = try await site.signIn("tang", by: site.web, browser)
    #expect(page.marker == "mfa-enroll", "\(page.text)")
    #expect(try await site.rows("sessions") == 0)
    let early = try await browser.get(
      "\(site.party.issuer)/wechat/continue?interaction=\(page.input("interaction"))")
    #expect(early.redirect.address == "\(site.party.issuer)/login")
  }
}
