import JSON
import TestSupport
import Testing

/// How the OAuth endpoints and the pages tell of limits and of faults of ours.
@Suite("OpenID provider, limits and faults")
struct FaultAnswerTests {
  private static let form = [("Content-Type", "application/x-www-form-urlencoded")]

  /// Every OAuth endpoint that takes a form.
  private static let endpoints = ["token", "introspect", "revoke", "par", "device_authorization", "userinfo"]

  /// Makes each statement of a tenant on this database fail with a SQLSTATE.
  private static func fail(_ sqlstate: String, _ database: TestDatabase) async throws {
    _ = try await database.administer(
      """
      CREATE OR REPLACE FUNCTION current_tenant() RETURNS uuid LANGUAGE plpgsql STABLE AS $$
      BEGIN RAISE EXCEPTION 'as the test wants it' USING ERRCODE = '\(sqlstate)'; END $$
      """)
  }

  private static func isOAuth(_ answer: TestServer.Answer, _ status: Int, _ error: String) -> Bool {
    answer.status == status && answer.text("error") == error && answer.headers["content-type"] == "application/json"
      && answer.headers["cache-control"] == "no-store"
  }

  @Test("beyond the client's limit an OAuth endpoint says so in OAuth's words, and the sign-in page in a page")
  func limit() async throws {
    let plain = try await TestRelyingParty.make()
    let server = try await TestServer.start(
      on: plain.server.database, more: ["QIAO_RATE_LIMIT_CLIENT": "0.01"], refreshesTokens: false)
    let tenant = TestTenant(server: server, id: plain.tenant.id, slug: plain.tenant.slug, key: plain.tenant.key)
    let party = TestRelyingParty(
      tenant: tenant, applicationID: plain.applicationID, issuerPath: plain.issuerPath, clientID: plain.clientID,
      secret: plain.secret, username: plain.username, userID: plain.userID)
    _ = try await party.token(["grant_type": "client_credentials"])
    for endpoint in ["token", "introspect", "revoke", "par", "device_authorization"] {
      let refused = try await party.post(endpoint, ["grant_type": "client_credentials"])
      #expect(Self.isOAuth(refused, 429, "temporarily_unavailable"), "\(endpoint): \(refused.text)")
      #expect(refused.headers["retry-after"].flatMap { Int($0) }.map { $0 > 10 } == true)
    }
    let browser = TestBrowser(server)
    let page = try await party.authorize(browser)
    _ = try await browser.signIn(page, "nobody", "wrong password")
    let refused = try await browser.signIn(page, "nobody", "wrong password")
    #expect(refused.status == 429 && refused.marker == "error:too_many_requests", "\(refused.text)")
    #expect(refused.headers["retry-after"].flatMap { Int($0) }.map { $0 > 10 } == true)
    #expect(refused.headers["content-type"]?.hasPrefix("text/html") == true)
  }

  @Test("a body over 1 MiB is 413 in OAuth's words, and a page for a browser")
  func large() async throws {
    let party = try await TestRelyingParty.make()
    let body = "token=" + String(repeating: "x", count: 1 << 20)
    for endpoint in Self.endpoints {
      let answer = try await party.server.send("POST", "\(party.issuerPath)/\(endpoint)", body, headers: Self.form)
      #expect(Self.isOAuth(answer, 413, "invalid_request"), "\(endpoint): \(answer.text.prefix(200))")
    }
    let tenant = try await party.server.send("POST", "/t/\(party.tenant.slug)/oauth2/token", body, headers: Self.form)
    #expect(Self.isOAuth(tenant, 413, "invalid_request"))
    for path in [
      "login", "authorize", "consent", "logout", "account", "device", "mfa", "mfa/enroll", "wechat/register",
    ] {
      let answer = try await party.server.send("POST", "\(party.issuerPath)/\(path)", body, headers: Self.form)
      #expect(answer.status == 413 && answer.marker == "error:invalid_request", "\(path): \(answer.text.prefix(200))")
    }
  }

  @Test(
    "a database that fails is server_error or temporarily_unavailable, in OAuth's words and in pages, with Retry-After",
    arguments: [("XX000", 500, "server_error"), ("53300", 503, "temporarily_unavailable")])
  func fault(sqlstate: String, status: Int, error: String) async throws {
    // A database of its own, which is broken at once.
    let database = try await TestDatabase.separate()
    let server = try await TestServer.start(on: database, refreshesTokens: false)
    let party = try await TestRelyingParty.make(on: server)
    // The issuer is known by now for a second; a fault before that and behind it is told alike.
    _ = try await party.server.send("GET", "\(party.issuerPath)/jwks.json")
    try await Self.fail(sqlstate, database)
    var met = 0
    for _ in 0..<2 {
      for endpoint in Self.endpoints {
        let answer = try await party.post(endpoint, ["grant_type": "client_credentials", "access_token": "x.y.z"])
        if endpoint == "userinfo", answer.status == 401 { continue }
        #expect(Self.isOAuth(answer, status, error), "\(endpoint): \(answer.text)")
        #expect((answer.headers["retry-after"] != nil) == (status == 503))
      }
      for path in [
        "authorize?client_id=\(party.clientID)", "login?interaction=x", "consent?interaction=x", "logout?client_id=x",
        "account", "device", "mfa?interaction=x", "mfa/enroll?interaction=x", "wechat/start/x?interaction=x",
        "wechat/callback/x?state=x", "wechat/continue?interaction=x",
      ] {
        let answer = try await TestBrowser(party.server).get("\(party.issuerPath)/\(path)")
        // A request that needs no statement is answered from what is kept.
        guard answer.status != 400 && answer.status != 200 && answer.status != 404 else { continue }
        met += 1
        #expect(answer.status == status && answer.marker == "error:\(error)", "\(path): \(answer.text)")
        #expect(answer.headers["content-type"]?.hasPrefix("text/html") == true && answer.headers["location"] == nil)
        #expect((answer.headers["retry-after"] != nil) == (status == 503))
        #expect(!answer.text.contains("as the test wants it"))
      }
      // In the second round nothing is kept of the issuer any more.
      _ = try await eventually("the issuer to be asked for again") {
        try await server.send("GET", "\(party.issuerPath)/jwks.json").status == status ? true : nil
      }
    }
    #expect(met >= 11, "once nothing is kept, every page meets the fault")
  }

  @Test("an unknown issuer, an unknown tenant and a suspended one are pages for a browser, and problems for programs")
  func unknown() async throws {
    let party = try await TestRelyingParty.make()
    let server = party.server
    func look(_ issuer: String, _ status: Int, _ code: String) async throws {
      for path in [
        "authorize?client_id=x", "login", "consent", "logout", "account", "device", "mfa", "wechat/continue",
      ] {
        let page = try await server.send("GET", "\(issuer)/\(path)", headers: [("Accept-Language", "en")])
        #expect(page.status == status && page.marker == "error:\(code)", "\(path): \(page.text)")
        #expect(page.headers["content-security-policy"]?.contains("frame-ancestors 'none'") == true)
      }
      for path in ["token", "userinfo", "jwks.json"] {
        let method = path == "token" ? "POST" : "GET"
        let answer = try await server.send(
          method, "\(issuer)/\(path)", method == "POST" ? "x=1" : nil, headers: Self.form)
        #expect(answer.status == status && answer.text("code") == code, "\(path): \(answer.text)")
      }
    }
    try await look("/t/\(party.tenant.slug)/i/nobody", 404, "not_found")
    try await look("/t/nobody-\(party.tenant.slug)/i/nobody", 404, "not_found")
    let path = "/v1/tenants/\(party.tenant.slug)"
    _ = try await server.send("PATCH", path, key: TestServer.operatorToken, #"{"status":"suspended"}"#)
    try await look(party.issuerPath, 403, "tenant_suspended")
  }

  @Test("a redirect_uri that is not registered and an unknown client have markers of their own")
  func markers() async throws {
    let party = try await TestRelyingParty.make()
    let browser = TestBrowser(party.server)
    for uri in ["https://evil.test/", TestRelyingParty.callback + "&x=1", ""] {
      let page = try await party.authorize(browser, ["redirect_uri": uri])
      #expect(page.status == 400 && page.marker == "error:invalid_redirect_uri", "\(uri): \(page.marker)")
      #expect(page.headers["location"] == nil)
    }
    for client in ["", "x", party.userID] {
      let page = try await party.authorize(browser, ["client_id": client])
      #expect(page.status == 400 && page.marker == "error:invalid_client", "\(client): \(page.marker)")
    }
    // Where a client asks by itself the error stays OAuth's own (RFC 9126 section 2.3).
    let pushed = try await party.post(
      "par", Dictionary(uniqueKeysWithValues: party.request(["redirect_uri": "https://e.test/"])))
    #expect(pushed.status == 400 && pushed.text("error") == "invalid_request", "\(pushed.text)")
  }
}
