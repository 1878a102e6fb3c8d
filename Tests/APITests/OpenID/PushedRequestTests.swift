import Foundation
import JSON
import TestSupport
import Testing

/// Pushed authorization requests: security.md 1.8 "PAR", "request integrity", P19 to P22.
@Suite("OpenID provider, pushed requests")
struct PushedRequestTests {
  @Test("P20: a push answers 201, and its request_uri with client_id is the whole request, also after a reload")
  func happy() async throws {
    let party = try await TestRelyingParty.make()
    let pushed = try await party.push()
    #expect(pushed.status == 201, "\(pushed.text)")
    #expect(pushed.headers["cache-control"] == "no-store")
    #expect((5...90).contains(pushed["expires_in"]?.integer ?? 0))
    let uri = pushed.text("request_uri")
    // 128 bits and more are in it, not in its name.
    #expect(uri.hasPrefix("urn:ietf:params:oauth:request_uri:") && uri.utf8.count > 90)
    #expect(try await party.push().text("request_uri").suffix(40) != uri.suffix(40))
    let browser = TestBrowser(party.server)
    #expect(try await party.bring(browser, uri).marker == "login")
    let reloaded = try await party.bring(browser, uri)
    #expect(reloaded.marker == "login", "par-ensure-reused-request-uri-prior-to-auth-completion-succeeds")
    let back = try await browser.follow(browser.signIn(reloaded, party.username, TestRelyingParty.password))
    #expect(back.redirect.parameters["state"] == "s t&a")
    let tokens = try await party.redeem(back.redirect.parameters["code"] ?? "")
    #expect(tokens.claims("id_token")["nonce"]?.string == "n-0S6")
  }

  @Test("par-attempt-reuse-request_uri: one answer, whichever page or tab gives it, and an error is an answer too")
  func once() async throws {
    let party = try await TestRelyingParty.make()
    let browser = TestBrowser(party.server)
    let uri = try await party.push().text("request_uri")
    let (first, second) = (try await party.bring(browser, uri), try await party.bring(browser, uri))
    let back = try await browser.follow(browser.signIn(first, party.username, TestRelyingParty.password))
    #expect(back.redirect.parameters["code"] != nil)
    let other = try await browser.follow(browser.signIn(second, party.username, TestRelyingParty.password))
    #expect(other.status == 400 && other.marker.hasPrefix("error:") && other.headers["location"] == nil)
    #expect(try await party.bring(browser, uri).marker == "error:invalid_request_uri")
    // The session makes an answer without a page.
    let silent = try await party.push().text("request_uri")
    #expect(try await party.bring(browser, silent).redirect.parameters["code"] != nil)
    #expect(try await party.bring(browser, silent).marker == "error:invalid_request_uri")
    let refused = try await party.push(["prompt": "none"]).text("request_uri")
    let stranger = TestBrowser(party.server)
    #expect(try await party.bring(stranger, refused).redirect.parameters["error"] == "login_required")
    #expect(try await party.bring(stranger, refused).marker == "error:invalid_request_uri")
  }

  @Test("par-attempt-reuse-request_uri: of ten silent answers at once one is given")
  func parallel() async throws {
    let party = try await TestRelyingParty.make()
    let browser = TestBrowser(party.server)
    _ = try await party.signIn(browser)
    let uri = try await party.push().text("request_uri")
    let cookies = browser.cookies
    let codes = try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 0..<10 {
        group.addTask {
          let tab = TestBrowser(party.server, cookies: cookies)
          return try await party.bring(tab, uri).redirect.parameters["code"] != nil
        }
      }
      return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(codes == 1)
  }

  @Test("par-attempt-to-use-expired-request_uri, -for-different-client, and of another issuer: a page")
  func foreign() async throws {
    let (one, two) = (try await TestRelyingParty.make(), try await TestRelyingParty.make())
    let sibling = try await one.client()
    let browser = TestBrowser(one.server)
    let uri = try await one.push().text("request_uri")
    #expect(try await sibling.bring(browser, uri).marker == "error:invalid_request_uri")
    #expect(try await two.bring(browser, uri).marker == "error:invalid_request_uri")
    #expect(try await one.bring(browser, uri + "x").marker == "error:invalid_request_uri")
    #expect(try await one.bring(browser, String(uri.dropLast(2)) + "AA").marker == "error:invalid_request_uri")
    _ = try await one.server.database.administer(
      "UPDATE pushed_requests SET expires_at = now() WHERE tenant_id = '\(one.tenant.id)'")
    #expect(try await one.bring(browser, uri).marker == "error:invalid_request_uri")
  }

  @Test(
    """
    state-only-outside-request-object-not-used, ensure-different-nonce-, -state-inside-and-outside: only what was pushed \
    counts
    """)
  func onlyPushed() async throws {
    let party = try await TestRelyingParty.make()
    let browser = TestBrowser(party.server)
    let bare = try await party.push(["state": "", "nonce": ""]).text("request_uri")
    let outside = [
      "state": "outside", "nonce": "outside", "scope": "openid profile email", "redirect_uri": "https://evil.test/",
      "response_type": "token", "prompt": "none", "code_challenge": "x", "pushed_request": "x",
    ]
    let page = try await party.bring(browser, bare, outside)
    #expect(page.marker == "login", "\(page.text)")
    let back = try await browser.follow(browser.signIn(page, party.username, TestRelyingParty.password))
    #expect(back.redirect.address == "https://rp.test/cb")
    #expect(back.redirect.parameters["state"] == nil)
    let tokens = try await party.redeem(back.redirect.parameters["code"] ?? "")
    #expect(tokens.claims("id_token")["nonce"] == nil)
    #expect(tokens.text("scope") == "openid")
    // What looks like the mark of a pushed request is nothing when a browser brings it.
    let forged = try await party.authorize(browser, ["pushed_request": UUID().uuidString.lowercased()])
    #expect(forged.redirect.parameters["code"] != nil)
  }

  @Test("ensure-authorization-request-with-long-nonce, -long-state, with-64-char-nonce: echoed whole")
  func long() async throws {
    let party = try await TestRelyingParty.make()
    let browser = TestBrowser(party.server)
    _ = try await party.signIn(browser)
    for length in [64, 384, 4000] {
      let text = String(repeating: "n", count: length)
      let uri = try await party.push(["nonce": text, "state": text]).text("request_uri")
      let back = try await party.bring(browser, uri)
      #expect(back.redirect.parameters["state"] == text)
      let tokens = try await party.redeem(back.redirect.parameters["code"] ?? "")
      #expect(tokens.claims("id_token")["nonce"]?.string == text)
    }
    #expect(try await party.push(["nonce": String(repeating: "n", count: 4097)]).text("error") == "invalid_request")
    var many: [String: String] = [:]
    for number in 0..<17 { many["x\(number)"] = String(repeating: "x", count: 4096) }
    #expect(try await party.push(many).text("error") == "invalid_request")
  }

  @Test(
    """
    P19, par-authorization-request-containing-request_uri-form-param, par-ensure-pkce-required, par-plain-pkce-rejected, \
    ensure-request-object-without-redirect-uri-fails, response types but code: refused when it is pushed
    """)
  func refused() async throws {
    let party = try await TestRelyingParty.make(type: "spa")
    let uri = try await party.push().text("request_uri")
    for (changes, error) in [
      (["request_uri": uri], "invalid_request"), (["request_uri": "https://rp.test/r"], "invalid_request"),
      (["request": "x.y.z"], "request_not_supported"), (["redirect_uri": ""], "invalid_request"),
      (["redirect_uri": "https://evil.test/"], "invalid_request"), (["scope": ""], "invalid_scope"),
      (["scope": "openid admin"], "invalid_scope"), (["response_type": "token"], "unsupported_response_type"),
      (["response_type": "code id_token"], "unsupported_response_type"), (["response_type": ""], "invalid_request"),
      (["code_challenge": "", "code_challenge_method": ""], "invalid_request"),
      (["code_challenge_method": "plain"], "invalid_request"), (["code_challenge_method": ""], "invalid_request"),
      (["prompt": "none login"], "invalid_request"), (["response_mode": "fragment"], "invalid_request"),
    ] {
      let answer = try await party.push(changes)
      #expect(answer.status == 400 && answer.text("error") == error, "\(changes): \(answer.text)")
    }
  }

  @Test(
    "par-without-duplicate-parameters, par-attempt-invalid-http-method, F05: authenticated as at the token endpoint")
  func authentication() async throws {
    let party = try await TestRelyingParty.make()
    let path = "\(party.issuerPath)/par"
    let form = [("Content-Type", "application/x-www-form-urlencoded")]
    let body = TestBrowser.form(party.request())
    let nobody = try await party.server.send("POST", path, body, headers: form)
    #expect(nobody.status == 401 && nobody.text("error") == "invalid_client", "named only: \(nobody.text)")
    let unnamed = TestBrowser.form(party.request(["client_id": ""]))
    #expect(try await party.server.send("POST", path, unnamed, headers: form).text("error") == "invalid_client")
    let basic = ("Authorization", "Basic \(Data("\(party.clientID):\(party.secret)".utf8).base64EncodedString())")
    let wrong = ("Authorization", "Basic \(Data("\(party.clientID):x".utf8).base64EncodedString())")
    #expect(try await party.server.send("POST", path, body, headers: form + [wrong]).status == 401)
    #expect(try await party.server.send("POST", path, unnamed, headers: form + [basic]).status == 201)
    let twice = try await party.server.send("POST", path, body + "&scope=openid", headers: form + [basic])
    #expect(twice.status == 400 && twice.text("error") == "invalid_request")
    for method in ["GET", "PUT"] {
      let answer = try await party.server.send(method, path, headers: [basic])
      #expect(answer.status == 405 && answer.headers["allow"]?.contains("POST") == true)
    }
    let other = try await TestRelyingParty.make()
    let foreign = try await other.server.send("POST", "\(other.issuerPath)/par", body, headers: form + [basic])
    #expect(foreign.text("error") == "invalid_client")
  }

  @Test("P22: a client that must push is shown a page when it does not, and is served when it does")
  func required() async throws {
    let party = try await TestRelyingParty.make(
      settings: #""require_consent":false,"require_pushed_authorization_requests":true"#)
    let browser = TestBrowser(party.server)
    for changes in [[:], ["pushed_request": UUID().uuidString.lowercased()], ["request_uri": "https://rp.test/r"]] {
      let plain = try await party.authorize(browser, changes)
      #expect(plain.status == 400 && plain.marker == "error:invalid_request", "\(changes)")
      #expect(plain.headers["location"] == nil)
    }
    let page = try await party.bring(browser, try await party.push().text("request_uri"))
    let back = try await browser.follow(browser.signIn(page, party.username, TestRelyingParty.password))
    #expect(try await party.redeem(back.redirect.parameters["code"] ?? "").status == 200)
  }

  @Test("user-rejects-authentication: a denied pushed request ends with access_denied, once")
  func denied() async throws {
    let party = try await TestRelyingParty.make(settings: #""require_consent":true"#)
    let browser = TestBrowser(party.server)
    let uri = try await party.push().text("request_uri")
    let page = try await party.bring(browser, uri)
    let question = try await browser.follow(browser.signIn(page, party.username, TestRelyingParty.password))
    let denied = try await browser.decide(question, "deny")
    #expect(denied.redirect.parameters["error"] == "access_denied")
    #expect(try await party.bring(browser, uri).marker == "error:invalid_request_uri")
  }

  @Test("the metadata names the endpoint, and still no request_uri by address")
  func metadata() async throws {
    let party = try await TestRelyingParty.make()
    let metadata = try await party.server.send("GET", "\(party.issuerPath)/.well-known/openid-configuration")
    #expect(metadata.text("pushed_authorization_request_endpoint") == "\(party.issuer)/par")
    #expect(metadata["require_pushed_authorization_requests"] == .boolean(false))
    #expect(metadata["request_uri_parameter_supported"] == .boolean(false))
  }
}

extension TestRelyingParty {
  /// Pushes a usual request, with changes.
  func push(_ changes: [String: String] = [:]) async throws -> TestServer.Answer {
    var headers = [("Content-Type", "application/x-www-form-urlencoded")]
    if !secret.isEmpty {
      headers.append(("Authorization", "Basic \(Data("\(clientID):\(secret)".utf8).base64EncodedString())"))
    }
    return try await server.send(
      "POST", "\(issuerPath)/par", TestBrowser.form(request(changes)), headers: headers)
  }

  /// Brings a pushed request to the authorization endpoint; `outside` are parameters beside its address.
  func bring(
    _ browser: TestBrowser, _ uri: String, _ outside: [String: String] = [:]
  ) async throws -> TestServer.Answer {
    let own = ["client_id": clientID, "request_uri": uri].merging(outside) { first, _ in first }
    let query = TestBrowser.form(own.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    return try await browser.follow(browser.get("\(issuerPath)/authorize?\(query)"))
  }
}
