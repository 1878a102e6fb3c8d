import Foundation
import JSON
import Simulator
import TestSupport
import Testing

/// What must not work on the way to WeChat and back: rows of security.md section 6 and 2.1.
@Suite("sign-in by WeChat in a browser, refused")
struct WeChatRefusalTests {
  @Test(
    "W15: a state that is missing, unknown, reused, another browser's, tenant's, client's or purpose's is a page, without WeChat"
  )
  func state() async throws {
    let site = try await TestWeChatSite.make()
    let other = try await TestWeChatSite.make()
    let browser = site.browser()
    let callback = try await browser.atWeChat(site.start(site.web, browser), "eve").headers["location"] ?? ""
    let parts = try #require(URLComponents(string: callback))
    let code = parts.queryItems?.first { $0.name == "code" }?.value ?? ""
    let state = parts.queryItems?.first { $0.name == "state" }?.value ?? ""
    let own = String(callback.prefix { $0 != "?" })
    let stranger = site.browser()
    _ = try await site.party.authorize(stranger)
    let theirs = browser.copy()
    _ = try await other.party.authorize(theirs)
    let flipped = (state.first == "0" ? "1" : "0") + state.dropFirst()
    let lastFlipped = state.dropLast() + (state.last == "0" ? "1" : "0")
    let tries: [(what: String, browser: TestBrowser, url: String)] = [
      ("no state", browser, "\(own)?code=\(code)"),
      ("empty", browser, "\(own)?code=\(code)&state="),
      ("not a state", browser, "\(own)?code=\(code)&state=\(String(repeating: "x", count: 96))"),
      ("upper case", browser, "\(own)?code=\(code)&state=\(state.uppercased())"),
      ("another row", browser, "\(own)?code=\(code)&state=\(flipped)"),
      ("another secret", browser, "\(own)?code=\(code)&state=\(lastFlipped)"),
      ("longer", browser, "\(own)?code=\(code)&state=\(state)0"),
      ("two states", browser, "\(own)?code=\(code)&state=\(state)&state=\(state)"),
      ("a code over 512 bytes", browser, "\(own)?code=\(String(repeating: "c", count: 513))&state=\(state)"),
      ("no browser", TestBrowser(site.server), callback), ("another browser", stranger, callback),
      ("another client", browser, callback.replacing(site.web.id, with: site.account.id)),
      ("another tenant", theirs, callback.replacing(site.party.issuer, with: other.party.issuer)),
      (
        "another tenant's client", theirs,
        callback.replacing(site.party.issuer, with: other.party.issuer).replacing(site.web.id, with: other.web.id)
      ),
      ("no client", browser, callback.replacing(site.web.id, with: "nonsense")),
    ]
    for (what, browser, url) in tries {
      let answer = try await browser.get(url)
      #expect(answer.status == 400 && answer.marker.hasPrefix("error:"), "\(what): \(answer.status) \(answer.text)")
      #expect(answer.headers["location"] == nil && answer.headers["referrer-policy"] == "no-referrer", "\(what)")
      #expect(answer.headers["set-cookie"]?.contains("qss_") != true, "\(what)")
    }
    #expect(site.exchanges(site.web) + site.exchanges(site.account) + other.exchanges(other.web) == 0)
    #expect(try await site.rows("sessions") == 0)
    #expect(try await site.rows("federated_identities") == 0)
    // None of them took the state from its browser.
    let back = try await browser.follow(browser.get(callback))
    #expect(back.redirect.parameters["code"] != nil, "\(back.text)")
    let reused = try await browser.get(callback)
    #expect(reused.status == 400 && reused.headers["location"] == nil)
    #expect(site.exchanges(site.web) == 1)
    #expect(try await site.rows("sessions") == 1)
  }

  @Test("W15: a state serves once: not for another code, not after 10 s, not after 10 minutes")
  func reuse() async throws {
    let site = try await TestWeChatSite.make()
    let browser = site.browser()
    let callback = try await browser.atWeChat(site.start(site.web, browser), "eve").headers["location"] ?? ""
    #expect(try await browser.get(callback).status == 303)
    let code = try site.server.wechat.oauthCode(site.web.app.id, person: "mallory", scope: "snsapi_login")
    let state = callback.split(separator: "&state=").last ?? ""
    let swapped = "\(callback.prefix { $0 != "?" })?code=\(code)&state=\(state)"
    #expect(try await browser.get(swapped).status == 400)
    #expect(try await browser.get("\(callback.prefix { $0 != "?" })?state=\(state)").status == 400)
    let tenant = site.party.tenant.id
    _ = try await site.server.database.administer(
      "UPDATE wechat_authorizations SET used_at = used_at - interval '11 seconds' WHERE tenant_id = '\(tenant)'")
    #expect(try await browser.get(callback).status == 400)
    #expect(site.exchanges(site.web) == 1)
    let late = site.browser()
    let old = try await late.atWeChat(site.start(site.web, late), "eve").headers["location"] ?? ""
    _ = try await site.server.database.administer(
      "UPDATE wechat_authorizations SET expires_at = now() WHERE tenant_id = '\(tenant)' AND used_at IS NULL")
    #expect(try await late.get(old).status == 400)
    #expect(site.exchanges(site.web) == 1)
  }

  @Test("W07: a code is exchanged once, however many browsers bring it, and what it gave is its own browser's")
  func codeReplay() async throws {
    let server = try await TestServer.start(on: TestDatabase.shared(), refreshesTokens: false)
    let site = try await TestWeChatSite.make(on: server)
    server.wechat.change { $0.acceptsUsedCodes = true }
    let (mine, thief) = (site.browser(), site.browser())
    let stolen = try await mine.atWeChat(site.start(site.web, mine), "alice").headers["location"] ?? ""
    let own = try await thief.atWeChat(site.start(site.web, thief), "mallory").headers["location"] ?? ""
    let code = stolen.split(separator: "code=").last?.prefix { $0 != "&" } ?? ""
    let state = own.split(separator: "&state=").last ?? ""
    #expect(try await mine.get(stolen).status == 303)
    let forged = "\(own.prefix { $0 != "?" })?code=\(code)&state=\(state)"
    let answer = try await thief.get(forged)
    #expect(answer.status == 400 && answer.marker == "error:wechat_code_invalid", "\(answer.text)")
    #expect(answer.headers["set-cookie"] == nil && site.exchanges(site.web) == 1)
  }

  @Test("W05, W06, W08: what the browser says of tokens, openid, unionid and appid counts for nothing")
  func claims() async throws {
    let site = try await TestWeChatSite.make()
    let victim = try await site.subject("victim", by: site.web, site.browser())
    let browser = site.browser()
    let back = try await browser.atWeChat(site.start(site.web, browser), "eve").headers["location"] ?? ""
    let openid = site.server.wechat.openid("victim", appID: site.web.app.id)
    let end = try await browser.follow(
      browser.get("\(back)&openid=\(openid)&unionid=\(openid)&access_token=x&appid=\(site.account.app.id)"))
    #expect(try await site.subject(of: end) != victim)
    // A code of another app of the same tenant: one exchange, with this client's own AppID, refused.
    let other = site.browser()
    let address = try await site.start(site.web, other)
    let state = address.split(separator: "&state=").last?.prefix(96) ?? ""
    let foreign = try site.server.wechat.oauthCode(site.account.app.id, person: "victim")
    let before = (site.exchanges(site.web), site.exchanges(site.account))
    let refused = try await other.get(
      "\(site.party.issuer)/wechat/callback/\(site.web.id)?code=\(foreign)&state=\(state)")
    #expect(refused.status == 400 && refused.marker == "error:wechat_code_invalid")
    #expect(site.exchanges(site.web) == before.0 + 1 && site.exchanges(site.account) == before.1)
  }

  @Test("W03, W04: the same person of two apps or tenants without a common account is somebody else each time")
  func separate() async throws {
    let site = try await TestWeChatSite.make()
    let alone = try await TestWeChatSite.client(.web, of: site.party, openPlatformAccount: nil)
    let other = try await TestWeChatSite.make()
    let first = try await site.subject("same", by: site.web, site.browser())
    let second = try await site.subject("same", by: alone, site.browser())
    let third = try await other.subject("same", by: other.web, other.browser())
    #expect(Set([first, second, third]).count == 3)
  }

  @Test("a snapshot page's virtual person becomes nobody, and the page asks for one more tap")
  func snapshot() async throws {
    let site = try await TestWeChatSite.make()
    site.server.wechat.change(site.account.app.id) { $0.isSnapshot = true }
    let browser = site.browser(TestWeChatSite.weChat)
    let page = try await site.signIn("nobody", by: site.account, browser)
    #expect(page.status == 403 && page.marker == "error:wechat_snapshot_user", "\(page.text)")
    #expect(page.headers["location"] == nil)
    #expect(try await site.rows("federated_identities") == 0)
    #expect(try await site.rows("sessions") == 0)
    site.server.wechat.change(site.account.app.id) { $0.isSnapshot = false }
    let again = try await browser.get(page.href(containing: "/login?interaction="))
    let address = try await browser.get(site.way(site.account, on: again)).headers["location"] ?? ""
    #expect(try await browser.follow(browser.atWeChat(address, "somebody")).redirect.parameters["code"] != nil)
  }

  @Test("what WeChat refuses is a page in the person's language with a way back, never a redirect")
  func failures() async throws {
    let server = try await TestServer.start(on: TestDatabase.shared(), refreshesTokens: false)
    let site = try await TestWeChatSite.make(on: server)
    for (errcode, status, code) in [
      (40029, 400, "wechat_code_invalid"), (40163, 400, "wechat_code_invalid"), (45011, 429, "rate_limited"),
      (40125, 503, "wechat_credentials_rejected"), (-1, 503, "wechat_unavailable"), (99999, 503, "wechat_error"),
    ] {
      let browser = site.browser()
      let address = try await site.start(site.web, browser, ["ui_locales": "zh-CN"])
      let back = try await browser.atWeChat(address, "yu").headers["location"] ?? ""
      let fault = #"{"endpoint":"sns/oauth2/access_token","kind":"errcode","errcode":\#(errcode),"times":1}"#
      let faults = "\(server.runtime.settings.wechatURL)/_sim/faults"
      _ = try await server.visit("POST", faults, fault, type: "application/json")
      let page = try await browser.get(back)
      #expect(page.status == status && page.marker == "error:\(code)", "\(errcode): \(page.status) \(page.text)")
      #expect(page.headers["location"] == nil && page.headers["set-cookie"] == nil)
      #expect(page.text.contains("(\(errcode))"), "\(page.text)")
      let again = try await browser.get(page.href(containing: "/login?interaction="))
      #expect(again.marker == "login" && again.text.contains("lang=\"zh-CN\""))
    }
    #expect(try await site.rows("sessions") == 0)
  }

  @Test(
    "what passes between browser, WeChat and us lies in no table in clear: state, interaction, ticket, code, cookie")
  func secrecy() async throws {
    let site = try await TestWeChatSite.make("")
    let browser = site.browser()
    let callback = try await browser.atWeChat(site.start(site.web, browser), "hidden").headers["location"] ?? ""
    let page = try await browser.follow(browser.get(callback))
    let interaction = page.input("interaction")
    _ = try await browser.post("\(site.party.issuer)/wechat/register", [("interaction", interaction)])
    let state = callback.components(separatedBy: "&state=").last ?? ""
    let code = callback.components(separatedBy: "code=").last?.components(separatedBy: "&").first ?? ""
    let cookies = browser.cookies.values.filter { $0.hasPrefix("qss_") }
    #expect(state.count == 96 && code.count > 20 && interaction.hasPrefix("qin_") && cookies.count == 1)
    for table in [
      "wechat_authorizations", "authorization_requests", "federation_transactions", "wechat_code_exchanges",
    ] {
      let rows = try await site.server.database.administer(
        "SELECT t::text FROM \(table) t WHERE tenant_id = '\(site.party.tenant.id)'"
      ).compactMap { $0[0] }.joined()
      #expect(!rows.isEmpty, "\(table)")
      for secret in [String(state.dropFirst(32)), code, interaction] + cookies {
        let hex = secret.utf8.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        #expect(!rows.contains(secret) && !rows.contains(hex), "\(table)")
      }
      #expect(!rows.contains("qbt_"))
    }
  }

  @Test("R03, R20: no parameter of these pages leads away, and no page of them tells where from")
  func openRedirects() async throws {
    let site = try await TestWeChatSite.make()
    let browser = site.browser()
    let page = try await site.party.authorize(browser)
    let open = site.server.runtime.settings.wechatOpenURL
    let evil = "https%3A%2F%2Fevil.test%2F"
    let token = page.input("interaction")
    for url in [
      "wechat/start/\(site.web.id)?interaction=\(evil)", "wechat/start/\(evil)?interaction=\(token)",
      "wechat/start/\(site.web.id)?interaction=\(token)&redirect_uri=\(evil)&state=\(evil)&purpose=\(evil)",
      "wechat/start/\(site.web.id)?purpose=link&redirect_uri=\(evil)", "wechat/callback/\(evil)?code=\(evil)",
      "wechat/callback/\(site.web.id)?code=\(evil)&state=\(evil)", "wechat/continue?interaction=\(evil)",
      "login?interaction=\(token)&notice=\(evil)&continue=\(evil)",
    ] {
      let answer = try await browser.get("\(site.party.issuer)/\(url)")
      let location = answer.headers["location"] ?? site.party.issuer
      #expect(location.hasPrefix("\(open)/connect/qrconnect?") || location.hasPrefix(site.party.issuer), "\(location)")
      #expect(!location.contains("evil.test"), "\(location)")
      #expect(answer.headers["referrer-policy"] == "no-referrer", "\(url)")
      #expect(answer.headers["cache-control"] == "no-store")
    }
  }
}
