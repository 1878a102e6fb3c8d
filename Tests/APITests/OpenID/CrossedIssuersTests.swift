import Foundation
import JSON
import Testing

/// Two issuers crossed (what no conformance plan tests): whatever one gave out is nothing to the other, be it another tenant's or
/// another application's of the same tenant, and no answer names where it came from.
@Suite("OpenID provider, two issuers crossed")
struct CrossedIssuersTests {
  /// A relying party at A with everything A gives out, and one at B.
  private struct Two {
    let a: TestRelyingParty
    let b: TestRelyingParty
    let browser: TestBrowser
    let tokens: TestServer.Answer

    static func make(inOneTenant: Bool) async throws -> Two {
      let a = try await TestRelyingParty.make()
      let b = try await TestRelyingParty.make(in: inOneTenant ? a.tenant : nil)
      let browser = TestBrowser(a.server)
      let tokens = try await a.redeem(try await a.signIn(browser).redirect.parameters["code"] ?? "")
      guard tokens.status == 200 else { throw TestFailure(description: tokens.text) }
      return Two(a: a, b: b, browser: browser, tokens: tokens)
    }

    /// No answer of B says anything of A.
    func isSilent(_ answer: TestServer.Answer) -> Bool {
      [a.applicationID, a.userID, a.username, String(a.issuerPath.split(separator: "/").last ?? "-")].allSatisfy {
        !answer.text.contains($0) && answer.headers["location"]?.contains($0) != true
      }
    }

    /// What B is asked about a token, as B's client.
    func ask(_ endpoint: String, _ token: String) async throws -> TestServer.Answer {
      let basic = Data("\(b.clientID):\(b.secret)".utf8).base64EncodedString()
      return try await b.server.send(
        "POST", "\(b.issuerPath)/\(endpoint)", TestBrowser.form([("token", token)]),
        headers: [("Authorization", "Basic \(basic)"), ("Content-Type", "application/x-www-form-urlencoded")])
    }
  }

  @Test(
    "an access token of A is refused at userinfo of B, not active at B's introspection, and B cannot revoke it",
    arguments: [false, true])
  func accessToken(inOneTenant: Bool) async throws {
    let two = try await Two.make(inOneTenant: inOneTenant)
    let token = two.tokens.text("access_token")
    let userinfo = try await two.b.userinfo(token)
    #expect(userinfo.status == 401 && two.isSilent(userinfo))
    let introspected = try await two.ask("introspect", token)
    #expect(introspected.status == 200 && introspected.json == JSONObject([("active", .boolean(false))]))
    #expect(two.isSilent(try await two.ask("revoke", token)))
    #expect(try await two.a.userinfo(token).status == 200)
  }

  @Test(
    "a refresh token of A is refused at B, is not active there, and works at A afterwards", arguments: [false, true])
  func refreshToken(inOneTenant: Bool) async throws {
    let two = try await Two.make(inOneTenant: inOneTenant)
    let token = two.tokens.text("refresh_token")
    let refused = try await two.b.token(["grant_type": "refresh_token", "refresh_token": token])
    #expect(refused.status == 400 && refused.text("error") == "invalid_grant" && two.isSilent(refused))
    #expect(try await two.ask("introspect", token).json == JSONObject([("active", .boolean(false))]))
    #expect(two.isSilent(try await two.ask("revoke", token)))
    #expect(try await two.a.token(["grant_type": "refresh_token", "refresh_token": token]).status == 200)
  }

  @Test("a code of A is refused at the token endpoint of B, and B cannot burn it", arguments: [false, true])
  func code(inOneTenant: Bool) async throws {
    let two = try await Two.make(inOneTenant: inOneTenant)
    let code = try await two.a.authorize(two.browser).redirect.parameters["code"] ?? ""
    let refused = try await two.b.redeem(code)
    #expect(refused.status == 400 && refused.text("error") == "invalid_grant" && two.isSilent(refused))
    if !inOneTenant { #expect(try await two.a.redeem(code).status == 200) }
  }

  @Test(
    "a client of A is unknown at the authorization endpoint of B and at its token endpoint", arguments: [false, true])
  func client(inOneTenant: Bool) async throws {
    let two = try await Two.make(inOneTenant: inOneTenant)
    let page = try await two.b.authorize(two.browser, ["client_id": two.a.clientID])
    #expect(page.status == 400 && page.marker == "error:invalid_client" && page.headers["location"] == nil)
    let basic = Data("\(two.a.clientID):\(two.a.secret)".utf8).base64EncodedString()
    let refused = try await two.b.server.send(
      "POST", "\(two.b.issuerPath)/token", "grant_type=refresh_token&refresh_token=x",
      headers: [("Authorization", "Basic \(basic)"), ("Content-Type", "application/x-www-form-urlencoded")])
    #expect(refused.status == 401 && refused.text("error") == "invalid_client")
  }

  @Test("a session of A is no session at B, even with A's cookie under B's name", arguments: [false, true])
  func session(inOneTenant: Bool) async throws {
    let two = try await Two.make(inOneTenant: inOneTenant)
    let silent = try await two.b.authorize(two.browser, ["prompt": "none"])
    #expect(silent.redirect.parameters["error"] == "login_required" && two.isSilent(silent))
    // The cookies' names carry the application; the value of A's session is put under the name of B's.
    let other = TestBrowser(two.b.server)
    _ = try await two.b.signIn(other)
    let isSession: (String) -> Bool = { $0.hasPrefix("qiao-") && !$0.hasPrefix("qiao-b-") }
    let value = try #require(two.browser.cookies.first { isSession($0.key) }).value
    let own = try #require(other.cookies.first { isSession($0.key) })
    let query = TestBrowser.form(two.b.request(["prompt": "none"]))
    for (sent, isIn) in [(own.value, true), (value, false)] {
      let answer = try await two.b.server.send(
        "GET", "\(two.b.issuerPath)/authorize?\(query)", headers: [("Cookie", "\(own.key)=\(sent)")])
      #expect((answer.redirect.parameters["code"] != nil) == isIn)
      #expect((answer.redirect.parameters["error"] == "login_required") == !isIn)
    }
  }

  @Test("an id_token_hint of A is refused at B, at sign-in and at logout, and ends nothing", arguments: [false, true])
  func hint(inOneTenant: Bool) async throws {
    let two = try await Two.make(inOneTenant: inOneTenant)
    let other = TestBrowser(two.b.server)
    _ = try await two.b.signIn(other)
    let hint = two.tokens.text("id_token")
    let silent = try await two.b.authorize(other, ["prompt": "none", "id_token_hint": hint])
    #expect(silent.redirect.parameters["code"] == nil && two.isSilent(silent))
    #expect(silent.redirect.parameters["error"] != nil)
    let query = TestBrowser.form([("id_token_hint", hint)])
    let logout = try await other.get("\(two.b.issuerPath)/logout?\(query)")
    #expect(logout.status == 400 && logout.marker == "error:invalid_request" && two.isSilent(logout))
    #expect(try await two.b.authorize(other, ["prompt": "none"]).redirect.parameters["code"] != nil)
    #expect(try await two.a.authorize(two.browser, ["prompt": "none"]).redirect.parameters["code"] != nil)
  }

  @Test(
    "an issuer that nobody has and one of another tenant are the same 404 at every endpoint, with right credentials too"
  )
  func noIssuer() async throws {
    let two = try await Two.make(inOneTenant: false)
    let foreign = two.b.issuerPath.split(separator: "/").last ?? ""
    let asked = [
      ("token", ["grant_type": "refresh_token", "refresh_token": two.tokens.text("refresh_token")]),
      ("token", ["grant_type": "client_credentials"]), ("introspect", ["token": two.tokens.text("access_token")]),
      ("revoke", ["token": two.tokens.text("refresh_token")]), ("par", ["response_type": "code"]),
      ("device_authorization", [:]), ("userinfo", ["access_token": two.tokens.text("access_token")]),
    ]
    for slug in [foreign, "nobody"] {
      let issuer = "/t/\(two.a.tenant.slug)/i/\(slug)"
      for (endpoint, fields) in asked {
        let answer = try await two.a.post(at: issuer, endpoint, fields)
        #expect(answer.status == 404, "\(endpoint) of \(slug)")
      }
      #expect(try await two.a.server.send("GET", "\(issuer)/jwks.json").status == 404)
    }
    // Nothing was spent or revoked by it.
    let refresh = ["grant_type": "refresh_token", "refresh_token": two.tokens.text("refresh_token")]
    #expect(try await two.a.token(refresh).status == 200)
  }

  @Test("a token of an application is nothing at another one that was given its slug, on a node that knows the token")
  func givenSlug() async throws {
    let two = try await Two.make(inOneTenant: true)
    #expect(try await two.a.userinfo(two.tokens.text("access_token")).status == 200)
    let slug = two.a.issuerPath.split(separator: "/").last ?? ""
    for (application, name) in [(two.a.applicationID, "former-\(slug)"), (two.b.applicationID, String(slug))] {
      let renamed = try await two.a.tenant.send(
        "PATCH", "identity-applications/\(application)", "{\"slug\":\"\(name)\"}")
      #expect(renamed.status == 200, "\(renamed.text)")
    }
    #expect(try await two.a.userinfo(two.tokens.text("access_token")).status == 401)
  }

  @Test("the appended and the inserted document name the same issuer and publish the same keys, each its own")
  func discovery() async throws {
    let two = try await Two.make(inOneTenant: true)
    var keys: Set<String> = []
    for party in [two.a, two.b] {
      let appended = try await party.server.send("GET", "\(party.issuerPath)/.well-known/openid-configuration")
      let inserted = try await party.server.send("GET", "/.well-known/oauth-authorization-server\(party.issuerPath)")
      #expect(appended["issuer"]?.string == party.issuer && appended.json == inserted.json)
      let set = try await party.server.send("GET", "\(party.issuerPath)/jwks.json")
      for key in set["keys"]?.array ?? [] { keys.insert(key.object?["kid"]?.string ?? "") }
    }
    #expect(keys.count == 2)
  }
}
