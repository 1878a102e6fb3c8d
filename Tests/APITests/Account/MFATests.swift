import Foundation
import JSON
import Testing

@Suite("second factor")
struct MFATests {
  @Test("who enrolled is asked for a code behind the password, and the session says how it was made")
  func optional() async throws {
    let party = try await TestRelyingParty.make(application: #","mfa":"optional""#)
    let (mine, old) = (try await party.accountBrowser(), try await party.accountBrowser())
    let shown = try await party.change(mine, [("operation", "mfa_begin")])
    #expect(shown.marker == "mfa-enroll" && shown.text.contains("<svg class=\"qr\""))
    let app = try TestAuthenticator(shown)
    #expect(try await party.account(TestBrowser(party.server)).marker == "login")
    let wrong = try await party.change(mine, [("operation", "mfa_confirm"), ("code", app.wrong)])
    #expect(wrong.status == 401 && wrong.marker == "mfa-enroll")
    #expect(try TestAuthenticator(wrong).secret == app.secret, "the same key until it is confirmed")
    // Before that nothing is asked.
    #expect(try await party.signIn(TestBrowser(party.server)).redirect.parameters["code"] != nil)
    let done = try await party.change(mine, [("operation", "mfa_confirm"), ("code", app.code())])
    #expect(done.marker == "backup-codes" && Set(done.backupCodes).count == 10)
    #expect(done.headers["cache-control"] == "no-store")
    let page = try await mine.follow(mine.get(done.continueURL))
    #expect(page.marker == "account", "who has just enrolled stays signed in")
    for code in done.backupCodes { #expect(!page.text.contains(code)) }
    #expect(try await party.account(old).marker == "login", "a session of one factor is none any more")
    #expect(try await party.authorize(old, ["prompt": "none"]).redirect.parameters["error"] == "login_required")

    let browser = TestBrowser(party.server)
    let asked = try await party.firstFactor(browser)
    #expect(asked.marker == "mfa" && asked.status == 200)
    #expect(browser.cookies.count == 1, "no session before the second factor")
    #expect(try await party.authorize(browser, ["prompt": "none"]).redirect.parameters["error"] == "login_required")
    let used = try await party.second(browser, asked, app.code())
    #expect(used.status == 401 && used.marker == "mfa", "the code that confirmed the enrolment was used")
    try await party.forgetSteps()
    #expect(try await party.second(browser, asked, app.wrong).status == 401)
    let back = try await party.second(browser, asked, app.code())
    let tokens = try await party.redeem(back.redirect.parameters["code"] ?? "")
    #expect(tokens.claims("id_token")["amr"] == .array(["pwd", "otp", "mfa"].map { .string($0) }))
    let events = try await party.tenant.send("GET", "audit-events?action=mfa.enrolled")
    #expect(events.items.count == 1)
  }

  @Test("a code is taken once, whoever sends it how often at once")
  func replay() async throws {
    let party = try await TestRelyingParty.make(application: #","mfa":"optional""#)
    let (app, _) = try await party.enrol(try await party.accountBrowser())
    let browsers = [TestBrowser(party.server), TestBrowser(party.server), TestBrowser(party.server)]
    var pages: [TestServer.Answer] = []
    for browser in browsers { pages.append(try await party.firstFactor(browser)) }
    let code = app.code()
    var codes = 0
    for (browser, page) in zip(browsers, pages) {
      let answer = try await party.second(browser, page, code)
      codes += answer.redirect.parameters["code"] == nil ? 0 : 1
    }
    #expect(codes == 1)
    // The step behind it can still be used, the one before it not any more.
    #expect(try await party.second(browsers[1], pages[1], app.code(-1)).status == 401)
    #expect(try await party.second(browsers[1], pages[1], app.code(1)).redirect.parameters["code"] != nil)
    let late = try await party.firstFactor(TestBrowser(party.server))
    #expect(late.marker == "mfa")
  }

  @Test("a backup code stands in for the authenticator, once; new ones end the old ones")
  func backupCodes() async throws {
    let party = try await TestRelyingParty.make(application: #","mfa":"optional""#)
    let mine = try await party.accountBrowser()
    let codes = try await party.enrol(mine).codes
    let browser = TestBrowser(party.server)
    let page = try await party.firstFactor(browser)
    let typed = codes[0].uppercased().replacing("-", with: " ")
    #expect(try await party.second(browser, page, typed).redirect.parameters["code"] != nil)
    let again = TestBrowser(party.server)
    let second = try await party.firstFactor(again)
    #expect(try await party.second(again, second, codes[0]).status == 401)
    #expect(try await party.account(mine).text.contains("9"))
    let renewed = try await party.change(mine, [("operation", "mfa_backup_codes")]).backupCodes
    #expect(renewed.count == 10 && Set(renewed).isDisjoint(with: codes))
    #expect(try await party.second(again, second, codes[1]).status == 401)
    #expect(try await party.second(again, second, renewed[1]).redirect.parameters["code"] != nil)
    let stored = try await party.server.database.administer(
      "SELECT code_hash::text FROM backup_codes WHERE tenant_id = '\(party.tenant.id)'")
    #expect(stored.count == 9)
    for code in renewed { #expect(!stored.contains { $0[0]?.contains(code) == true }) }
    #expect(try await party.tenant.send("GET", "audit-events?action=mfa.backup_code_used").items.count == 2)
  }

  @Test("after ten wrong codes the right one is refused for a while; another person is not locked")
  func guessing() async throws {
    let party = try await TestRelyingParty.make(application: #","mfa":"optional""#)
    let (app, codes) = try await party.enrol(try await party.accountBrowser())
    let browser = TestBrowser(party.server)
    let page = try await party.firstFactor(browser)
    for _ in 0..<10 { #expect(try await party.second(browser, page, app.wrong).status == 401) }
    for code in [app.code(), codes[0]] {
      let locked = try await party.second(browser, page, code)
      #expect(locked.status == 429 && locked.marker == "mfa")
      #expect(Int(locked.headers["retry-after"] ?? "").map { (1...30).contains($0) } == true)
    }
    #expect(try await party.tenant.send("GET", "audit-events?action=user.locked").items.count == 1)
    try await party.server.database.administer(
      "UPDATE password_tries SET locked_until = now() WHERE tenant_id = '\(party.tenant.id)'")
    #expect(try await party.second(browser, page, app.code()).redirect.parameters["code"] != nil)
  }

  @Test("where it is required, enrolment comes before the first session, and no live session of one factor counts")
  func required() async throws {
    let party = try await TestRelyingParty.make()
    let before = try await party.accountBrowser()
    let patched = try await party.tenant.send(
      "PATCH", "identity-applications/\(party.applicationID)", #"{"mfa":"required"}"#)
    #expect(patched.text("mfa") == "required")
    #expect(try await party.authorize(before, ["prompt": "none"]).redirect.parameters["error"] == "login_required")
    let browser = TestBrowser(party.server)
    let page = try await party.firstFactor(browser)
    #expect(page.marker == "mfa-enroll")
    #expect(browser.cookies.count == 1)
    let app = try TestAuthenticator(page)
    let stranger = TestBrowser(party.server)
    _ = try await party.authorize(stranger)
    #expect(try await party.second(stranger, page, app.code()).marker == "error:invalid_request", "another browser's")
    let wrong = try await party.second(browser, page, app.wrong)
    #expect(wrong.status == 401 && wrong.marker == "mfa-enroll")
    let done = try await party.second(browser, page, app.code())
    #expect(done.marker == "backup-codes")
    let back = try await browser.follow(browser.get(done.continueURL))
    let tokens = try await party.redeem(back.redirect.parameters["code"] ?? "")
    #expect(tokens.claims("id_token")["amr"] == .array(["pwd", "otp", "mfa"].map { .string($0) }))
    #expect(try await party.account(browser).marker == "account")
    // It cannot be turned off here.
    _ = try await party.change(browser, [("operation", "mfa_disable")])
    #expect(try await party.firstFactor(TestBrowser(party.server)).marker == "mfa")
  }

  @Test("who only has the first factor cannot put another authenticator in the place of the one there is")
  func takeover() async throws {
    let party = try await TestRelyingParty.make(application: #","mfa":"required""#)
    let (victim, thief) = (TestBrowser(party.server), TestBrowser(party.server))
    let shown = try await party.firstFactor(thief)
    #expect(shown.marker == "mfa-enroll")
    let page = try await party.firstFactor(victim)
    #expect(try TestAuthenticator(page).secret != TestAuthenticator(shown).secret, "nobody sees another page's key")
    let app = try TestAuthenticator(page)
    #expect(try await party.second(victim, page, app.code()).marker == "backup-codes")
    try await party.forgetSteps()
    for code in [try TestAuthenticator(shown).code(), app.code()] {
      #expect(try await party.second(thief, shown, code).marker == "mfa")
    }
    let again = try await thief.follow(thief.get("\(shown.formAction)?interaction=\(shown.input("interaction"))"))
    #expect(again.marker == "mfa")
    #expect(thief.cookies.count == 1)
  }

  @Test("it is turned off with a fresh sign-in, and by an administrator for who lost it")
  func off() async throws {
    let party = try await TestRelyingParty.make(application: #","mfa":"optional""#)
    let browser = try await party.accountBrowser()
    _ = try await party.enrol(browser)
    try await party.age(minutes: 6)
    for operation in ["mfa_disable", "mfa_backup_codes", "mfa_begin", "mfa_confirm"] {
      let answer = try await party.change(browser, [("operation", operation)])
      #expect(answer.redirect.address == "\(party.issuer)/login", "\(operation)")
    }
    try await party.age(minutes: -6)
    let off = try await party.change(browser, [("operation", "mfa_disable")])
    #expect(off.redirect.parameters["notice"] == "mfa_off")
    #expect(try await party.signIn(TestBrowser(party.server)).redirect.parameters["code"] != nil)
    #expect(try await party.tenant.send("GET", "audit-events?action=mfa.disabled").items.count == 1)
    _ = try await party.enrol(browser)
    #expect(try await party.firstFactor(TestBrowser(party.server)).marker == "mfa")
    #expect(try await party.tenant.send("DELETE", "users/\(party.userID)/mfa").status == 204)
    #expect(try await party.signIn(TestBrowser(party.server)).redirect.parameters["code"] != nil)
    #expect(try await party.tenant.send("DELETE", "users/\(party.userID)/mfa").status == 404)
    let events = try await party.tenant.send("GET", "audit-events?action=mfa.reset")
    #expect(events.items.first?["actor"]?.object?["type"] == .string("api_key"))
  }

  @Test("where the application has none, nothing is asked and nobody enrols")
  func none() async throws {
    let party = try await TestRelyingParty.make()
    let browser = try await party.accountBrowser()
    #expect(!(try await party.account(browser).text.contains("mfa_begin")))
    let answer = try await party.change(browser, [("operation", "mfa_begin")])
    #expect(answer.redirect.address == "\(party.issuer)/account")
    let rows = try await party.server.database.administer(
      "SELECT FROM totp_authenticators WHERE tenant_id = '\(party.tenant.id)'")
    #expect(rows.isEmpty)
  }

  @Test("who comes by WeChat is asked for the second factor too, and enrols first where it is required")
  func weChat() async throws {
    let site = try await TestWeChatSite.make(#","enrollment":"automatic","mfa":"required""#)
    let browser = site.browser()
    let page = try await site.signIn("mei", by: site.web, browser)
    #expect(page.marker == "mfa-enroll" && browser.cookies.count == 1, "\(page.text)")
    let app = try TestAuthenticator(page)
    let done = try await site.party.second(browser, page, app.code())
    let back = try await browser.follow(browser.get(done.continueURL))
    let tokens = try await site.party.redeem(back.redirect.parameters["code"] ?? "")
    #expect(tokens.claims("id_token")["amr"] == .array(["wechat", "otp", "mfa"].map { .string($0) }))
    let again = site.browser(TestWeChatSite.weChat)
    let asked = try await site.signIn("mei", by: site.account, again)
    #expect(asked.marker == "mfa" && again.cookies.count == 1)
    #expect(try await site.party.second(again, asked, app.wrong).status == 401)
    #expect(try await site.party.second(again, asked, app.code(1)).redirect.parameters["code"] != nil)
  }

  @Test("the account page leads to linking WeChat, with a fresh sign-in of both factors only")
  func linking() async throws {
    let site = try await TestWeChatSite.make(#","mfa":"optional""#)
    let party = site.party
    let browser = try await party.accountBrowser()
    let link = "\(party.issuer)/wechat/start/\(site.web.id)?purpose=link"
    #expect(try await party.account(browser).text.contains("href=\"\(link)\""))
    let address = try await browser.get(link).headers["location"] ?? ""
    let back = try await browser.follow(browser.atWeChat(address, "mei"))
    #expect(back.marker == "account" && back.text.contains("web &lt;b&gt;"))
    try await party.age(minutes: 6)
    #expect(try await browser.get(link).redirect.address == "\(party.issuer)/login")
    let nobody = site.browser()
    #expect(try await nobody.get(link).redirect.address == "\(party.issuer)/login")
    try await party.age(minutes: -6)
    let identity =
      try await party.tenant.send("GET", "users/\(party.userID)/identities").items.first?["id"]?.string ?? ""
    let unlinked = try await party.change(browser, [("operation", "unlink"), ("id", identity)])
    #expect(unlinked.redirect.parameters["notice"] == "unlinked")
  }
}
