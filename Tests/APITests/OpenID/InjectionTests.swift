import Foundation
import Testing

/// R03: no parameter of a page leads a browser away, and none becomes markup, a header or a rule of ours.
@Suite("OpenID provider, injection through parameters")
struct InjectionTests {
  private static let values = [
    "https://evil.test/", "//evil.test/", "\\\\evil.test", "javascript:alert(1)", #""><script>alert(1)</script>"#,
    "'><script>alert(1)</script>", "</title></style><svg onload=alert(1)>", "\" onmouseover=\"alert(1)",
    "x\r\nLocation: https://evil.test/\r\nSet-Cookie: evil=1", "evil.test; script-src *", "\0<script>alert(1)</script>",
  ]

  /// What an answer must not have, whatever was sent.
  private func expectHarmless(_ answer: TestServer.Answer, _ party: TestRelyingParty, _ what: String) {
    #expect(answer.status < 500, "\(what)")
    if let location = answer.headers["location"] {
      let isOurs = location.hasPrefix("\(party.issuer)/") || answer.redirect.address == "https://rp.test/cb"
      #expect(isOurs, "\(what): \(location)")
    }
    for name in ["set-cookie", "refresh", "link"] {
      #expect(answer.headers[name]?.contains("evil") != true, "\(what): \(name)")
    }
    let policy = answer.headers["content-security-policy"] ?? ""
    #expect(!policy.contains("evil.test") && !policy.contains("*") && !policy.contains("unsafe"), "\(what): \(policy)")
    for markup in [
      "<script>alert", "<svg onload", "\" onmouseover", "href=\"javascript:", "action=\"javascript:",
      "src=\"javascript:", "action=\"https://evil", "href=\"https://evil",
      "src=\"https://evil", "action=\"//evil", "href=\"//evil", "src=\"//evil", "action=\"\\", "href=\"\\",
      "http-equiv",
    ] {
      let isIn = answer.text.contains(markup)
      #expect(!isIn, "\(what): \(markup)")
    }
  }

  @Test("R03: every parameter of the authorization endpoint, for nobody and for somebody who is signed in")
  func authorize() async throws {
    let party = try await TestRelyingParty.make()
    let signedIn = TestBrowser(party.server)
    _ = try await party.signIn(signedIn)
    let names = [
      "client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "code_challenge",
      "code_challenge_method", "prompt", "max_age", "display", "login_hint", "ui_locales", "claims_locales",
      "acr_values",
      "id_token_hint", "claims", "request", "request_uri", "registration", "resource", "dpop_jkt", "idp_hint", "iss",
      "error",
      "error_description", "error_uri", "next", "return_to", "continue", "url", "interaction", "pushed_request",
      "\"><b>",
    ]
    for (index, name) in names.enumerated() {
      for (other, value) in Self.values.enumerated() {
        // By turns, so that each parameter and each value is seen with both.
        let browser = (index + other).isMultiple(of: 2) ? TestBrowser(party.server) : signedIn
        expectHarmless(try await party.authorize(browser, [name: value]), party, "\(name)=\(value)")
      }
    }
    for value in Self.values {
      let form = try await party.authorize(signedIn, ["state": value, "response_mode": "form_post"])
      // A character that no text of the database may have is refused with a page.
      let isRefused = value.hasPrefix("\0") && form.marker == "error:invalid_request"
      #expect(form.formAction == TestRelyingParty.callback || isRefused, "\(value)")
      #expect(!form.text.contains("<script>alert") && !form.text.contains("<svg onload"))
      let wrong = try await signedIn.post("\(party.issuerPath)/authorize", party.request(["scope": value]))
      expectHarmless(wrong, party, "POST scope=\(value)")
    }
  }

  @Test("R03: the fields of the pages behind it: sign-in, second factor, consent and device")
  func pages() async throws {
    let device = "urn:ietf:params:oauth:grant-type:device_code"
    let party = try await TestRelyingParty.make(
      settings: #""require_consent":true,"grant_types":["authorization_code","\#(device)"]"#,
      application: #","mfa":"required""#)
    let browser = TestBrowser(party.server)
    let login = try await party.authorize(browser)
    let base = party.issuerPath
    let names = [
      "interaction", "ui_locales", "user_code", "notice", "error", "next", "code", "state", "csrf", "decision",
    ]
    for value in Self.values {
      for page in ["login", "consent", "mfa", "mfa/enroll", "device", "wechat/continue", "wechat/register"] {
        let fields = names.map { ($0, value) }
        let shown = try await browser.get("\(base)/\(page)?\(TestBrowser.form(fields))")
        expectHarmless(shown, party, "GET \(page) \(value)")
        expectHarmless(try await browser.post("\(base)/\(page)", fields), party, "POST \(page) \(value)")
      }
    }
    for value in Self.values.suffix(3) {
      let failed = try await browser.signIn(login, value, value)
      #expect(failed.marker == "login" || failed.status == 400, "\(failed.text)")
      expectHarmless(failed, party, "username=\(value)")
    }
    let enrolment = try await browser.follow(browser.signIn(login, party.username, TestRelyingParty.password))
    #expect(enrolment.marker == "mfa-enroll")
    for value in Self.values {
      let fields = [("interaction", enrolment.input("interaction")), ("code", value), ("secret", value)]
      expectHarmless(try await browser.post(enrolment.formAction, fields), party, "enrolment code=\(value)")
    }
  }

  @Test("R03: the parameters of logout, with a hint and without, and of its confirmation")
  func logout() async throws {
    let party = try await TestRelyingParty.make(
      settings: #""require_consent":false,"post_logout_redirect_uris":["https://rp.test/bye"]"#)
    let browser = TestBrowser(party.server)
    let tokens = try await party.redeem(try await party.signIn(browser).redirect.parameters["code"] ?? "")
    for value in Self.values {
      for name in [
        "id_token_hint", "post_logout_redirect_uri", "state", "client_id", "ui_locales", "logout_hint", "next",
      ] {
        let fields = [(name, value)]
        let query = TestBrowser.form(fields)
        expectHarmless(try await browser.get("\(party.issuerPath)/logout?\(query)"), party, "GET \(name)=\(value)")
        let posted = try await browser.post("\(party.issuerPath)/logout", fields + [("confirmation", value)])
        expectHarmless(posted, party, "POST \(name)=\(value)")
      }
      let wrong = [("id_token_hint", tokens.text("id_token")), ("post_logout_redirect_uri", value), ("state", value)]
      let refused = try await browser.get("\(party.issuerPath)/logout?\(TestBrowser.form(wrong))")
      #expect(refused.status == 400 && refused.headers["location"] == nil, "\(value)")
      expectHarmless(refused, party, "post_logout_redirect_uri=\(value)")
    }
    #expect(
      try await party.authorize(browser, ["prompt": "none"]).redirect.parameters["code"] != nil, "still signed in")
  }

  @Test("R03: the parameters of the account page and of its form")
  func account() async throws {
    let party = try await TestRelyingParty.make()
    let browser = try await party.accountBrowser()
    let token = try await party.account(browser).input("csrf")
    for value in Self.values {
      for name in ["notice", "ui_locales", "error", "next", "id"] {
        let query = TestBrowser.form([(name, value)])
        let page = try await browser.get("\(party.issuerPath)/account?\(query)")
        #expect(page.marker == (value.hasPrefix("\0") ? "error:invalid_request" : "account"), "\(name)=\(value)")
        expectHarmless(page, party, "GET \(name)=\(value)")
      }
      for fields in [
        [("operation", value)], [("operation", "session_end"), ("id", value)],
        [("operation", "consent_revoke"), ("id", value)],
        [("operation", "mfa_confirm"), ("code", value)], [("csrf", value), ("operation", "sign_out")],
      ] {
        let all = fields[0].0 == "csrf" ? fields : [("csrf", token)] + fields
        expectHarmless(try await browser.post("\(party.issuerPath)/account", all), party, "POST \(fields)")
      }
    }
  }
}
