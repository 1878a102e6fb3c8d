import Foundation
import JSON
import Simulator
import TestSupport
import Testing

/// Who comes by WeChat and is not known, and who links WeChat to the account they have.
@Suite("newcomers by WeChat in a browser")
struct WeChatNewcomerTests {
  @Test("a newcomer is offered an account of their own, which one form makes")
  func register() async throws {
    let site = try await TestWeChatSite.make("")
    let browser = site.browser()
    let page = try await site.signIn("mei", by: site.web, browser, ["scope": "openid profile"])
    #expect(page.status == 200 && page.marker == "login", "\(page.text)")
    #expect(page.text.contains("<strong>mei</strong>") && page.text.contains("name=\"password\""))
    #expect(try await site.rows("federated_identities") == 0)
    let made = try await browser.follow(
      browser.post("\(site.party.issuer)/wechat/register", [("interaction", page.input("interaction"))]))
    let tokens = try await site.party.redeem(made.redirect.parameters["code"] ?? "")
    #expect(tokens.claims("id_token")["amr"]?.array == [.string("wechat")], "\(made.text)")
    #expect(try await site.party.userinfo(tokens.text("access_token")).text("name") == "mei")
    let subject = tokens.claims("id_token")["sub"]?.string
    #expect(try await site.rows("federated_identities", where: "oauth_token_sealed IS NOT NULL") == 1)
    #expect(try await site.subject("mei", by: site.account, site.browser(TestWeChatSite.weChat)) == subject)
    let events = try await site.party.tenant.send("GET", "audit-events?action=user.created")
    #expect(events.items.contains { $0["target"]?.object?["id"]?.string == subject })
  }

  @Test("signing in with a password instead gives the WeChat identity to that user")
  func connect() async throws {
    let site = try await TestWeChatSite.make("")
    let browser = site.browser()
    let page = try await site.signIn("mei", by: site.web, browser)
    let wrong = try await browser.signIn(page, site.party.username, "wrong password")
    #expect(wrong.status == 401 && wrong.text.contains("/wechat/register"))
    #expect(try await site.rows("federated_identities") == 0)
    let back = try await browser.follow(browser.signIn(wrong, site.party.username, TestRelyingParty.password))
    let tokens = try await site.party.redeem(back.redirect.parameters["code"] ?? "")
    #expect(tokens.claims("id_token")["sub"]?.string == site.party.userID)
    #expect(tokens.claims("id_token")["amr"]?.array == [.string("pwd")])
    #expect(try await site.subject("mei", by: site.web, site.browser()) == site.party.userID)
    let linked = try await site.party.tenant.send("GET", "audit-events?action=identity.linked").items
    #expect(linked.count == 1 && linked[0]["details"]?.object?["by"]?.string == "sign_in")
  }

  @Test("the ticket stands in no address, is spent once, and is gone when another person comes by WeChat")
  func ticket() async throws {
    let site = try await TestWeChatSite.make("")
    let browser = site.browser()
    let known = site.browser()
    let first = try await site.signIn("wang", by: site.web, known)
    let made = try await known.follow(
      known.post("\(site.party.issuer)/wechat/register", [("interaction", first.input("interaction"))]))
    let wang = try await site.subject(of: made)
    // Without the session it made, and long after it, the form is worth nothing.
    _ = try await site.server.database.administer(
      "UPDATE authorization_requests SET used_at = used_at - interval '11 seconds' WHERE tenant_id = '\(site.party.tenant.id)'"
    )
    let again = try await known.post(
      "\(site.party.issuer)/wechat/register", [("interaction", first.input("interaction"))])
    #expect(again.status == 400 && again.headers["location"] == nil)

    let page = try await site.signIn("zhao", by: site.web, browser)
    let interaction = page.input("interaction")
    #expect(!page.text.contains("qbt_"))
    let address =
      try await browser.get(
        "\(site.party.issuer)/wechat/start/\(site.web.id)?interaction=\(interaction)"
      ).headers["location"] ?? ""
    let back = try await browser.follow(browser.atWeChat(address, "wang"))
    #expect(try await site.subject(of: back) == wang)
    #expect(try await site.rows("federated_identities") == 1, "zhao is still nobody")

    let stranger = site.browser()
    let third = try await site.signIn("qian", by: site.web, browser, ["prompt": "login"])
    _ = try await site.party.authorize(stranger)
    let stolen = try await stranger.post(
      "\(site.party.issuer)/wechat/register", [("interaction", third.input("interaction"))])
    #expect(stolen.status == 400 && stolen.headers["set-cookie"] == nil)
  }

  @Test("where nobody new is let in there is a page, and a disabled user does not come in")
  func closed() async throws {
    let site = try await TestWeChatSite.make(#","enrollment":"closed""#)
    let page = try await site.signIn("mei", by: site.web, site.browser())
    #expect(page.status == 403 && page.marker == "error:enrollment_closed", "\(page.text)")
    let browser = site.browser()
    let callback = try await browser.atWeChat(site.start(site.web, browser), "mei").headers["location"] ?? ""
    let once = try await browser.get(callback)
    let twice = try await browser.get(callback)
    #expect(once.status == 403 && twice.status == 403 && twice.marker == once.marker, "\(twice.text)")
    let open = try await TestWeChatSite.make()
    let subject = try await open.subject("mei", by: open.web, open.browser())
    _ = try await open.party.tenant.send("PATCH", "users/\(subject)", #"{"status":"disabled"}"#)
    let refused = try await open.signIn("mei", by: open.web, open.browser())
    #expect(refused.status == 403 && refused.marker == "error:user_disabled", "\(refused.text)")
    #expect(refused.headers["set-cookie"] == nil)
  }

  @Test("link: a freshly signed-in user gets the identity; one of another user stays there")
  func link() async throws {
    let site = try await TestWeChatSite.make()
    let owner = try await site.subject("taken", by: site.web, site.browser())
    let browser = site.browser()
    _ = try await site.party.signIn(browser)
    let start = "\(site.party.issuer)/wechat/start/\(site.web.id)?purpose=link"
    #expect(try await browser.get("\(site.party.issuer)/account").href(containing: "purpose=link") == start)
    func link(_ person: String) async throws -> TestServer.Answer {
      let address = try await browser.get(start).headers["location"] ?? ""
      return try await browser.get(browser.atWeChat(address, person).headers["location"] ?? "")
    }
    let linked = try await link("mine")
    #expect(linked.headers["location"] == "\(site.party.issuer)/account?notice=linked", "\(linked.text)")
    #expect(linked.headers["set-cookie"] == nil, "a link signs nobody in")
    #expect(try await site.subject("mine", by: site.web, site.browser()) == site.party.userID)
    #expect(try await link("mine").headers["location"] == "\(site.party.issuer)/account?notice=linked")
    let elsewhere = try await link("taken")
    #expect(elsewhere.headers["location"] == "\(site.party.issuer)/account?notice=linked_elsewhere")
    #expect(try await site.subject("taken", by: site.web, site.browser()) == owner)
    #expect(try await site.rows("federated_identities", where: "user_id = '\(site.party.userID)'") == 1)
    #expect(try await site.rows("federated_identities", where: "oauth_token_sealed IS NOT NULL") == 2)
    let declined = try await browser.get(start).headers["location"] ?? ""
    let back = try await browser.atWeChat(declined, "mine", "deny_redirect")
    #expect(try await browser.get(back.headers["location"] ?? "").headers["location"] == "\(site.party.issuer)/account")
  }

  @Test("link: nobody signed in or longer than five minutes ago must sign in; an ended or another session gets a page")
  func linkRefused() async throws {
    let site = try await TestWeChatSite.make()
    let start = "\(site.party.issuer)/wechat/start/\(site.web.id)?purpose=link"
    let nobody = try await site.browser().get(start)
    #expect(nobody.redirect.address == "\(site.party.issuer)/login")
    let browser = site.browser()
    _ = try await site.party.signIn(browser)
    let address = try await browser.get(start).headers["location"] ?? ""
    let callback = try await browser.atWeChat(address, "mine").headers["location"] ?? ""
    // The same browser, but somebody else is signed in there now.
    let other = browser.copy()
    _ = try await site.signIn("other", by: site.web, other, ["prompt": "login"])
    let before = site.exchanges(site.web)
    #expect(try await other.get(callback).status == 400)
    let tenant = site.party.tenant.id
    _ = try await site.server.database.administer(
      "UPDATE sessions SET auth_time = auth_time - interval '6 minutes' WHERE tenant_id = '\(tenant)'")
    let stale = try await browser.get(start)
    #expect(stale.redirect.address == "\(site.party.issuer)/login")
    _ = try await site.server.database.administer(
      "UPDATE sessions SET ended_at = now() WHERE tenant_id = '\(tenant)'")
    #expect(try await browser.get(callback).status == 400)
    #expect(site.exchanges(site.web) == before)
    #expect(try await site.rows("federated_identities", where: "user_id = '\(site.party.userID)'") == 0)
  }

  @Test("step-up: WeChat is as good as a password, for the person themselves and for nobody else")
  func stepUp() async throws {
    let site = try await TestWeChatSite.make()
    let subject = try await site.subject("other", by: site.web, site.browser())
    let browser = site.browser()
    let mine = try await site.subject("mine", by: site.web, browser)
    #expect(mine != subject)
    let tenant = site.party.tenant.id
    _ = try await site.server.database.administer(
      "UPDATE sessions SET auth_time = auth_time - interval '6 minutes' WHERE tenant_id = '\(tenant)'")
    let start = "\(site.party.issuer)/wechat/start/\(site.web.id)?purpose=link"
    let page = try await browser.follow(browser.get(start))
    #expect(page.marker == "login")
    func confirm(_ person: String) async throws -> TestServer.Answer {
      let address = try await browser.get(site.way(site.web, on: page)).headers["location"] ?? ""
      return try await browser.follow(browser.atWeChat(address, person))
    }
    for person in ["other", "a newcomer"] {
      let refused = try await confirm(person)
      #expect(refused.marker == "login" && refused.text.contains("did not work"), "\(refused.text)")
    }
    #expect(try await site.rows("federated_identities") == 2, "nobody was made for it")
    #expect(try await confirm("mine").marker == "account")
    #expect(try await browser.get(start).redirect.address.hasSuffix("/connect/qrconnect"))
  }
}
