import Foundation
import JSON
import Secrets
import TestSupport
import Testing

/// The modules of `oidcc-basic-certification-test-plan`, over real sockets.
@Suite("OpenID provider, basic")
struct OpenIDBasicTests {
  private let callback = "https://rp.test/cb"

  @Test("oidcc-server: code flow with two clients of one application, the second without a second sign-in")
  func server() async throws {
    let first = try await TestRelyingParty.make()
    let second = try await first.client()
    let browser = TestBrowser(first.server)
    let back = try await first.signIn(browser)
    #expect(back.status == 303)
    let (address, parameters) = back.redirect
    #expect(address == callback)
    #expect(parameters["dummy1"] == "lorem")
    #expect(parameters["state"] == "s t&a")
    #expect(parameters["iss"] == first.issuer)
    let code = try #require(parameters["code"])
    let tokens = try await first.redeem(code)
    #expect(tokens.status == 200, "\(tokens.text)")
    #expect(tokens.headers["cache-control"] == "no-store")
    let claims = tokens.claims("id_token")
    #expect(claims["iss"]?.string == first.issuer)
    #expect(claims["aud"]?.string == first.clientID)
    #expect(claims["sub"]?.string == first.userID)
    #expect(claims["nonce"]?.string == "n-0S6")
    let hash = Base64URL.string(Digest.sha256(tokens.text("access_token").utf8)[..<16])
    #expect(claims["at_hash"]?.string == hash)
    #expect(claims["name"] == nil)
    let silent = try await second.authorize(browser)
    let other = try await second.redeem(try #require(silent.redirect.parameters["code"]))
    #expect(other.claims("id_token")["sub"]?.string == first.userID)
    #expect(other.claims("id_token")["auth_time"] == claims["auth_time"])
    #expect(try await first.userinfo(tokens.text("access_token")).text("sub") == first.userID)
  }

  @Test(
    "oidcc-response-type-missing and R10: no response_type but code, and the error goes to the registered address only")
  func responseType() async throws {
    let party = try await TestRelyingParty.make()
    for (type, error) in [
      ("", "invalid_request"), ("token", "unsupported_response_type"), ("code token", "unsupported_response_type"),
      ("id_token token", "unsupported_response_type"),
    ] {
      let answer = try await party.authorize(TestBrowser(party.server), ["response_type": type])
      #expect(answer.redirect.address == callback)
      #expect(answer.redirect.parameters["error"] == error, "\(type)")
      #expect(answer.redirect.parameters["state"] == "s t&a")
      #expect(answer.redirect.parameters["iss"] == party.issuer)
      #expect(answer.redirect.parameters["code"] == nil)
    }
  }

  @Test("oidcc-ensure-request-without-nonce-succeeds-for-code-flow")
  func withoutNonce() async throws {
    let party = try await TestRelyingParty.make()
    let back = try await party.signIn(TestBrowser(party.server), ["nonce": "", "state": ""])
    #expect(back.redirect.parameters["state"] == nil)
    let tokens = try await party.redeem(back.redirect.parameters["code"] ?? "")
    #expect(tokens.status == 200, "\(tokens.text)")
    #expect(tokens.claims("id_token")["nonce"] == nil)
  }

  @Test("oidcc-scope-all, -profile, -email, -address, -phone: claims at userinfo, not in the ID token")
  func scopes() async throws {
    let party = try await TestRelyingParty.make()
    let browser = TestBrowser(party.server)
    _ = try await party.signIn(browser)
    for (scope, claim) in [("profile", "name"), ("email", "email"), ("address", "address"), ("phone", "phone_number")] {
      let back = try await party.authorize(browser, ["scope": "\(scope) openid"])
      let tokens = try await party.redeem(back.redirect.parameters["code"] ?? "")
      let userinfo = try await party.userinfo(tokens.text("access_token"))
      #expect(userinfo[claim] != nil, "\(scope): \(userinfo.text)")
      #expect(tokens.claims("id_token")[claim] == nil)
      let others = Set(["name", "email", "address", "phone_number"]).subtracting([claim])
      #expect(others.allSatisfy { userinfo[$0] == nil }, "\(scope)")
    }
  }

  @Test("oidcc-prompt-login and oidcc-max-age-1: a fresh sign-in with a later auth_time")
  func freshSignIn() async throws {
    let party = try await TestRelyingParty.make()
    let browser = TestBrowser(party.server)
    let first = try await party.redeem(try await party.signIn(browser).redirect.parameters["code"] ?? "")
    for changes in [["prompt": "login"], ["max_age": "0"], ["prompt": "select_account"]] {
      let page = try await party.authorize(browser, changes)
      #expect(page.marker == "login", "\(changes)")
      let back = try await browser.follow(browser.signIn(page, party.username, TestRelyingParty.password))
      let tokens = try await party.redeem(back.redirect.parameters["code"] ?? "")
      let (before, after) = (first.claims("id_token")["auth_time"], tokens.claims("id_token")["auth_time"])
      #expect((after?.integer ?? 0) >= (before?.integer ?? .max))
      #expect(tokens.claims("id_token")["sid"] == first.claims("id_token")["sid"])
    }
    let old = try await party.authorize(browser, ["max_age": "10000", "prompt": "none"])
    #expect(old.redirect.parameters["code"] != nil)
  }

  @Test("oidcc-prompt-none-not-logged-in and -logged-in: never a page")
  func promptNone() async throws {
    let party = try await TestRelyingParty.make()
    let browser = TestBrowser(party.server)
    let nobody = try await party.authorize(browser, ["prompt": "none"])
    #expect(nobody.redirect.parameters["error"] == "login_required")
    #expect(nobody.redirect.parameters["state"] == "s t&a")
    let first = try await party.redeem(try await party.signIn(browser).redirect.parameters["code"] ?? "")
    let silent = try await party.authorize(browser, ["prompt": "none"])
    let second = try await party.redeem(silent.redirect.parameters["code"] ?? "")
    #expect(second.claims("id_token")["sub"]?.string == party.userID)
    #expect(second.claims("id_token")["auth_time"] == first.claims("id_token")["auth_time"])
    let mixed = try await party.authorize(browser, ["prompt": "none login"])
    #expect(mixed.redirect.parameters["error"] == "invalid_request")
  }

  @Test("oidcc-id-token-hint: silent for its own person, refused for anything else")
  func idTokenHint() async throws {
    let party = try await TestRelyingParty.make()
    let browser = TestBrowser(party.server)
    let tokens = try await party.redeem(try await party.signIn(browser).redirect.parameters["code"] ?? "")
    let hint = tokens.text("id_token")
    let silent = try await party.authorize(browser, ["prompt": "none", "id_token_hint": hint])
    #expect(silent.redirect.parameters["code"] != nil)
    for bad in [hint + "x", tokens.text("access_token"), "x.y.z"] {
      let refused = try await party.authorize(browser, ["prompt": "none", "id_token_hint": bad])
      #expect(refused.redirect.parameters["error"] == "invalid_request")
    }
  }

  @Test(
    "oidcc-ensure-request-with-unknown-parameter-succeeds, display, login_hint, ui_locales, claims_locales, acr_values")
  func harmless() async throws {
    let party = try await TestRelyingParty.make()
    let changes = [
      "extra": "foobar", "display": "popup", "login_hint": "\"><script>", "ui_locales": "zh", "claims_locales": "se",
      "acr_values": "1 2",
    ]
    let browser = TestBrowser(party.server)
    let page = try await party.authorize(browser, changes)
    #expect(page.text.contains("lang=\"zh-CN\""))
    #expect(!page.text.contains("<script>"))
    #expect(page.text.contains("value=\"&quot;&gt;&lt;script&gt;\""))
    #expect(try await party.signIn(browser, changes).redirect.parameters["code"] != nil)
  }

  @Test("oidcc-codereuse: the second use is invalid_grant and ends what the first one gave")
  func codeReuse() async throws {
    let party = try await TestRelyingParty.make()
    let code = try await party.signIn(TestBrowser(party.server)).redirect.parameters["code"] ?? ""
    let tokens = try await party.redeem(code)
    #expect(try await party.userinfo(tokens.text("access_token")).status == 200)
    let again = try await party.redeem(code)
    #expect(again.status == 400 && again.text("error") == "invalid_grant")
    #expect(try await party.userinfo(tokens.text("access_token")).status == 401)
  }

  @Test("oidcc-codereuse: of ten uses at once at most one is answered")
  func parallelCodeReuse() async throws {
    let party = try await TestRelyingParty.make()
    let code = try await party.signIn(TestBrowser(party.server)).redirect.parameters["code"] ?? ""
    let answers = try await withThrowingTaskGroup(of: TestServer.Answer.self) { group in
      for _ in 0..<10 { group.addTask { try await party.redeem(code) } }
      return try await group.reduce(into: [TestServer.Answer]()) { $0.append($1) }
    }
    let given = answers.filter { $0.status == 200 }
    #expect(given.count <= 1)
    for tokens in given { #expect(try await party.userinfo(tokens.text("access_token")).status == 401) }
  }

  @Test("of ten first codes of one client in one session, redeemed at once, each gives tokens")
  func tenTabs() async throws {
    let party = try await TestRelyingParty.make()
    let browser = TestBrowser(party.server)
    var codes = [try await party.signIn(browser).redirect.parameters["code"] ?? ""]
    for _ in 0..<9 { codes.append(try await party.authorize(browser).redirect.parameters["code"] ?? "") }
    let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
      for code in codes { group.addTask { try await party.redeem(code).status } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(statuses == Array(repeating: 200, count: 10))
  }

  @Test("oidcc-ensure-registered-redirect-uri and R01: any other spelling is a page without a way out")
  func redirectURI() async throws {
    let party = try await TestRelyingParty.make()
    let good = TestRelyingParty.callback
    let mutations = [
      good + "x", good + "/", good + "&a=b", good + "#", good + "#f", "https://rp.test/cb", "https://rp.test/cb?",
      "HTTPS://rp.test/cb?dummy1=lorem", "https://RP.test/cb?dummy1=lorem", "https://rp.test:443/cb?dummy1=lorem",
      "http://rp.test/cb?dummy1=lorem", "https://rp.test/%63b?dummy1=lorem", "https://rp.test//cb?dummy1=lorem",
      "https://rp.test/./cb?dummy1=lorem", "https://rp.test/x/../cb?dummy1=lorem", "https://rp.test\\cb?dummy1=lorem",
      "https://a@rp.test/cb?dummy1=lorem", "https://rp.test@evil.test/cb?dummy1=lorem", "https://evil.test",
      "https://rp.test.evil.test/cb?dummy1=lorem", "https://rp.test/cb;/?dummy1=lorem", " " + good, good + "\t",
      "javascript:alert(1)", "//rp.test/cb?dummy1=lorem", "/cb", "https://rp.tést/cb", good + "\r\nX: y",
    ]
    for uri in mutations {
      let answer = try await party.authorize(TestBrowser(party.server), ["redirect_uri": uri])
      #expect(answer.status == 400, "\(uri)")
      #expect(answer.marker == "error:invalid_redirect_uri", "\(uri)")
      #expect(answer.headers["location"] == nil, "\(uri)")
    }
    let missing = try await party.authorize(TestBrowser(party.server), ["redirect_uri": ""])
    #expect(missing.marker == "error:invalid_redirect_uri")
  }

  @Test("oidcc-ensure-post-request-succeeds, answered with 303")
  func post() async throws {
    let party = try await TestRelyingParty.make()
    let browser = TestBrowser(party.server)
    let answer = try await browser.post("\(party.issuerPath)/authorize", party.request())
    #expect(answer.status == 303)
    let back = try await browser.signIn(try await browser.follow(answer), party.username, TestRelyingParty.password)
    #expect(back.status == 303)
    #expect(back.redirect.parameters["code"] != nil)
  }

  @Test("oidcc request, request_uri and registration are refused, not ignored")
  func unsupported() async throws {
    let party = try await TestRelyingParty.make()
    for (name, error) in [
      ("request", "request_not_supported"), ("request_uri", "request_uri_not_supported"),
      ("registration", "registration_not_supported"), ("resource", "invalid_target"),
    ] {
      let answer = try await party.authorize(TestBrowser(party.server), [name: "https://evil.test/"])
      #expect(answer.redirect.parameters["error"] == error)
      #expect(answer.redirect.address == callback)
    }
  }

  @Test("oidcc-refresh-token: new tokens of the same sign-in; another client's token is refused")
  func refresh() async throws {
    let party = try await TestRelyingParty.make()
    let other = try await party.client()
    let back = try await party.signIn(TestBrowser(party.server))
    let tokens = try await party.redeem(back.redirect.parameters["code"] ?? "")
    let refresh = ["grant_type": "refresh_token", "refresh_token": tokens.text("refresh_token")]
    #expect(try await other.token(refresh).text("error") == "invalid_grant")
    let again = try await party.token(refresh)
    #expect(again.status == 200, "\(again.text)")
    let (before, after) = (tokens.claims("id_token"), again.claims("id_token"))
    for name in ["iss", "sub", "aud", "auth_time", "sid"] { #expect(before[name] == after[name], "\(name)") }
    #expect(after["nonce"] == nil)
  }

  @Test("response_mode=form_post: the parameters stand in a form that lets in our own script only")
  func formPost() async throws {
    let party = try await TestRelyingParty.make()
    let page = try await party.signIn(TestBrowser(party.server), ["response_mode": "form_post", "state": "<'\"&>"])
    #expect(page.status == 200 && page.headers["location"] == nil)
    #expect(page.formAction == TestRelyingParty.callback)
    #expect(page.input("state") == "<'\"&>")
    #expect(page.input("iss") == party.issuer)
    #expect(page.headers["content-security-policy"]?.contains("script-src 'self';") == true)
    #expect(page.headers["cache-control"] == "no-store")
    #expect(try await party.redeem(page.input("code")).status == 200)
  }
}
