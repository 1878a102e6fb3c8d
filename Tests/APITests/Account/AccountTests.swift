import Foundation
import JSON
import Testing

@Suite("account page")
struct AccountTests {
  @Test("nobody signed in gets the sign-in page, and is back at the account after it")
  func signIn() async throws {
    let party = try await TestRelyingParty.make()
    let browser = TestBrowser(party.server)
    let page = try await party.account(browser)
    #expect(page.marker == "login")
    let back = try await browser.follow(browser.signIn(page, party.username, TestRelyingParty.password))
    #expect(back.marker == "account")
    #expect(back.text.contains("Buffy") && back.text.contains("+8613800138000"))
    #expect(try await party.account(browser).marker == "account")
    // A session of the account page is a session of the application.
    #expect(try await party.authorize(browser, ["prompt": "none"]).redirect.parameters["code"] != nil)
    let again = try await browser.signIn(page, party.username, TestRelyingParty.password)
    #expect(again.status == 400 && again.marker == "error:invalid_request", "an interaction is answered once")
  }

  @Test(
    "O05, R27: a form without the token of this browser and session changes nothing, and no other site may frame the page"
  )
  func forgery() async throws {
    let party = try await TestRelyingParty.make()
    let (mine, theirs) = (try await party.accountBrowser(), try await party.accountBrowser())
    let page = try await party.account(mine)
    #expect(page.headers["content-security-policy"]?.contains("frame-ancestors 'none'") == true)
    #expect(page.headers["x-frame-options"] == "DENY")
    #expect(page.headers["referrer-policy"] == "no-referrer")
    #expect(page.headers["cache-control"] == "no-store")
    let foreign = try await party.account(theirs).input("csrf")
    for token in ["", "x", foreign, foreign + "x"] {
      let answer = try await party.change(mine, token: token, [("operation", "end_all_sessions")])
      #expect(answer.status == 403 && answer.marker == "error:csrf", "\(token)")
      #expect(answer.headers["location"] == nil)
    }
    let nobody = TestBrowser(party.server)
    let answer = try await party.change(nobody, token: page.input("csrf"), [("operation", "end_all_sessions")])
    #expect(answer.marker == "error:csrf")
    for fields in [[("operation", "fly")], [("operation", "unlink")], [("operation", "unlink"), ("id", "x")], []] {
      let answer = try await party.change(mine, fields)
      #expect(answer.status == 400 && answer.marker == "error:invalid_request", "\(fields)")
    }
    #expect(try await party.account(mine).marker == "account")
    #expect(try await party.account(theirs).marker == "account")
  }

  @Test("a person ends one session, and all of them; with a session ends what was issued in it")
  func sessions() async throws {
    let party = try await TestRelyingParty.make()
    let (mine, other) = (try await party.accountBrowser(), try await party.accountBrowser())
    let code = try await party.authorize(other).redirect.parameters["code"] ?? ""
    let tokens = try await party.redeem(code)
    let session = tokens.claims("id_token")["sid"]?.string ?? ""
    #expect(try await party.account(mine).text.contains(session))
    let ended = try await party.change(mine, [("operation", "end_session"), ("id", session)])
    #expect(R25.isRedirect(ended, to: "\(party.issuer)/account?notice=session_ended"))
    #expect(try await party.userinfo(tokens.text("access_token")).status == 401)
    #expect(try await party.account(other).marker == "login")
    #expect(try await party.change(mine, [("operation", "end_session"), ("id", session)]).redirect.parameters == [:])
    let third = try await party.accountBrowser()
    let out = try await party.change(mine, [("operation", "end_all_sessions")])
    #expect(out.marker == "logged-out")
    #expect(out.headers["set-cookie"]?.contains("Max-Age=0") == true)
    #expect(try await party.account(third).marker == "login")
    let events = try await party.tenant.send("GET", "audit-events?action=user.sessions_ended")
    #expect(events.items.first?["actor"]?.object?["id"]?.string == party.userID)
    #expect(events.items.count == 1)
  }

  @Test("another person's session, identity and consent are not there")
  func foreign() async throws {
    let (party, other) = (try await TestRelyingParty.make(), try await TestRelyingParty.make())
    let (mine, theirs) = (try await party.accountBrowser(), try await other.accountBrowser())
    let sessions = try await other.tenant.send("GET", "users/\(other.userID)/sessions").items
    let session = sessions.first?["id"]?.string ?? ""
    for operation in ["end_session", "unlink", "revoke_consent"] {
      let answer = try await party.change(mine, [("operation", operation), ("id", session)])
      #expect(answer.redirect.parameters == [:], "\(operation)")
    }
    #expect(try await other.account(theirs).marker == "account")
  }

  @Test("a consent that is taken back ends the client's grants and codes, and is asked for again")
  func consents() async throws {
    let party = try await TestRelyingParty.make(settings: #""require_consent":true"#)
    let browser = TestBrowser(party.server)
    let allowed = try await browser.decide(try await party.signIn(browser), "allow")
    let tokens = try await party.redeem(allowed.redirect.parameters["code"] ?? "")
    #expect(try await party.userinfo(tokens.text("access_token")).status == 200)
    let code = try await party.authorize(browser).redirect.parameters["code"] ?? ""
    let page = try await party.account(browser)
    #expect(page.text.contains("RP &lt;b&gt;") && page.text.contains("Know who you are"))
    let revoked = try await party.change(browser, [("operation", "revoke_consent"), ("id", party.clientID)])
    #expect(revoked.redirect.parameters["notice"] == "consent_revoked")
    #expect(try await party.userinfo(tokens.text("access_token")).status == 401)
    #expect(try await party.redeem(code).text("error") == "invalid_grant")
    #expect(try await party.authorize(browser).marker == "consent")
    #expect(try await party.tenant.send("GET", "audit-events?action=consent.revoked").items.count == 1)
  }

  @Test("a password is changed with the old one; every other session ends")
  func password() async throws {
    let party = try await TestRelyingParty.make()
    let (mine, other) = (try await party.accountBrowser(), try await party.accountBrowser())
    let new = "another horse"
    func change(_ current: String, _ new: String) async throws -> String? {
      try await party.change(
        mine, [("operation", "change_password"), ("current_password", current), ("new_password", new)]
      ).redirect.parameters["notice"]
    }
    #expect(try await change(TestRelyingParty.password, "short") == "weak_password")
    #expect(try await change("not it, not it", new) == "wrong_password")
    #expect(try await party.account(other).marker == "account")
    #expect(try await change(TestRelyingParty.password, new) == "password_changed")
    #expect(try await party.account(other).marker == "login")
    #expect(try await party.account(mine).marker == "account")
    let page = try await party.account(other)
    #expect(try await other.signIn(page, party.username, TestRelyingParty.password).status == 401)
    #expect(try await other.follow(other.signIn(page, party.username, new)).marker == "account")
    let events = try await party.tenant.send("GET", "audit-events?action=user.password_changed")
    #expect(events.items.count == 1 && !events.text.contains(new))
  }

  @Test("after ten wrong current passwords the right one is refused too")
  func guessing() async throws {
    let party = try await TestRelyingParty.make()
    let browser = try await party.accountBrowser()
    let fields = [("operation", "change_password"), ("new_password", "another horse")]
    for _ in 0..<10 { _ = try await party.change(browser, fields + [("current_password", "wrong password")]) }
    let locked = try await party.change(browser, fields + [("current_password", TestRelyingParty.password)])
    #expect(locked.redirect.parameters["notice"] == "locked")
  }

  @Test("the last WeChat identity of a person without a password stays")
  func lastCredential() async throws {
    let site = try await TestWeChatSite.make()
    let browser = site.browser()
    let subject = try await site.subject("mei", by: site.web, browser)
    let page = try await site.party.account(browser)
    #expect(page.marker == "account" && !page.text.contains("change_password"))
    let identity =
      try await site.party.tenant.send("GET", "users/\(subject)/identities").items.first?["id"]?.string ?? ""
    let kept = try await site.party.change(browser, [("operation", "unlink"), ("id", identity)])
    #expect(kept.redirect.parameters["notice"] == "last_credential")
    #expect(try await site.rows("federated_identities") == 1)
  }
}
