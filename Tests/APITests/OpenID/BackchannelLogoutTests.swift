import Foundation
import Identity
import JSON
import Runtime
import Simulator
import Tenancy
import TestSupport
import Testing

/// `oidcc-backchannel-rp-initiated-logout-certification-test-plan` and the rows of Back-Channel Logout 1.0, over sockets.
@Suite("OpenID provider, back-channel logout")
struct BackchannelLogoutTests {
  /// A signed-in browser and the tokens of a first client.
  struct Signed {
    let party: TestRelyingParty
    let browser: TestBrowser
    let tokens: TestServer.Answer

    var session: String { tokens.claims("id_token")["sid"]?.string ?? "" }

    static func make(_ receiver: TestReceiver, application: String = "") async throws -> Signed {
      try await TestReceiver.work()
      return try await again(TestRelyingParty.make(settings: receiver.setting, application: application))
    }

    /// Another browser of the same person.
    static func again(_ party: TestRelyingParty) async throws -> Signed {
      let browser = TestBrowser(party.server)
      let code = try await party.signIn(browser).redirect.parameters["code"] ?? ""
      return Signed(party: party, browser: browser, tokens: try await party.redeem(code))
    }

    @discardableResult
    func logout(_ fields: [String: String] = [:]) async throws -> TestServer.Answer {
      let all = ["id_token_hint": tokens.text("id_token")].merging(fields) { $1 }
      return try await browser.get("\(party.issuerPath)/logout?\(TestBrowser.form(all.map { ($0.key, $0.value) }))")
    }

    func administer(_ sql: String) async throws -> [[String?]] { try await party.server.database.administer(sql) }
  }

  @Test("oidcc-backchannel-logout-discovery-endpoint-verification: both documents say that it is supported, with sid")
  func discovery() async throws {
    let party = try await TestRelyingParty.make()
    for path in [
      "\(party.issuerPath)/.well-known/openid-configuration",
      "/.well-known/oauth-authorization-server\(party.issuerPath)",
    ] {
      let metadata = try await party.server.send("GET", path)
      #expect(metadata["backchannel_logout_supported"] == .boolean(true))
      #expect(metadata["backchannel_logout_session_supported"] == .boolean(true))
      #expect(metadata["end_session_endpoint"]?.string == "\(party.issuer)/logout")
    }
  }

  @Test("oidcc-backchannel-rp-initiated-logout and O21: one form field with a logout token as the specification has it")
  func shape() async throws {
    let receiver = try TestReceiver(.status("204 No Content"))
    let after = "https://rp.test/bye"
    try await TestReceiver.work()
    let party = try await TestRelyingParty.make(
      settings: receiver.setting + #","post_logout_redirect_uris":["\#(after)"]"#)
    let signed = try await Signed.again(party)
    let answer = try await signed.logout(["post_logout_redirect_uri": after, "state": "kept"])
    #expect(answer.redirect.address == after && answer.redirect.parameters == ["state": "kept"])
    let told = try await receiver.next()
    #expect(told.head.hasPrefix("POST /logout?kept=1 HTTP/1.1\r\n"))
    #expect(told.head.lowercased().contains("content-type: application/x-www-form-urlencoded\r\n"))
    #expect(!told.body.contains("&") && !told.token.isEmpty)
    #expect(told.header["typ"]?.string == "logout+jwt")
    let keys = try await party.server.send("GET", "\(party.issuerPath)/jwks.json")
    #expect(told.isSigned(by: keys.json))
    let claims = told.claims
    #expect(
      Set(claims.members.map(\.name)) == ["iss", "aud", "iat", "exp", "jti", "sub", "sid", "events"], "no nonce")
    #expect(claims["iss"]?.string == party.issuer)
    #expect(claims["aud"]?.string == party.clientID)
    #expect(claims["sub"] == signed.tokens.claims("id_token")["sub"])
    #expect(claims["sid"] == signed.tokens.claims("id_token")["sid"])
    #expect(
      claims["events"]
        == .object(JSONObject([("http://schemas.openid.net/event/backchannel-logout", .object(JSONObject()))])))
    let (issued, expires) = (claims["iat"]?.integer ?? 0, claims["exp"]?.integer ?? 0)
    #expect(abs(Double(issued) - Date().timeIntervalSince1970) < 60 && expires - issued == 120)
    #expect(
      try await party.authorize(signed.browser, ["prompt": "none"]).redirect.parameters["error"] == "login_required")
  }

  @Test("O23: a refresh after logout is refused, and the access token is worth nothing")
  func refresh() async throws {
    let receiver = try TestReceiver()
    let signed = try await Signed.make(receiver)
    try await signed.logout()
    let refreshed = try await signed.party.token([
      "grant_type": "refresh_token", "refresh_token": signed.tokens.text("refresh_token"),
    ])
    #expect(refreshed.status == 400 && refreshed.text("error") == "invalid_grant")
    #expect(try await signed.party.userinfo(signed.tokens.text("access_token")).status == 401)
    _ = try await receiver.next(signed.session)
  }

  @Test("a session tells its clients however it ends: by a management call or with its user")
  func endings() async throws {
    let receiver = try TestReceiver()
    let first = try await Signed.make(receiver)
    let user = "users/\(first.party.userID)"
    #expect(try await first.party.tenant.send("DELETE", "\(user)/sessions/\(first.session)").status == 204)
    #expect(try await receiver.next().session == first.session)

    let second = try await Signed.again(first.party)
    #expect(try await first.party.tenant.send("PATCH", user, #"{"status":"disabled"}"#).status == 200)
    #expect(try await receiver.next().session == second.session)
    #expect(try await first.party.tenant.send("PATCH", user, #"{"status":"active"}"#).status == 200)
    #expect(try await second.party.userinfo(second.tokens.text("access_token")).status == 401, "it stays over")

    let (third, fourth) = (try await Signed.again(first.party), try await Signed.again(first.party))
    #expect(try await first.party.tenant.send("DELETE", user).status == 204)
    #expect(try await Set([receiver.next().session, receiver.next().session]) == [third.session, fourth.session])
    #expect(receiver.told.allSatisfy { $0.claims["sub"]?.string == first.party.userID })
  }

  @Test("a person who cancels their WeChat account is signed out of the relying parties too")
  func cancellation() async throws {
    let receiver = try TestReceiver()
    let signed = try await Signed.make(receiver)
    let (tenant, key) = (signed.party.tenant, String(repeating: "abcdefg", count: 6) + "A")
    let client = try await tenant.miniapp(of: signed.party.applicationID)
    let settings = #"{"push_token":"token","push_encoding_aes_key":"\#(key)"}"#
    #expect(try await tenant.send("PATCH", "third-party-authz-clients/\(client)", settings).status == 200)
    _ = try await signed.administer(
      """
      INSERT INTO federated_identities (tenant_id, id, identity_application_id, user_id, client_id, app_id, openid)
      VALUES ('\(tenant.id)', '\(client)', '\(signed.party.applicationID)', '\(signed.party.userID)', '\(client)', 'wx1', 'o1')
      """)
    let message = PushMessage(event: "user_authorization_cancellation", openid: "o1")
    let (query, body) = try message.sealed(
      appID: "wx1", token: "token", key: key, now: Int(Date().timeIntervalSince1970))
    let url = "http://127.0.0.1:\(signed.party.server.port)/t/\(tenant.slug)/wechat/push/\(client)"
    #expect(await PushSender().send(query, body: body, format: message.format, to: url).status == 200)
    #expect(try await receiver.next().session == signed.session)
  }

  @Test("a device that signed in by a code of its own is told of the end of its session, not of the browser's")
  func device() async throws {
    let receiver = try TestReceiver()
    try await TestReceiver.work()
    let grant = "urn:ietf:params:oauth:grant-type:device_code"
    let party = try await TestRelyingParty.make(
      type: "native", settings: receiver.setting + #","grant_types":["\#(grant)","refresh_token","authorization_code"]"#
    )
    let asked = try await party.post("device_authorization", ["scope": "openid"])
    let browser = TestBrowser(party.server)
    let page = try await browser.get("\(party.issuerPath)/device")
    let login = try await browser.follow(
      browser.post(page.formAction, [("csrf", page.input("csrf")), ("user_code", asked.text("user_code"))]))
    let question = try await browser.follow(browser.signIn(login, party.username, TestRelyingParty.password))
    #expect(try await browser.decide(question, "allow").marker == "device-done")
    let tokens = try await party.token(["grant_type": grant, "device_code": asked.text("device_code")])
    let own = tokens.claims("id_token")["sid"]?.string ?? ""
    // The browser's session first: it has no relying party.
    let sessions = try await party.tenant.send("GET", "users/\(party.userID)/sessions").items
    let ids = sessions.compactMap { $0["id"]?.string }
    #expect(ids.count == 2)
    for id in ids.filter({ $0 != own }) + [own] {
      #expect(try await party.tenant.send("DELETE", "users/\(party.userID)/sessions/\(id)").status == 204)
    }
    #expect(try await receiver.next().session == own)
    try await Self.idle(party)
    #expect(receiver.told.count == 1)
  }

  @Test("every client that redeemed a code in the session is told, each once, and no other client of any tenant")
  func clients() async throws {
    let receivers = try (0..<4).map { _ in try TestReceiver() }
    let signed = try await Signed.make(receivers[0])
    let party = signed.party
    let joined = try await party.client(settings: receivers[1].setting)
    for _ in 0..<2 {
      let code = try await joined.authorize(signed.browser).redirect.parameters["code"] ?? ""
      #expect(try await joined.redeem(code).status == 200)
    }
    // One that never redeemed, one without an address, and one of another tenant whose session goes on.
    let asked = try await party.client(settings: receivers[2].setting)
    #expect(try await asked.authorize(signed.browser).redirect.parameters["code"] != nil)
    let quiet = try await party.client()
    _ = try await quiet.redeem(try await quiet.authorize(signed.browser).redirect.parameters["code"] ?? "")
    let foreign = try await Signed.make(receivers[3])

    try await signed.logout()
    #expect(try await receivers[0].next().claims["aud"]?.string == party.clientID)
    #expect(try await receivers[1].next().claims["aud"]?.string == joined.clientID)
    // The session of the others tells that theirs came first, and that nothing came before it.
    try await foreign.logout()
    #expect(try await receivers[3].next().session == foreign.session)
    try await Self.idle(party)
    #expect(receivers.map(\.told.count) == [1, 1, 0, 1])
  }

  @Test("a client that gains an address while the session lives is told, one that lost it is not")
  func changedAddress() async throws {
    let (receiver, former) = (try TestReceiver(), try TestReceiver())
    let signed = try await Signed.make(former)
    let late = try await signed.party.client()
    _ = try await late.redeem(try await late.authorize(signed.browser).redirect.parameters["code"] ?? "")
    let address = receiver.setting.split(separator: ",").last ?? ""
    #expect(try await late.tenant.send("PATCH", "oauth-clients/\(late.clientID)", "{\(address)}").status == 200)
    let removed = try await signed.party.tenant.send(
      "PATCH", "oauth-clients/\(signed.party.clientID)", #"{"backchannel_logout_uri":null}"#)
    #expect(removed.status == 200, "\(removed.text)")
    try await signed.logout()
    #expect(try await receiver.next().claims["aud"]?.string == late.clientID)
    try await Self.idle(signed.party)
    #expect(former.told.isEmpty)
  }

  @Test(
    "O22: a relying party that hangs delays neither the browser nor others, and is told when it is back, once per jti")
  func hanging() async throws {
    let (hanging, healthy) = (try TestReceiver(.silent), try TestReceiver())
    let signed = try await Signed.make(hanging)
    let other = try await signed.party.client(settings: healthy.setting)
    _ = try await other.redeem(try await other.authorize(signed.browser).redirect.parameters["code"] ?? "")
    let begun = ContinuousClock.now
    #expect(try await signed.logout().marker == "logged-out")
    #expect(ContinuousClock.now - begun < .seconds(2))
    _ = try await healthy.next(limit: .seconds(3))
    let first = try await hanging.next()
    hanging.answers(.status("200 OK"))
    let second = try await hanging.next(limit: .seconds(20))
    #expect(second.tokenID == first.tokenID && second.session == signed.session)
    try await Self.idle(signed.party)
    #expect(hanging.told.count == 2 && healthy.told.count == 1)
  }

  @Test("200 other relying parties' tokens go out at once while one with 200 waiting hangs")
  func fairness() async throws {
    let (hanging, healthy) = (try TestReceiver(.silent), try TestReceiver())
    let (slow, quick) = (try await Signed.make(hanging), try await Signed.make(healthy))
    for (signed, offset) in [(slow, "1 second"), (quick, "0 seconds")] {
      _ = try await signed.administer(
        """
        INSERT INTO backchannel_logouts (tenant_id, id, client_id, session_id, user_id, run_at)
        SELECT '\(signed.party.tenant.id)', gen_random_uuid(), '\(signed.party.clientID)', gen_random_uuid(),
          '\(signed.party.userID)', now() - interval '\(offset)' FROM generate_series(1, 200)
        """)
    }
    for _ in 0..<200 { _ = try await healthy.next(limit: .seconds(5)) }
    #expect(hanging.told.count <= 8, "four at a time")
    _ = try await slow.administer("DELETE FROM backchannel_logouts WHERE tenant_id = '\(slow.party.tenant.id)'")
  }

  @Test("what is no 200 or 204 is tried again, a redirect is not followed, and the tenant sees why among its jobs")
  func failures() async throws {
    let receiver = try TestReceiver(.status("302 Found\r\nLocation: https://rp.test/"))
    let signed = try await Signed.make(receiver)
    try await signed.logout()
    let (tenant, client) = (signed.party.tenant, signed.party.clientID)
    let job = try await eventually("the job to say why") {
      try await tenant.send("GET", "jobs?kind=backchannel_logout&target=\(client)").items
        .first { $0["last_error"]?.string == "HTTP 302" }
    }
    #expect(job["target"]?.object?["type"]?.string == "oauth_client")
    receiver.answers(.status("200 OK"))
    let id = job["id"]?.string ?? ""
    _ = try await tenant.send("POST", "jobs/\(id)/run")
    try await Self.idle(signed.party)
    #expect(Set(receiver.told.map(\.tokenID)) == [id])
    #expect(try await tenant.send("GET", "jobs/\(id)").status == 404)
  }

  @Test("after a day a token is given up, and an audit event says so without the address")
  func givenUp() async throws {
    let receiver = try TestReceiver(.status("500 Internal Server Error"))
    let signed = try await Signed.make(receiver)
    try await signed.logout()
    _ = try await receiver.next()
    let (database, mine) = (signed.party.server.database, "tenant_id = '\(signed.party.tenant.id)'")
    _ = try await eventually("the first failure") {
      try await database.administer("SELECT FROM backchannel_logouts WHERE \(mine) AND last_error IS NOT NULL").first
    }
    _ = try await signed.administer(
      "UPDATE backchannel_logouts SET created_at = now() - interval '25 hours', run_at = now() WHERE \(mine)")
    try await Self.idle(signed.party)
    let events = try await signed.party.tenant.send("GET", "audit-events?action=backchannel_logout.given_up").items
    #expect(events.count == 1)
    #expect(events.first?["target"]?.object?["id"]?.string == signed.party.clientID)
    #expect(
      events.first?["details"] == .object(JSONObject([("count", .number("1")), ("reason", .string("HTTP 500"))])))
  }

  @Test(
    "O24: an address inside a network is not called, whatever the tenant wrote",
    arguments: [
      "https://10.0.0.1/", "https://169.254.169.254/latest", "https://[fd00::1]/", "https://0x0a000001/",
    ])
  func guarded(address: String) async throws {
    try await TestReceiver.work()
    let party = try await TestRelyingParty.make(
      settings: #""require_consent":false,"backchannel_logout_uri":"\#(address)""#)
    let signed = try await Signed.again(party)
    try await signed.logout()
    let error = try await eventually("it to be refused") {
      try await party.tenant.send("GET", "jobs?kind=backchannel_logout").items.first?["last_error"]?.string
    }
    #expect(error == "the address is not a public one")
    _ = try await signed.administer("DELETE FROM backchannel_logouts WHERE tenant_id = '\(party.tenant.id)'")
  }

  /// Waits until nothing is left to be delivered for a tenant.
  static func idle(_ party: TestRelyingParty) async throws {
    _ = try await eventually("everything to be delivered", limit: .seconds(20)) {
      let left = try await party.server.database.administer(
        "SELECT count(*) FROM backchannel_logouts WHERE tenant_id = '\(party.tenant.id)'")
      return left == [["0"]] ? true : nil
    }
  }
}
