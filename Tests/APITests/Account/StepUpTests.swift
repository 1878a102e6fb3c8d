import Foundation
import JSON
import Testing

@Suite("account page, step-up")
struct StepUpTests {
  @Test("O03: what protects the account is changed with a sign-in of the last five minutes only, by the same person")
  func stale() async throws {
    let party = try await TestRelyingParty.make()
    let browser = try await party.accountBrowser()
    let change = [
      ("operation", "change_password"), ("current_password", TestRelyingParty.password),
      ("new_password", "another horse"),
    ]
    try await party.age(minutes: 4)
    let young = try await party.change(browser, [("operation", "unlink"), ("id", party.userID)])
    #expect(young.redirect.address == "\(party.issuer)/account")
    try await party.age(minutes: 2)
    for fields in [change, [("operation", "unlink"), ("id", party.userID)]] {
      let answer = try await party.change(browser, fields)
      #expect(answer.status == 303 && answer.redirect.address == "\(party.issuer)/login")
    }
    // What only takes access away needs no password.
    let ended = try await party.change(browser, [("operation", "end_session"), ("id", party.userID)])
    #expect(ended.redirect.address == "\(party.issuer)/account")
    let page = try await browser.follow(party.change(browser, change))
    #expect(page.marker == "login" && page.input("username") == party.username)
    let somebody = "s-\(UUID().uuidString.prefix(8))"
    _ = try await party.tenant.user(
      of: party.applicationID, #""username":"\#(somebody)","password":"correct horse battery""#)
    let intruder = try await browser.signIn(page, somebody, TestRelyingParty.password)
    #expect(intruder.status == 401 && intruder.headers["set-cookie"] == nil, "nobody else goes on in their place")
    let back = try await browser.follow(browser.signIn(page, party.username, TestRelyingParty.password))
    #expect(back.marker == "account")
    #expect(try await party.change(browser, change).redirect.parameters["notice"] == "password_changed")
  }

  @Test("R25: whatever follows a form with a credential is a 303")
  func redirects() async throws {
    let party = try await TestRelyingParty.make()
    let browser = TestBrowser(party.server)
    let page = try await party.account(browser)
    let signedIn = try await browser.signIn(page, party.username, TestRelyingParty.password)
    #expect(R25.isRedirect(signedIn, to: "\(party.issuer)/account"))
    let changed = try await party.change(
      browser,
      [
        ("operation", "change_password"), ("current_password", TestRelyingParty.password),
        ("new_password", "another horse"),
      ])
    #expect(R25.isRedirect(changed, to: "\(party.issuer)/account?notice=password_changed"))
  }

  @Test("the same person goes on in the browser's session with a new cookie; another person's sign-in ends it")
  func replaced() async throws {
    let party = try await TestRelyingParty.make()
    let browser = try await party.accountBrowser()
    let old = browser.copy()
    let tokens = try await party.redeem(try await party.authorize(browser).redirect.parameters["code"] ?? "")
    let page = try await party.authorize(browser, ["prompt": "login"])
    let wrong = try await browser.signIn(page, party.username, "wrong password")
    #expect(wrong.status == 401)
    #expect(try await party.account(old).marker == "account", "a failed sign-in ends nothing")
    _ = try await browser.follow(browser.signIn(page, party.username, TestRelyingParty.password))
    #expect(try await party.account(browser).marker == "account")
    #expect(try await party.account(old).marker == "login")
    #expect(try await party.userinfo(tokens.text("access_token")).status == 200, "what other clients hold stays")
    #expect(try await party.tenant.send("GET", "users/\(party.userID)/sessions").items.count == 1)
    let refreshed = try await party.token([
      "grant_type": "refresh_token", "refresh_token": tokens.text("refresh_token"),
    ])
    #expect(refreshed.claims("id_token")["auth_time"] == tokens.claims("id_token")["auth_time"], "O13")
    let somebody = "s-\(UUID().uuidString.prefix(8))"
    _ = try await party.tenant.user(
      of: party.applicationID, #""username":"\#(somebody)","password":"correct horse battery""#)
    let mine = browser.copy()
    let other = try await party.authorize(browser, ["prompt": "select_account"])
    _ = try await browser.follow(browser.signIn(other, somebody, TestRelyingParty.password))
    #expect(try await party.account(mine).marker == "login")
    #expect(try await party.userinfo(tokens.text("access_token")).status == 401)
    #expect(try await party.tenant.send("GET", "users/\(party.userID)/sessions").items.isEmpty)
  }
}

/// What follows a POST.
enum R25 {
  static func isRedirect(_ answer: TestServer.Answer, to location: String) -> Bool {
    answer.status == 303 && answer.headers["location"] == location
  }
}
