import Foundation
import JSON
import TestSupport
import Testing

/// Rows of the OAuth and OpenID checklist about the authorization endpoint, and two issuers crossed.
@Suite("OpenID provider, authorization endpoint")
struct AuthorizationTests {
  @Test("R05, R08: a public client must use PKCE, and only S256")
  func challenge() async throws {
    let party = try await TestRelyingParty.make(type: "spa")
    for changes in [
      ["code_challenge": "", "code_challenge_method": ""], ["code_challenge_method": "plain"],
      ["code_challenge_method": ""], ["code_challenge": "short"], ["code_challenge": ""],
    ] {
      let answer = try await party.authorize(TestBrowser(party.server), changes)
      #expect(answer.redirect.parameters["error"] == "invalid_request", "\(changes)")
    }
    let back = try await party.signIn(TestBrowser(party.server))
    #expect(try await party.redeem(back.redirect.parameters["code"] ?? "").status == 200)
  }

  @Test("R06, R07, R24, F11, P01: a code needs its verifier and redirect_uri, and is burned without them")
  func verifier() async throws {
    let party = try await TestRelyingParty.make()
    let browser = TestBrowser(party.server)
    _ = try await party.signIn(browser)
    for changes in [
      ["code_verifier": ""], ["code_verifier": String(repeating: "a", count: 43)], ["code_verifier": "short"],
      ["code_verifier": String(repeating: "a", count: 129)], ["redirect_uri": "https://rp.test/cb"],
      ["redirect_uri": ""],
    ] {
      let code = try await party.authorize(browser).redirect.parameters["code"] ?? ""
      let refused = try await party.redeem(code, changes)
      #expect(refused.status == 400 && refused.text("error") == "invalid_grant", "\(changes): \(refused.text)")
      #expect(try await party.redeem(code).text("error") == "invalid_grant", "burned: \(changes)")
    }
    let plain = try await party.authorize(browser, ["code_challenge": "", "code_challenge_method": ""])
    let downgraded = try await party.redeem(plain.redirect.parameters["code"] ?? "")
    #expect(downgraded.text("error") == "invalid_grant")
  }

  @Test("R02: a native client chooses its loopback port, a web client does not")
  func loopback() async throws {
    let registered = "http://127.0.0.1:3000/cb"
    let party = try await TestRelyingParty.make()
    let native = try await party.client(type: "native", redirectURI: registered)
    let web = try await party.client(redirectURI: registered)
    let other = "http://127.0.0.1:51234/cb"
    #expect(try await native.authorize(TestBrowser(party.server), ["redirect_uri": other]).marker == "login")
    #expect(try await web.authorize(TestBrowser(party.server), ["redirect_uri": other]).status == 400)
    for uri in ["http://127.0.0.1:51234/other", "http://localhost:3000/cb", "http://127.0.0.2:3000/cb", "\(other)#x"] {
      #expect(try await native.authorize(TestBrowser(party.server), ["redirect_uri": uri]).status == 400, "\(uri)")
    }
  }

  @Test("F01: a repeated parameter and a client_id that is none get a page")
  func pages() async throws {
    let party = try await TestRelyingParty.make()
    let browser = TestBrowser(party.server)
    let query = TestBrowser.form(party.request())
    let repeated = try await browser.get("\(party.issuerPath)/authorize?\(query)&scope=openid")
    #expect(repeated.status == 400 && repeated.marker == "error:invalid_request")
    for id in ["", "x", party.userID, party.applicationID] {
      let answer = try await party.authorize(browser, ["client_id": id])
      #expect(answer.status == 400 && answer.headers["location"] == nil)
    }
    let long = try await party.authorize(browser, ["state": String(repeating: "s", count: 4097)])
    #expect(long.marker == "error:invalid_request")
    for name in ["frame-ancestors 'none'", "default-src 'none'"] {
      #expect(repeated.headers["content-security-policy"]?.contains(name) == true)
    }
    #expect(repeated.headers["referrer-policy"] == "no-referrer")
    #expect(repeated.headers["x-frame-options"] == "DENY")
  }

  @Test("consent is asked once for a scope, remembered, refused with access_denied, and never silent")
  func consent() async throws {
    let party = try await TestRelyingParty.make(settings: #""require_consent":true"#)
    let browser = TestBrowser(party.server)
    let question = try await party.signIn(browser)
    #expect(question.marker == "consent")
    #expect(!question.text.contains("RP <b>"))
    #expect(try await party.authorize(browser, ["prompt": "none"]).redirect.parameters["error"] == "consent_required")
    let denied = try await browser.decide(question, "deny")
    #expect(denied.redirect.parameters["error"] == "access_denied")
    #expect(try await browser.decide(question, "allow").status == 400, "an answered question is over")
    let allowed = try await browser.decide(try await party.authorize(browser), "allow")
    #expect(allowed.redirect.parameters["code"] != nil)
    #expect(try await party.authorize(browser, ["prompt": "none"]).redirect.parameters["code"] != nil)
    #expect(try await party.authorize(browser, ["scope": "openid profile"]).marker == "consent")
    #expect(try await party.authorize(browser, ["prompt": "consent"]).marker == "consent")
    let events = try await party.tenant.send("GET", "audit-events?action=consent.granted")
    #expect(events.items.count == 1)
  }

  @Test("O05: an interaction belongs to the browser that began it; a wrong password says no more than an unknown name")
  func browserBinding() async throws {
    let party = try await TestRelyingParty.make()
    let (mine, other) = (TestBrowser(party.server), TestBrowser(party.server))
    let page = try await party.authorize(mine)
    _ = try await party.authorize(other)
    let stolen = try await other.signIn(page, party.username, TestRelyingParty.password)
    #expect(stolen.status == 400 && stolen.marker == "error:invalid_request")
    #expect(stolen.headers["set-cookie"] == nil)
    let wrong = try await mine.signIn(page, party.username, "wrong password")
    let unknown = try await mine.signIn(page, "nobody", TestRelyingParty.password)
    #expect(wrong.status == 401 && wrong.marker == "login")
    #expect(wrong.text.replacing(party.username, with: "nobody") == unknown.text)
    #expect(wrong.headers["set-cookie"] == nil)
    let before = mine.cookies
    #expect(try await mine.signIn(page, party.username, TestRelyingParty.password).redirect.parameters["code"] != nil)
    #expect(mine.cookies.count == before.count + 1)
    #expect(try await mine.signIn(page, party.username, TestRelyingParty.password).status == 400, "spent")
  }

  @Test("a failed sign-in keeps the name that was typed, as text and nothing else")
  func typedName() async throws {
    let party = try await TestRelyingParty.make()
    let browser = TestBrowser(party.server)
    let page = try await party.authorize(browser, ["login_hint": "hinted"])
    #expect(page.text.contains("value=\"hinted\""))
    #expect(try await browser.signIn(page, "Xiao Ming", "wrong password").text.contains("value=\"Xiao Ming\""))
    let script = try await browser.signIn(page, "\"><script>alert(1)</script>", "wrong password")
    #expect(script.status == 401 && !script.text.contains("<script"))
    #expect(script.text.contains("value=\"&quot;&gt;&lt;script&gt;"), "\(script.text)")
  }

  @Test("two issuers: code, client and session of one are nothing to the other")
  func crossed() async throws {
    let (one, two) = (try await TestRelyingParty.make(), try await TestRelyingParty.make())
    let browser = TestBrowser(one.server)
    let back = try await one.signIn(browser)
    let code = back.redirect.parameters["code"] ?? ""
    #expect(try await two.redeem(code).text("error") == "invalid_grant")
    #expect(try await one.redeem(code).status == 200, "another tenant cannot burn it")
    #expect(try await two.authorize(browser, ["prompt": "none"]).redirect.parameters["error"] == "login_required")
    #expect(try await two.authorize(browser, ["client_id": one.clientID]).marker == "error:invalid_client")
  }

  @Test("an ended session and a disabled user end codes, silent sign-in and tokens at once")
  func ended() async throws {
    let party = try await TestRelyingParty.make()
    let browser = TestBrowser(party.server)
    let tokens = try await party.redeem(try await party.signIn(browser).redirect.parameters["code"] ?? "")
    let code = try await party.authorize(browser).redirect.parameters["code"] ?? ""
    let session = tokens.claims("id_token")["sid"]?.string ?? ""
    let ended = try await party.tenant.send("DELETE", "users/\(party.userID)/sessions/\(session)")
    #expect(ended.status == 204, "\(ended.text)")
    #expect(try await party.redeem(code).text("error") == "invalid_grant")
    #expect(try await party.userinfo(tokens.text("access_token")).status == 401)
    #expect(try await party.authorize(browser, ["prompt": "none"]).redirect.parameters["error"] == "login_required")
  }

  @Test("the metadata names the endpoint and only what it does")
  func metadata() async throws {
    let party = try await TestRelyingParty.make()
    let metadata = try await party.server.send("GET", "\(party.issuerPath)/.well-known/openid-configuration")
    #expect(metadata.text("authorization_endpoint") == "\(party.issuer)/authorize")
    #expect(metadata["response_types_supported"] == .array([.string("code")]))
    #expect(metadata["code_challenge_methods_supported"] == .array([.string("S256")]))
    #expect(metadata["authorization_response_iss_parameter_supported"] == .boolean(true))
    #expect(metadata["request_parameter_supported"] == .boolean(false))
    #expect(metadata["request_uri_parameter_supported"] == .boolean(false))
  }
}
