import Foundation
import Testing

/// RFC 8628, over real sockets.
@Suite("OpenID provider, device authorization")
struct DeviceTests {
  private static let grant = "urn:ietf:params:oauth:grant-type:device_code"
  private static let settings =
    #""require_consent":false,"grant_types":["\#(grant)","refresh_token","authorization_code"]"#

  private func device() async throws -> TestRelyingParty {
    try await TestRelyingParty.make(type: "native", settings: Self.settings)
  }

  private func ask(_ party: TestRelyingParty, _ fields: [String: String] = [:]) async throws -> TestServer.Answer {
    try await party.post("device_authorization", fields)
  }

  private func poll(_ party: TestRelyingParty, _ asked: TestServer.Answer) async throws -> TestServer.Answer {
    try await party.token(["grant_type": Self.grant, "device_code": asked.text("device_code")])
  }

  /// Types a code on the page; what comes back, with redirects followed.
  private func type(
    _ code: String, at party: TestRelyingParty, _ browser: TestBrowser
  ) async throws -> TestServer.Answer {
    let page = try await browser.get("\(party.issuerPath)/device")
    #expect(page.status == 200 && page.marker == "device")
    return try await browser.follow(
      browser.post(page.formAction, [("csrf", page.input("csrf")), ("user_code", code)]))
  }

  /// The whole way of a person to the question.
  private func question(
    _ asked: TestServer.Answer, at party: TestRelyingParty, _ browser: TestBrowser
  ) async throws -> TestServer.Answer {
    let page = try await type(asked.text("user_code"), at: party, browser)
    guard page.marker == "login" else { return page }
    return try await browser.follow(browser.signIn(page, party.username, TestRelyingParty.password))
  }

  @Test(
    "P07: device_code, user_code, verification_uri, expires_in and interval; the code is readable and typed in any way")
  func shape() async throws {
    let party = try await device()
    let asked = try await ask(party)
    #expect(asked.status == 200, "\(asked.text)")
    #expect(asked.headers["cache-control"] == "no-store")
    let code = asked.text("user_code")
    #expect(code.wholeMatch(of: /[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}/) != nil)
    #expect(asked.text("device_code").count > 43)
    #expect(asked.text("verification_uri") == "\(party.issuer)/device")
    #expect(asked.text("verification_uri_complete") == "\(party.issuer)/device?user_code=\(code)")
    #expect(asked["expires_in"]?.integer == 600 && asked["interval"]?.integer == 5)
    let stored = try await party.server.database.administer(
      "SELECT t::text FROM device_authorizations t WHERE tenant_id = '\(party.tenant.id)'")
    #expect(stored[0][0]?.contains(asked.text("device_code")) == false)
    let typed = " \(code.lowercased().replacing("-", with: " ")) "
    #expect(try await type(typed, at: party, TestBrowser(party.server)).marker == "login")
    let metadata = try await party.server.send("GET", "\(party.issuerPath)/.well-known/openid-configuration")
    #expect(metadata.text("device_authorization_endpoint") == "\(party.issuer)/device_authorization")
    #expect(metadata["grant_types_supported"]?.array?.contains(.string(Self.grant)) == true)
  }

  @Test("P08: pending, slow_down and 5 s more, then tokens of a session of the device's own, once")
  func polling() async throws {
    let party = try await device()
    let asked = try await ask(party, ["scope": "openid profile"])
    #expect(try await poll(party, asked).text("error") == "authorization_pending")
    let fast = try await poll(party, asked)
    #expect(fast.status == 400 && fast.text("error") == "slow_down")
    let interval = try await party.server.database.administer(
      "SELECT poll_interval FROM device_authorizations WHERE tenant_id = '\(party.tenant.id)'")
    #expect(interval[0][0] == "10")
    let browser = TestBrowser(party.server)
    let done = try await browser.decide(try await question(asked, at: party, browser), "allow")
    #expect(done.status == 200 && done.marker == "device-done")
    let tokens = try await poll(party, asked)
    #expect(tokens.status == 200, "\(tokens.text)")
    #expect(tokens.text("scope") == "openid profile")
    #expect(tokens.claims("id_token")["sub"]?.string == party.userID)
    #expect(tokens.claims("id_token")["aud"]?.string == party.clientID)
    #expect(try await poll(party, asked).text("error") == "invalid_grant", "used")
    // The browser that approved it signs out; the device stays signed in.
    let sessions = try await party.tenant.send("GET", "users/\(party.userID)/sessions").items
    #expect(sessions.count == 2)
    let own = tokens.claims("id_token")["sid"]?.string
    for id in sessions.compactMap({ $0["id"]?.string }) where id != own {
      _ = try await party.tenant.send("DELETE", "users/\(party.userID)/sessions/\(id)")
    }
    #expect(try await party.userinfo(tokens.text("access_token")).text("name") == "Buffy")
    let again = try await party.token(["grant_type": "refresh_token", "refresh_token": tokens.text("refresh_token")])
    #expect(again.status == 200, "\(again.text)")
    let events = try await party.tenant.send("GET", "audit-events?action=device.approved")
    #expect(events.items.count == 1)
  }

  @Test("a device with offline_access keeps its refresh token when its session ends, another does not")
  func offline() async throws {
    let party = try await device()
    let patched = try await party.tenant.send(
      "PATCH", "oauth-clients/\(party.clientID)", #"{"scopes":["openid","offline_access"]}"#)
    #expect(patched.status == 200, "\(patched.text)")
    for (scope, isAlive) in [("openid offline_access", true), ("openid", false)] {
      let asked = try await ask(party, ["scope": scope])
      let browser = TestBrowser(party.server)
      _ = try await browser.decide(try await question(asked, at: party, browser), "allow")
      let tokens = try await poll(party, asked)
      let session = tokens.claims("access_token")["sid"]?.string ?? ""
      let ended = try await party.tenant.send("DELETE", "users/\(party.userID)/sessions/\(session)")
      #expect(ended.status == 204, "\(tokens.text)")
      let again = try await party.token(["grant_type": "refresh_token", "refresh_token": tokens.text("refresh_token")])
      #expect((again.status == 200) == isAlive, "\(scope): \(again.text)")
    }
  }

  @Test("P08: access_denied when the person says no, expired_token when the code is too old")
  func refusals() async throws {
    let party = try await device()
    let browser = TestBrowser(party.server)
    let denied = try await ask(party)
    let page = try await question(denied, at: party, browser)
    let refused = try await browser.decide(page, "deny")
    #expect(refused.status == 200 && refused.marker == "device-refused")
    #expect(try await poll(party, denied).text("error") == "access_denied")
    #expect(try await browser.decide(page, "allow").status == 400, "answered")
    #expect(try await poll(party, denied).text("error") == "access_denied")
    let late = try await ask(party)
    let open = try await question(late, at: party, browser)
    try await party.server.database.administer(
      "UPDATE device_authorizations SET expires_at = now() WHERE tenant_id = '\(party.tenant.id)'")
    #expect(try await poll(party, late).text("error") == "expired_token")
    #expect(try await browser.decide(open, "allow").marker == "error:invalid_request")
    #expect(try await poll(party, late).text("error") == "expired_token")
    #expect(try await type(late.text("user_code"), at: party, browser).status == 400)
  }

  @Test("P09: after twenty random codes browser and address are locked, the right code too; elsewhere nobody is")
  func guessing() async throws {
    let (party, other) = (try await device(), try await device())
    let asked = try await ask(party)
    let browser = TestBrowser(party.server)
    var statuses: [Int] = []
    for number in 0..<20 {
      let letters = Array("BCDFGHJKLMNPQRSTVWXZ")
      let code = "BBBB-BB\(letters[number])\(letters[19 - number])"
      statuses.append(try await type(code, at: party, browser).status)
    }
    #expect(statuses == Array(repeating: 400, count: 10) + Array(repeating: 429, count: 10))
    let right = try await type(asked.text("user_code"), at: party, browser)
    #expect(right.status == 429 && right.marker == "device" && right.headers["retry-after"] != nil)
    let fresh = try await type(asked.text("user_code"), at: party, TestBrowser(party.server))
    #expect(fresh.status == 429, "another browser at the same address")
    #expect(try await question(ask(other), at: other, TestBrowser(other.server)).marker == "consent")
  }

  @Test("P09: a right code does not count, and does not forgive the wrong ones")
  func forgiving() async throws {
    let party = try await device()
    let browser = TestBrowser(party.server)
    for _ in 0..<9 { #expect(try await type("BBBB-BBBB", at: party, browser).status == 400) }
    for _ in 0..<3 {
      #expect(try await type(ask(party).text("user_code"), at: party, browser).marker == "login")
    }
    #expect(try await type("BBBB-BBBB", at: party, browser).status == 400)
    #expect(try await type("BBBB-BBBB", at: party, browser).status == 429)
  }

  @Test("P09: codes typed at once do not outrun the count")
  func guessingAtOnce() async throws {
    let party = try await device()
    let browser = TestBrowser(party.server)
    let page = try await browser.get("\(party.issuerPath)/device")
    let cookies = browser.cookies
    let (action, csrf) = (page.formAction, page.input("csrf"))
    let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<30 {
        group.addTask {
          let tab = TestBrowser(party.server, cookies: cookies)
          return try await tab.post(action, [("csrf", csrf), ("user_code", "BBBB-BBBB")]).status
        }
      }
      return try await group.reduce(into: [Int]()) { $0.append($1) }
    }
    #expect(statuses.count { $0 == 400 } == 10 && statuses.count { $0 == 429 } == 20)
  }

  @Test("P25: a device that proves a key gets tokens bound to it, and a replayed proof does not spend its code")
  func bound() async throws {
    let party = try await device()
    let signer = try TestSigner()
    let asked = try await ask(party)
    let browser = TestBrowser(party.server)
    let fields = ["grant_type": Self.grant, "device_code": asked.text("device_code")]
    let proof = try signer.proof("POST", "\(party.issuer)/token")
    #expect(try await party.token(fields, proof: proof).text("error") == "authorization_pending")
    _ = try await browser.decide(try await question(asked, at: party, browser), "allow")
    #expect(try await party.token(fields, proof: proof).text("error") == "invalid_dpop_proof")
    let tokens = try await party.token(fields, proof: signer.proof("POST", "\(party.issuer)/token"))
    #expect(tokens.text("token_type") == "DPoP", "\(tokens.text)")
    #expect(tokens.claims("access_token")["cnf"]?.object?["jkt"]?.string == (try signer.thumbprint()))
    let refresh = ["grant_type": "refresh_token", "refresh_token": tokens.text("refresh_token")]
    let stolen = try await party.token(refresh, proof: TestSigner().proof("POST", "\(party.issuer)/token"))
    #expect(stolen.text("error") == "invalid_grant")
  }

  @Test("P10: a device code is its client's alone, and another client's poll changes nothing")
  func client() async throws {
    let party = try await device()
    let other = try await party.client(type: "native", settings: Self.settings)
    let confidential = try await party.client(type: "web", settings: Self.settings)
    let asked = try await ask(party)
    let browser = TestBrowser(party.server)
    _ = try await browser.decide(try await question(asked, at: party, browser), "allow")
    for thief in [other, confidential] {
      #expect(try await poll(thief, asked).text("error") == "invalid_grant")
    }
    #expect(try await poll(party, asked).status == 200)
    let secret = try await ask(confidential)
    #expect(secret.status == 200, "\(secret.text)")
    let nameless = try await party.server.send(
      "POST", "\(party.issuerPath)/device_authorization", "scope=openid",
      headers: [("Content-Type", "application/x-www-form-urlencoded")])
    #expect(nameless.status == 401 && nameless.text("error") == "invalid_client")
  }

  @Test("P11: the question names client and code, for verification_uri_complete and for a known person too")
  func question() async throws {
    let party = try await device()
    let browser = TestBrowser(party.server)
    _ = try await party.signIn(browser)
    for round in 0..<2 {
      let asked = try await ask(party)
      let complete = asked.text("verification_uri_complete")
      let page = try await browser.get(complete)
      #expect(page.marker == "device" && page.input("user_code") == asked.text("user_code"))
      #expect(try await poll(party, asked).text("error") == "authorization_pending", "opening a link agrees to nothing")
      let consent = try await browser.follow(
        browser.post(page.formAction, [("csrf", page.input("csrf")), ("user_code", asked.text("user_code"))]))
      #expect(consent.marker == "consent", "round \(round)")
      #expect(consent.text.contains("RP &lt;b&gt;") && consent.text.contains(asked.text("user_code")))
      #expect(try await browser.decide(consent, "allow").marker == "device-done")
    }
  }

  @Test("a form of another browser or without its token is refused, and a link fills in nothing but text")
  func forgery() async throws {
    let party = try await device()
    let asked = try await ask(party)
    let (mine, other) = (TestBrowser(party.server), TestBrowser(party.server))
    let page = try await mine.get("\(party.issuerPath)/device?user_code=%22%3E%3Cscript%3E")
    #expect(!page.text.contains("<script>"))
    let form = [("csrf", page.input("csrf")), ("user_code", asked.text("user_code"))]
    #expect(try await other.post(page.formAction, form).marker == "error:invalid_request")
    let bare = try await mine.post(page.formAction, [("user_code", asked.text("user_code"))])
    #expect(bare.status == 400 && bare.marker == "error:invalid_request")
    // The question of one browser is not another's to answer.
    let consent = try await question(asked, at: party, mine)
    #expect(try await other.decide(consent, "allow").marker == "error:invalid_request")
    #expect(try await poll(party, asked).text("error") == "authorization_pending")
  }

  @Test("two issuers: user code and device code of one are nothing to the other")
  func crossed() async throws {
    let (one, two) = (try await device(), try await device())
    let asked = try await ask(one)
    #expect(try await type(asked.text("user_code"), at: two, TestBrowser(two.server)).status == 400)
    #expect(try await poll(two, asked).text("error") == "invalid_grant")
    let foreign = try await one.post(at: two.issuerPath, "device_authorization", [:])
    #expect(foreign.text("error") == "invalid_client")
    let browser = TestBrowser(one.server)
    _ = try await browser.decide(try await question(asked, at: one, browser), "allow")
    #expect(try await poll(two, asked).text("error") == "invalid_grant")
    #expect(try await poll(one, asked).status == 200)
  }

  @Test("only a client registered for the grant, only its scopes, only an active user")
  func registration() async throws {
    let party = try await device()
    let plain = try await party.client(type: "native", settings: #""require_consent":false"#)
    #expect(try await ask(plain).text("error") == "unauthorized_client")
    #expect(try await ask(party, ["scope": "openid admin"]).text("error") == "invalid_scope")
    await #expect(throws: TestFailure.self) {
      _ = try await party.client(type: "spa", settings: #""grant_types":["\#(Self.grant)"]"#)
    }
    let asked = try await ask(party)
    let browser = TestBrowser(party.server)
    _ = try await browser.decide(try await question(asked, at: party, browser), "allow")
    let off = try await party.tenant.send(
      "PATCH", "users/\(party.userID)", #"{"status":"disabled"}"#)
    #expect(off.status == 200, "\(off.text)")
    #expect(try await poll(party, asked).text("error") == "invalid_grant")
  }
}
