import JSON
import TestSupport
import Testing

/// ID tokens that come back as hints long after the key that signed them was replaced.
@Suite("OpenID provider, hints of retired keys")
struct RetiredKeyTests {
  private static let after = "https://rp.test/bye"

  @Test("an ID token of a key that was replaced and is published no more still signs out, and still asks silently")
  func hint() async throws {
    let party = try await TestRelyingParty.make(
      settings: #""require_consent":false,"post_logout_redirect_uris":["\#(Self.after)"]"#)
    let browser = TestBrowser(party.server)
    let tokens = try await party.redeem(try await party.signIn(browser).redirect.parameters["code"] ?? "")
    let rotated = try await party.tenant.send(
      "PATCH", "identity-applications/\(party.applicationID)", #"{"signing_alg":"RS256"}"#)
    #expect(rotated.status == 200, "\(rotated.text)")
    // As if the overlap had passed, while the session lives.
    _ = try await party.server.database.administer(
      """
      UPDATE signing_keys SET expires_at = now() - interval '1 day'
      WHERE identity_application_id = '\(party.applicationID)' AND status = 'retired'
      """)
    #expect(try await party.userinfo(tokens.text("access_token")).status == 401, "an access token of that key is past")
    let silent = try await party.authorize(browser, ["prompt": "none", "id_token_hint": tokens.text("id_token")])
    #expect(silent.redirect.parameters["code"] != nil, "\(silent.redirect)")
    let query = TestBrowser.form([
      ("id_token_hint", tokens.text("id_token")), ("post_logout_redirect_uri", Self.after),
    ])
    let out = try await browser.get("\(party.issuerPath)/logout?\(query)")
    #expect(out.status == 303 && out.redirect.address == Self.after, "\(out.text)")
    #expect(try await party.authorize(browser, ["prompt": "none"]).redirect.parameters["error"] == "login_required")
  }
}
