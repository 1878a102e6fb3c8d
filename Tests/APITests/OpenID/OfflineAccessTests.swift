import Foundation
import JSON
import TestSupport
import Testing

/// `offline_access`: security.md O12, O23, R11, R12 and contract section 9.
@Suite("OpenID provider, offline access")
struct OfflineAccessTests {
  private static let offline = ["scope": "openid offline_access", "prompt": "consent"]

  /// A client that may ask for it.
  private static func party(_ grants: String = "") async throws -> TestRelyingParty {
    let party = try await TestRelyingParty.make(settings: #""require_consent":false\#(grants)"#)
    let patched = try await party.tenant.send(
      "PATCH", "oauth-clients/\(party.clientID)", #"{"scopes":["openid","profile","offline_access"]}"#)
    guard patched.status == 200 else { throw TestFailure(description: patched.text) }
    return party
  }

  private static func refresh(
    _ party: TestRelyingParty, _ tokens: TestServer.Answer, _ more: [String: String] = [:]
  ) async throws -> TestServer.Answer {
    let fields = ["grant_type": "refresh_token", "refresh_token": tokens.text("refresh_token")]
    return try await party.token(fields.merging(more) { $1 })
  }

  private static func offlineTokens(
    _ party: TestRelyingParty, _ browser: TestBrowser
  ) async throws -> TestServer.Answer {
    let question = try await party.signIn(browser, offline)
    let back = try await browser.decide(question, "allow")
    return try await party.redeem(back.redirect.parameters["code"] ?? "")
  }

  private static func logout(_ party: TestRelyingParty, _ browser: TestBrowser, _ idToken: String) async throws {
    let answer = try await browser.get("\(party.issuerPath)/logout?id_token_hint=\(idToken)")
    guard answer.marker == "logged-out" else { throw TestFailure(description: answer.text) }
  }

  @Test(
    "O12: asked with prompt=consent, agreed to on the page, it outlives the logout: refresh, userinfo, the same sign-in"
  )
  func outlives() async throws {
    let party = try await Self.party()
    let browser = TestBrowser(party.server)
    let page = try await party.signIn(browser, Self.offline)
    #expect(page.marker == "consent", "it is never given silently")
    #expect(page.text.contains("Keep access while you are away"))
    let back = try await browser.decide(page, "allow")
    let tokens = try await party.redeem(back.redirect.parameters["code"] ?? "")
    #expect(tokens.text("scope") == "openid offline_access")
    try await Self.logout(party, browser, tokens.text("id_token"))
    #expect(try await party.authorize(browser, ["prompt": "none"]).redirect.parameters["error"] == "login_required")
    #expect(try await party.userinfo(tokens.text("access_token")).status == 200)
    // The session's row goes in time; nothing of the grant stands on it.
    _ = try await party.server.database.administer("DELETE FROM sessions WHERE tenant_id = '\(party.tenant.id)'")
    let again = try await Self.refresh(party, tokens)
    #expect(again.status == 200, "\(again.text)")
    let (before, after) = (tokens.claims("id_token"), again.claims("id_token"))
    for name in ["iss", "sub", "aud", "auth_time", "sid", "amr"] { #expect(before[name] == after[name], "\(name)") }
    #expect(try await Self.refresh(party, tokens).text("refresh_token") == again.text("refresh_token"), "lost answer")
    #expect(try await party.userinfo(again.text("access_token")).status == 200)
    #expect(try await Self.refresh(party, again).status == 200)
  }

  @Test("O12: without prompt=consent it is ignored, also for somebody who agreed to it before")
  func ignored() async throws {
    let party = try await Self.party()
    let browser = TestBrowser(party.server)
    _ = try await Self.offlineTokens(party, browser)
    for prompt in ["", "none"] {
      let back = try await party.authorize(browser, ["scope": "openid offline_access", "prompt": prompt])
      let tokens = try await party.redeem(back.redirect.parameters["code"] ?? "")
      #expect(tokens.text("scope") == "openid")
    }
  }

  @Test("O23: without it refresh token and access token die with the session")
  func without() async throws {
    let party = try await Self.party()
    let browser = TestBrowser(party.server)
    let back = try await party.signIn(browser, ["scope": "openid offline_access"])
    let tokens = try await party.redeem(back.redirect.parameters["code"] ?? "")
    try await Self.logout(party, browser, tokens.text("id_token"))
    #expect(try await Self.refresh(party, tokens).text("error") == "invalid_grant")
    #expect(try await party.userinfo(tokens.text("access_token")).status == 401)
  }

  @Test("an offline grant keeps no session alive, and a session that ended idle stays ended")
  func sessionStays() async throws {
    let party = try await Self.party()
    let tokens = try await Self.offlineTokens(party, TestBrowser(party.server))
    let idle =
      "UPDATE sessions SET idle_expires_at = now() - interval '1 minute' WHERE tenant_id = '\(party.tenant.id)'"
    _ = try await party.server.database.administer(idle)
    #expect(try await Self.refresh(party, tokens).status == 200)
    let revived = try await party.server.database.administer(
      "SELECT count(*) FROM sessions WHERE tenant_id = '\(party.tenant.id)' AND idle_expires_at > now()")
    #expect(revived == [["0"]])
  }

  @Test("a disabled user, a replayed token, a revoked token and a deleted client end it all the same, at once")
  func ends() async throws {
    let party = try await Self.party()
    let browser = TestBrowser(party.server)
    let replayed = try await Self.offlineTokens(party, browser)
    let second = try await Self.refresh(party, replayed)
    let third = try await Self.refresh(party, second)
    #expect(try await Self.refresh(party, replayed).text("error") == "invalid_grant")
    #expect(try await party.userinfo(third.text("access_token")).status == 401)

    func more() async throws -> TestServer.Answer {
      let page = try await party.authorize(browser, Self.offline)
      return try await party.redeem(try await browser.decide(page, "allow").redirect.parameters["code"] ?? "")
    }
    let (disabled, deleted) = (try await more(), try await more())
    let user = "users/\(party.userID)"
    #expect(try await party.tenant.send("PATCH", user, #"{"status":"disabled"}"#).status == 200)
    #expect(try await party.userinfo(disabled.text("access_token")).status == 401)
    #expect(try await Self.refresh(party, disabled).text("error") == "invalid_grant")
    #expect(try await party.tenant.send("PATCH", user, #"{"status":"active"}"#).status == 200)
    #expect(try await party.userinfo(deleted.text("access_token")).status == 200)
    #expect(try await party.tenant.send("DELETE", "oauth-clients/\(party.clientID)").status == 204)
    #expect(try await party.userinfo(deleted.text("access_token")).status == 401)
    #expect(try await Self.refresh(party, deleted).text("error") == "invalid_client")
  }

  @Test("R12: a refresh may narrow the scope for one answer, never widen it; another client's refresh is refused")
  func scope() async throws {
    let party = try await Self.party()
    let other = try await party.client()
    let tokens = try await Self.offlineTokens(party, TestBrowser(party.server))
    #expect(try await Self.refresh(other, tokens).text("error") == "invalid_grant")
    #expect(try await Self.refresh(party, tokens, ["scope": "openid profile"]).text("error") == "invalid_scope")
    let narrow = try await Self.refresh(party, tokens, ["scope": "openid"])
    #expect(narrow.text("scope") == "openid")
    #expect(try await Self.refresh(party, narrow, ["scope": "openid profile"]).text("error") == "invalid_scope")
  }

  @Test("a client that is not registered for it is refused, one that may not refresh does not get it")
  func registration() async throws {
    let plain = try await TestRelyingParty.make()
    let refused = try await plain.authorize(TestBrowser(plain.server), Self.offline)
    #expect(refused.redirect.parameters["error"] == "invalid_scope")
    let party = try await Self.party(#","grant_types":["authorization_code"]"#)
    let tokens = try await Self.offlineTokens(party, TestBrowser(party.server))
    #expect(tokens.text("scope") == "openid" && tokens["refresh_token"] == nil)
  }
}
