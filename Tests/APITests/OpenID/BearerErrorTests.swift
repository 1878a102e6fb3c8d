import JSON
import TestSupport
import Testing

/// What a resource says to a token that does not reach, and to none (RFC 6750 section 3).
@Suite("OpenID provider, errors of userinfo")
struct BearerErrorTests {
  @Test("a token without the scope openid is 403, and the challenge names the scope that is missing")
  func scope() async throws {
    let party = try await TestRelyingParty.make()
    let tokens = try await party.redeem(
      try await party.signIn(TestBrowser(party.server), ["scope": "profile"]).redirect.parameters["code"] ?? "")
    let refused = try await party.userinfo(tokens.text("access_token"))
    #expect(refused.status == 403 && refused.text("error") == "insufficient_scope", "\(refused.text)")
    let challenge = refused.headers["www-authenticate"] ?? ""
    #expect(challenge.hasPrefix("Bearer ") && challenge.contains(#"scope="openid""#), "\(challenge)")
    #expect(challenge.contains(#"error="insufficient_scope""#))
  }

  @Test("without any token neither the challenge nor the body speaks of an error")
  func none() async throws {
    let party = try await TestRelyingParty.make()
    for headers in [[], [("Authorization", "Basic Og==")]] {
      let answer = try await party.server.send("GET", "\(party.issuerPath)/userinfo", headers: headers)
      #expect(answer.status == 401 && answer.headers["www-authenticate"] == #"Bearer realm="qiao""#)
      #expect(answer["error"] == nil && !answer.text.contains("invalid_token"), "\(answer.text)")
    }
    let wrong = try await party.userinfo("x")
    #expect(wrong.status == 401 && wrong.text("error") == "invalid_token")
    #expect(wrong.headers["www-authenticate"]?.contains(#"error="invalid_token""#) == true)
  }
}
