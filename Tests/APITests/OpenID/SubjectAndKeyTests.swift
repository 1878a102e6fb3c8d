import Foundation
import JSON
import RawServer
import Synchronization
import TestSupport
import Testing

/// O01, O11, O24: who a `sub` is, keys that change under load, and whom we ask for a client's keys.
@Suite("OpenID provider, subjects and keys")
struct SubjectAndKeyTests {
  /// Whether those who sign in are to go on.
  private final class Load: Sendable {
    private let state = Mutex(true)

    var isOn: Bool { state.withLock { $0 } }
    func end() { state.withLock { $0 = false } }
  }

  @Test(
    "O01: a user who is deleted and made again under the same name is somebody else, and the old tokens are nobody's")
  func reused() async throws {
    let party = try await TestRelyingParty.make()
    let browser = TestBrowser(party.server)
    let old = try await party.redeem(try await party.signIn(browser).redirect.parameters["code"] ?? "")
    let hash = try await party.server.database.administer(
      "SELECT password_hash FROM users WHERE tenant_id = '\(party.tenant.id)' AND id = '\(party.userID)'")
    #expect(try await party.tenant.send("DELETE", "users/\(party.userID)").status == 204)
    let id = try await party.tenant.user(
      of: party.applicationID, #""username":"\#(party.username)","email":"\#(party.username)@host.test""#)
    try await party.server.database.administer(
      """
      UPDATE users SET password_hash = '\(hash[0][0] ?? "")' WHERE tenant_id = '\(party.tenant.id)' AND id = '\(id)'
      """)
    #expect(id != party.userID)
    #expect(try await party.userinfo(old.text("access_token")).status == 401)
    let refresh = ["grant_type": "refresh_token", "refresh_token": old.text("refresh_token")]
    #expect(try await party.token(refresh).text("error") == "invalid_grant")
    #expect(try await party.authorize(browser, ["prompt": "none"]).redirect.parameters["error"] == "login_required")
    let claims = try await party.tokens().claims("id_token")
    let subject = try #require(claims["sub"]?.string)
    #expect(subject == id && subject != old.claims("id_token")["sub"]?.string)
    #expect((1...255).contains(subject.utf8.count) && subject.utf8.allSatisfy { $0 < 0x80 })
    let hinted = try await party.authorize(
      TestBrowser(party.server), ["prompt": "none", "id_token_hint": old.text("id_token")])
    #expect(hinted.redirect.parameters["code"] == nil)
  }

  @Test(
    "O11: while keys are rotated under load, every ID token verifies for who asks for the keys anew at an unknown kid")
  func rotation() async throws {
    let party = try await TestRelyingParty.make()
    let browser = TestBrowser(party.server)
    _ = try await party.signIn(browser)
    let cookies = browser.cookies
    let load = Load()
    let verified = try await withThrowingTaskGroup(of: Set<String>.self) { group in
      for _ in 0..<3 {
        group.addTask {
          let tab = TestBrowser(party.server, cookies: cookies)
          var keys = try await party.keySet()
          var used: Set<String> = []
          while load.isOn {
            let back = try await party.authorize(tab, ["prompt": "none"])
            let answer = try await party.redeem(back.redirect.parameters["code"] ?? "")
            // A machine that is too busy says so; what it does say must be right.
            guard answer.status != 503 else { continue }
            #expect(answer.status == 200, "\(answer.text)")
            let token = try TestJWT(answer.text("id_token"))
            let name = token.header["kid"]?.string ?? ""
            let isKnown = keys["keys"]?.array?.contains { $0.object?["kid"]?.string == name } ?? false
            if !isKnown { keys = try await party.keySet() }
            #expect(token.isSigned(byOneOf: keys), "\(name)")
            #expect([200, 503].contains(try await party.userinfo(answer.text("access_token")).status))
            used.insert(name)
          }
          return used
        }
      }
      group.addTask {
        defer { load.end() }
        var seen = 0
        for _ in 0..<6 {
          let rotated = try await party.tenant.send(
            "POST", "identity-applications/\(party.applicationID)/rotate-signing-key")
          #expect(rotated.status == 200, "\(rotated.text)")
          seen = try await party.keySet()["keys"]?.array?.count ?? 0
          // The next one when somebody signed with this one: the load is real at every step.
          _ = try await party.tokens()
        }
        #expect(seen == 7, "old keys stay published")
        return []
      }
      return try await group.reduce(into: Set<String>()) { $0.formUnion($1) }
    }
    #expect(verified.count >= 2, "\(verified)")
  }

  @Test(
    "O24: in production a jwks_uri inside a network is refused, at registration and when it is read: nobody is called")
  func keysInside() async throws {
    let signer = try TestSigner()
    let set = try TestSigner.set([signer])
    let inside = try RawServer(answering: answer(Array(set.utf8)))
    // What a development server took is read by one in production, over the same database.
    let party = try await TestRelyingParty.make(
      settings: #""token_endpoint_auth_method":"private_key_jwt","jwks_uri":"\#(inside.url)/jwks""#)
    let production = try await TestServer.start(
      on: party.server.database,
      more: [
        "QIAO_ENV": "production", "QIAO_PUBLIC_URL": "https://id.example.test",
        "QIAO_WECHAT_API_URL": "https://api.weixin.qq.com", "QIAO_WECHAT_OPEN_URL": "https://open.weixin.qq.com",
      ], refreshesTokens: false)
    func status(_ issuer: String, at server: TestServer, _ client: TestRelyingParty) async throws -> Int {
      let now = Int(Date().timeIntervalSince1970)
      let claims = JSONObject([
        ("iss", .string(client.clientID)), ("sub", .string(client.clientID)), ("aud", .string(issuer)),
        ("jti", .string(UUID().uuidString)), ("exp", .number("\(now + 60)")), ("iat", .number("\(now)")),
      ])
      let fields = [
        ("token", "x"), ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", try signer.sign(claims)),
      ]
      return try await server.send(
        "POST", "\(client.issuerPath)/revoke", TestBrowser.form(fields),
        headers: [("Content-Type", "application/x-www-form-urlencoded")]
      ).status
    }
    let issuer = "https://id.example.test\(party.issuerPath)"
    #expect(try await status(issuer, at: production, party) == 401)
    #expect(inside.connections == 0)
    #expect(
      try await status(party.issuer, at: party.server, party) == 200, "the same assertion where loopback is allowed")
    #expect(inside.connections == 1)
    for address in ["http://127.0.0.1:9/jwks", "http://a.example/jwks", "https://user@a.example/jwks"] {
      let made = try await production.send(
        "POST", "/t/\(party.tenant.slug)/v1/oauth-clients", key: party.tenant.key,
        """
        {"name":"C","identity_application_id":"\(party.applicationID)","type":"service",
        "token_endpoint_auth_method":"private_key_jwt","jwks_uri":"\(address)"}
        """)
      #expect(made.status == 422 && made.pointers == ["/jwks_uri"], "\(address): \(made.text)")
    }
    // An address that only turns out to be inside when it is read.
    for address in [
      "https://10.0.0.1/jwks", "https://[fd00::1]/jwks", "https://0x7f000001/jwks", "https://localhost/jwks",
    ] {
      let guarded = try await party.client(
        settings: #""token_endpoint_auth_method":"private_key_jwt","jwks_uri":"\#(address)""#)
      let begun = ContinuousClock.now
      #expect(try await status(issuer, at: production, guarded) == 401, "\(address)")
      #expect(ContinuousClock.now - begun < .seconds(5), "\(address)")
    }
  }
}
