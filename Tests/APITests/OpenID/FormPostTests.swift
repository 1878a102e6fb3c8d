import Foundation
import Testing

/// `oidcc-formpost-basic-certification-test-plan`, as far as an answer differs: errors, pushed requests, nothing in an address.
@Suite("OpenID provider, form_post")
struct FormPostTests {
  private func holds(_ page: TestServer.Answer, _ error: String, _ party: TestRelyingParty) -> Bool {
    page.status == 200 && page.headers["location"] == nil && page.formAction == TestRelyingParty.callback
      && page.input("error") == error && page.input("state") == "s t&a" && page.input("iss") == party.issuer
      && !page.text.contains("name=\"code\"") && page.headers["cache-control"] == "no-store"
  }

  @Test("OP-Response-form_post-Error: login_required, access_denied and a bad request travel in the form, not in a URL")
  func errors() async throws {
    let party = try await TestRelyingParty.make(settings: #""require_consent":true"#)
    let browser = TestBrowser(party.server)
    let mode = ["response_mode": "form_post"]
    let nobody = try await party.authorize(browser, mode.merging(["prompt": "none"]) { $1 })
    #expect(holds(nobody, "login_required", party), "\(nobody.text)")
    let type = try await party.authorize(browser, mode.merging(["response_type": "token"]) { $1 })
    #expect(holds(type, "unsupported_response_type", party), "\(type.text)")
    let scope = try await party.authorize(browser, mode.merging(["scope": "openid admin"]) { $1 })
    #expect(holds(scope, "invalid_scope", party), "\(scope.text)")
    let denied = try await browser.decide(try await party.signIn(browser, mode), "deny")
    #expect(holds(denied, "access_denied", party), "\(denied.text)")
    let consent = try await party.authorize(browser, mode.merging(["prompt": "none"]) { $1 })
    #expect(holds(consent, "consent_required", party), "\(consent.text)")
  }

  @Test("an address that is not registered gets a page and no form that leads there")
  func unregistered() async throws {
    let party = try await TestRelyingParty.make()
    let changes = ["response_mode": "form_post", "redirect_uri": "https://evil.test/"]
    let page = try await party.authorize(TestBrowser(party.server), changes)
    #expect(page.status == 400 && page.marker == "error:invalid_redirect_uri" && !page.text.contains("evil.test"))
  }

  @Test("a pushed request with form_post answers with the form, the code in it works, and an error is in a form too")
  func pushed() async throws {
    let party = try await TestRelyingParty.make()
    let browser = TestBrowser(party.server)
    let uri = try await party.push(["response_mode": "form_post"]).text("request_uri")
    let page = try await party.bring(browser, uri)
    let back = try await browser.follow(browser.signIn(page, party.username, TestRelyingParty.password))
    #expect(back.status == 200 && back.headers["location"] == nil && back.formAction == TestRelyingParty.callback)
    #expect(back.input("state") == "s t&a" && back.input("iss") == party.issuer)
    #expect(try await party.redeem(back.input("code")).status == 200)
    let silent = try await party.push(["response_mode": "form_post", "prompt": "none"]).text("request_uri")
    let refused = try await party.bring(TestBrowser(party.server), silent)
    #expect(holds(refused, "login_required", party), "\(refused.text)")
  }
}
