import Foundation
import JSON
import Testing

/// F10, F12, R11, R13: how long codes and refresh tokens are good, and for whom.
@Suite("OpenID provider, life of codes and refresh tokens")
struct GrantLifeTests {
  private func refresh(_ party: TestRelyingParty, _ tokens: TestServer.Answer) async throws -> TestServer.Answer {
    try await party.token(["grant_type": "refresh_token", "refresh_token": tokens.text("refresh_token")])
  }

  @Test(
    "R11: the token before the current one, more than ten seconds after its use, ends the family",
    arguments: ["spa", "native", "web"])
  func replayed(type: String) async throws {
    let party = try await TestRelyingParty.make(type: type)
    let first = try await party.tokens()
    let second = try await refresh(party, first)
    #expect(second.status == 200, "\(second.text)")
    #expect(try await refresh(party, first).text("refresh_token") == second.text("refresh_token"), "a lost answer")
    try await party.changeGrants("rotated_at = rotated_at - interval '11 seconds'")
    let replayed = try await refresh(party, first)
    #expect(replayed.status == 400 && replayed.text("error") == "invalid_grant", "\(replayed.text)")
    #expect(try await refresh(party, second).text("error") == "invalid_grant")
    for tokens in [first, second] {
      #expect(try await party.userinfo(tokens.text("access_token")).status == 401)
    }
  }

  @Test("R11: the current token is good however long ago the last rotation was")
  func current() async throws {
    let party = try await TestRelyingParty.make(type: "spa")
    let second = try await refresh(party, try await party.tokens())
    try await party.changeGrants("rotated_at = rotated_at - interval '1 hour'")
    #expect(try await refresh(party, second).status == 200)
  }

  @Test("R13: unused past its idle life it is invalid_grant; each use begins that life anew, up to the absolute one")
  func idle() async throws {
    let party = try await TestRelyingParty.make(application: #","refresh_token_idle_ttl":100,"refresh_token_ttl":1000"#)
    let first = try await party.tokens()
    try await party.changeGrants("idle_expires_at = now() + interval '5 seconds'")
    let second = try await refresh(party, first)
    #expect(second.status == 200, "\(second.text)")
    let left = try await party.server.database.administer(
      """
      SELECT extract(epoch FROM idle_expires_at - now()) BETWEEN 80 AND 100 FROM grants WHERE tenant_id = '\(party.tenant.id)'
      """)
    #expect(left == [["t"]])
    try await party.changeGrants("idle_expires_at = now()")
    let late = try await refresh(party, second)
    #expect(late.status == 400 && late.text("error") == "invalid_grant", "\(late.text)")
    let other = try await refresh(party, try await party.tokens())
    try await party.changeGrants("expires_at = now(), idle_expires_at = now() + interval '1 hour'")
    #expect(try await refresh(party, other).text("error") == "invalid_grant", "absolute")
  }

  @Test("F10: a code lives for sixty seconds at most, and is invalid_grant after them")
  func codeLife() async throws {
    let party = try await TestRelyingParty.make()
    let browser = TestBrowser(party.server)
    _ = try await party.signIn(browser)
    let codes = try await [party.authorize(browser), party.authorize(browser)].map {
      $0.redirect.parameters["code"] ?? ""
    }
    let life = try await party.server.database.administer(
      """
      SELECT bool_and(expires_at BETWEEN now() + interval '30 seconds' AND now() + interval '60 seconds')
      FROM authorization_codes WHERE tenant_id = '\(party.tenant.id)' AND used_at IS NULL
      """)
    #expect(life == [["t"]])
    #expect(try await party.redeem(codes[0]).status == 200)
    try await party.server.database.administer(
      """
      UPDATE authorization_codes SET expires_at = expires_at - interval '61 seconds' WHERE tenant_id = '\(party.tenant.id)'
      """)
    let late = try await party.redeem(codes[1])
    #expect(late.status == 400 && late.text("error") == "invalid_grant", "\(late.text)")
  }

  @Test("F12: a code that another client of the application sends is refused, and burned for its own client")
  func otherClient() async throws {
    let party = try await TestRelyingParty.make()
    for thief in [try await party.client(), try await party.client(type: "spa")] {
      let code = try await party.signIn(TestBrowser(party.server)).redirect.parameters["code"] ?? ""
      let stolen = try await thief.redeem(code)
      #expect(stolen.status == 400 && stolen.text("error") == "invalid_grant", "\(stolen.text)")
      #expect(try await party.redeem(code).text("error") == "invalid_grant")
    }
  }

  @Test("R19: nobody chooses the id of a client, and no client's sub is a user's")
  func chosenID() async throws {
    let party = try await TestRelyingParty.make()
    for name in ["id", "client_id", "client_secret"] {
      let made = try await party.tenant.send(
        "POST", "oauth-clients",
        """
        {"name":"C","identity_application_id":"\(party.applicationID)","type":"service","\(name)":"\(party.userID)"}
        """)
      #expect(made.status == 422 && made.pointers == ["/\(name)"], "\(made.text)")
      let patched = try await party.tenant.send(
        "PATCH", "oauth-clients/\(party.clientID)", #"{"\#(name)":"\#(party.userID)"}"#)
      #expect(patched.status == 422 && patched.pointers == ["/\(name)"], "\(patched.text)")
    }
    let service = try await party.client(settings: #""grant_types":["client_credentials","authorization_code"]"#)
    let own = try await service.token(["grant_type": "client_credentials", "scope": "openid"])
    #expect(own.claims("access_token")["sub"]?.string == service.clientID, "\(own.text)")
    #expect(try await service.userinfo(own.text("access_token")).status == 401)
    #expect(try await party.tenant.send("GET", "users/\(service.clientID)").status == 404)
  }
}
