import JSON
import TestSupport
import Testing

/// What a refresh token is good for when it comes again, and when its client may not refresh any more: security.md R11, R12.
@Suite("OpenID provider, refreshing")
struct RefreshTests {
  private static func refresh(
    _ party: TestRelyingParty, _ tokens: TestServer.Answer, _ scope: String = ""
  ) async throws -> TestServer.Answer {
    try await party.token([
      "grant_type": "refresh_token", "refresh_token": tokens.text("refresh_token"), "scope": scope,
    ])
  }

  private static func tokens(_ party: TestRelyingParty, _ scope: String) async throws -> TestServer.Answer {
    let back = try await party.signIn(TestBrowser(party.server), ["scope": scope])
    return try await party.redeem(back.redirect.parameters["code"] ?? "")
  }

  @Test("R12: the token that was just rotated gives no wider scope than was granted", arguments: ["web", "spa"])
  func repeated(type: String) async throws {
    let party = try await TestRelyingParty.make(type: type)
    let tokens = try await Self.tokens(party, "openid phone")
    let first = try await Self.refresh(party, tokens)
    #expect(first.text("scope") == "openid phone", "\(first.text)")
    for scope in ["openid email", "openid phone profile", "anything"] {
      let wider = try await Self.refresh(party, tokens, scope)
      #expect(wider.status == 400 && wider.text("error") == "invalid_scope", "\(scope): \(wider.text)")
      #expect(wider["access_token"] == nil)
    }
    let narrow = try await Self.refresh(party, tokens, "openid")
    #expect(narrow.text("scope") == "openid" && narrow.text("refresh_token") == first.text("refresh_token"))
    #expect(try await Self.refresh(party, first).status == 200, "what was refused cost nothing")
  }

  @Test("a client that lost the grant type refresh_token refreshes no more", arguments: ["web", "spa"])
  func registration(type: String) async throws {
    let party = try await TestRelyingParty.make(type: type)
    let tokens = try await Self.tokens(party, "openid")
    let next = try await Self.refresh(party, tokens)
    #expect(next.status == 200, "\(next.text)")
    func patch(_ grants: String) async throws {
      let answer = try await party.tenant.send(
        "PATCH", "oauth-clients/\(party.clientID)", #"{"grant_types":\#(grants)}"#)
      #expect(answer.status == 200, "\(answer.text)")
    }
    try await patch(#"["authorization_code"]"#)
    for token in [next, tokens] {
      let refused = try await Self.refresh(party, token)
      let error = type == "web" ? "unauthorized_client" : "invalid_grant"
      #expect(refused.status == 400 && refused.text("error") == error, "\(refused.text)")
    }
    try await patch(#"["authorization_code","refresh_token"]"#)
    #expect(try await Self.refresh(party, next).status == 200, "nothing was ended")
  }
}
