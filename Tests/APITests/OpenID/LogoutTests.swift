import Foundation
import JSON
import Secrets
import Testing

@testable import Identity

/// The modules of `oidcc-rp-initiated-logout-certification-test-plan`, each with a session that must be gone or alive after it.
@Suite("OpenID provider, RP-initiated logout")
struct LogoutTests {
  private static let after = "https://rp.test/bye"
  private let state = String(repeating: "s", count: 128)

  /// A signed-in browser and its ID token.
  private struct Signed {
    let party: TestRelyingParty
    let browser: TestBrowser
    let idToken: String
    let accessToken: String

    static func make() async throws -> Signed {
      let party = try await TestRelyingParty.make(
        settings: #""require_consent":false,"post_logout_redirect_uris":["\#(LogoutTests.after)"]"#)
      let browser = TestBrowser(party.server)
      let tokens = try await party.redeem(try await party.signIn(browser).redirect.parameters["code"] ?? "")
      return Signed(
        party: party, browser: browser, idToken: tokens.text("id_token"), accessToken: tokens.text("access_token"))
    }

    func logout(_ fields: [String: String]) async throws -> TestServer.Answer {
      let query = TestBrowser.form(fields.map { ($0.key, $0.value) })
      return try await browser.get("\(party.issuerPath)/logout?\(query)")
    }

    /// The same ID token as if it had been issued a year ago, signed by the application's own key.
    func expired() async throws -> String {
      try await party.resigned(idToken, as: .idToken) { claims in
        for name in ["iat", "exp", "auth_time"] {
          claims[name] = claims[name]?.integer.map { .number("\($0 - 31_536_000)") }
        }
      }
    }

    func isAlive() async throws -> Bool {
      try await party.authorize(browser, ["prompt": "none"]).redirect.parameters["code"] != nil
    }
  }

  @Test("oidcc-rp-initiated-logout and -no-state: back to the registered address, the session and its tokens gone")
  func logout() async throws {
    for state in [state, ""] {
      let signed = try await Signed.make()
      let before = signed.browser.copy()
      var fields = ["id_token_hint": signed.idToken, "post_logout_redirect_uri": Self.after]
      if !state.isEmpty { fields["state"] = state }
      let answer = try await signed.logout(fields)
      #expect(answer.status == 303)
      #expect(answer.redirect.address == Self.after)
      #expect(answer.redirect.parameters == (state.isEmpty ? [:] : ["state": state]))
      #expect(try await !signed.isAlive())
      let kept = try await signed.party.authorize(before, ["prompt": "none"])
      #expect(kept.redirect.parameters["error"] == "login_required", "the old cookie is worth nothing")
      #expect(try await signed.party.userinfo(signed.accessToken).status == 401)
    }
  }

  @Test(
    "bad-post-logout-redirect-uri, query-added, modified, bad, foreign and missing id_token_hint: no redirect, session alive"
  )
  func refused() async throws {
    let signed = try await Signed.make()
    let foreign = try await Signed.make()
    let parts = signed.idToken.split(separator: ".")
    let key = try #require(TestJWT(signed.idToken).header["kid"]?.string)
    // The suite's "modified" hint keeps the name of our key, and its "bad" one is ours but for the signature.
    let unsigned = Base64URL.string(#"{"alg":"none","kid":"\#(key)","typ":"JWT"}"#.utf8) + ".\(parts[1])."
    let forged = try TestSigner(id: key).sign(TestJWT(signed.idToken).claims)
    for fields in [
      ["id_token_hint": signed.idToken, "post_logout_redirect_uri": "https://evil.test/"],
      ["id_token_hint": signed.idToken, "post_logout_redirect_uri": Self.after + "?foo=bar"],
      ["id_token_hint": unsigned, "post_logout_redirect_uri": Self.after],
      ["id_token_hint": forged, "post_logout_redirect_uri": Self.after],
      ["id_token_hint": foreign.idToken, "post_logout_redirect_uri": Self.after],
      ["id_token_hint": signed.accessToken, "post_logout_redirect_uri": Self.after],
      ["id_token_hint": signed.idToken, "client_id": signed.party.userID],
      ["post_logout_redirect_uri": Self.after],
    ] {
      let answer = try await signed.logout(fields)
      #expect(answer.status == 400 && answer.marker == "error:invalid_request", "\(fields.keys.sorted())")
      #expect(answer.headers["location"] == nil)
    }
    #expect(try await signed.isAlive())
  }

  @Test("no-params, only-state and O18: without a hint the person is asked, and one POST form signs out")
  func confirmation() async throws {
    for fields in [[:], ["state": state]] {
      let signed = try await Signed.make()
      let page = try await signed.logout(fields)
      #expect(page.marker == "logout-confirm")
      #expect(try await signed.isAlive())
      let forged = try await signed.browser.post(page.formAction, [("confirmation", "x")])
      #expect(forged.marker == "logout-confirm")
      #expect(try await signed.isAlive())
      let done = try await signed.browser.post(page.formAction, [("confirmation", page.input("confirmation"))])
      #expect(done.status == 200 && done.marker == "logged-out")
      #expect(try await !signed.isAlive())
    }
  }

  @Test("no-post-logout-redirect-uri: a hint alone signs out")
  func hintOnly() async throws {
    let signed = try await Signed.make()
    #expect(try await signed.logout(["id_token_hint": signed.idToken]).marker == "logged-out")
    #expect(try await !signed.isAlive())
  }

  @Test("another person's hint does not sign this browser out without a question")
  func otherSession() async throws {
    let signed = try await Signed.make()
    let other = TestBrowser(signed.party.server)
    let tokens = try await signed.party.redeem(try await signed.party.signIn(other).redirect.parameters["code"] ?? "")
    let answer = try await signed.logout(["id_token_hint": tokens.text("id_token")])
    #expect(answer.marker == "logout-confirm")
    #expect(try await signed.isAlive())
  }

  @Test("oidcc-rp-initiated-logout-discovery-endpoint-verification: both documents name the endpoint")
  func discovery() async throws {
    let party = try await TestRelyingParty.make()
    for path in [
      "\(party.issuerPath)/.well-known/openid-configuration",
      "/.well-known/oauth-authorization-server\(party.issuerPath)",
    ] {
      #expect(try await party.server.send("GET", path)["end_session_endpoint"]?.string == "\(party.issuer)/logout")
    }
  }

  @Test("an expired hint is as good, and the endpoint takes POST as well as GET")
  func expired() async throws {
    let signed = try await Signed.make()
    let party = signed.party
    let fields = [
      ("id_token_hint", try await signed.expired()), ("post_logout_redirect_uri", Self.after), ("state", state),
    ]
    let answer = try await signed.browser.post("\(party.issuerPath)/logout", fields)
    #expect(answer.status == 303 && answer.redirect.address == Self.after, "\(answer.text)")
    #expect(answer.redirect.parameters == ["state": state])
    #expect(try await !signed.isAlive())
  }

  @Test(
    "O19: the address has to be the registered one byte for byte",
    arguments: [
      "https://rp.test/bye/", "https://rp.test/BYE", "https://RP.test/bye", "https://rp.test:443/bye",
      "http://rp.test/bye",
      "https://rp.test/bye#x", "https://rp.test/x/../bye", "https://rp.test/bye%00",
    ])
  func exact(address: String) async throws {
    let signed = try await Signed.make()
    let answer = try await signed.logout(["id_token_hint": signed.idToken, "post_logout_redirect_uri": address])
    #expect(answer.status == 400 && answer.headers["location"] == nil)
    #expect(try await signed.isAlive())
  }
}
