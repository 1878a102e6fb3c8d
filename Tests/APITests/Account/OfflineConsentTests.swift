import JSON
import TestSupport
import Testing

/// A grant that outlives every session ends with the consent it stands on.
@Suite("account page, offline access")
struct OfflineConsentTests {
  @Test(
    "offline access outlives the sessions a person ends, and goes when they take the consent back on the account page")
  func revoke() async throws {
    let party = try await TestRelyingParty.make()
    let patched = try await party.tenant.send(
      "PATCH", "oauth-clients/\(party.clientID)", #"{"scopes":["openid","offline_access"]}"#)
    #expect(patched.status == 200, "\(patched.text)")
    let browser = TestBrowser(party.server)
    let question = try await party.signIn(browser, ["scope": "openid offline_access", "prompt": "consent"])
    let back = try await browser.decide(question, "allow")
    let tokens = try await party.redeem(back.redirect.parameters["code"] ?? "")
    let ended = try await party.change(browser, [("operation", "end_all_sessions")])
    #expect(ended.marker == "logged-out")
    func refresh(_ tokens: TestServer.Answer) async throws -> TestServer.Answer {
      try await party.token(["grant_type": "refresh_token", "refresh_token": tokens.text("refresh_token")])
    }
    let again = try await refresh(tokens)
    #expect(again.status == 200, "\(again.text)")
    let other = try await party.accountBrowser()
    let page = try await party.account(other)
    #expect(page.text.contains("RP &lt;b&gt;") && page.text.contains("Keep access while you are away"))
    let revoked = try await party.change(other, [("operation", "revoke_consent"), ("id", party.clientID)])
    #expect(revoked.redirect.parameters["notice"] == "consent_revoked")
    #expect(try await refresh(again).text("error") == "invalid_grant")
    #expect(try await party.userinfo(again.text("access_token")).status == 401)
    #expect(try await !party.account(other).text.contains("RP &lt;b&gt;"))
  }
}
