import JSON
import TestSupport
import Testing

/// As whom a person agrees, signs out and is signed in.
@Suite("names on the hosted pages")
struct ShownNameTests {
  private static let device = "urn:ietf:params:oauth:grant-type:device_code"

  @Test("the question for consent and the one before a sign-out say as whom, and offer to stay")
  func questions() async throws {
    let party = try await TestRelyingParty.make(settings: #""require_consent":true"#)
    let browser = TestBrowser(party.server)
    let question = try await party.signIn(browser)
    #expect(question.marker == "consent" && question.text.contains("Signed in as Buffy"), "\(question.text)")
    let logout = try await browser.get("\(party.issuerPath)/logout")
    #expect(logout.marker == "logout-confirm" && logout.text.contains("Signed in as Buffy"), "\(logout.text)")
    #expect(logout.href(containing: "/account") == "\(party.issuer)/account")
    let stranger = try await TestBrowser(party.server).get("\(party.issuerPath)/logout")
    #expect(stranger.marker == "logged-out" && !stranger.text.contains("Buffy"))
  }

  @Test("a device's session is shown by the name of its client, a browser's as a browser")
  func sessions() async throws {
    let party = try await TestRelyingParty.make()
    let set = try await party.client(
      type: "native", settings: #""require_consent":false,"grant_types":["\#(Self.device)"]"#)
    let renamed = try await party.tenant.send("PATCH", "oauth-clients/\(set.clientID)", #"{"name":"Television"}"#)
    #expect(renamed.status == 200, "\(renamed.text)")
    let asked = try await set.post("device_authorization", [:])
    let browser = try await party.accountBrowser()
    #expect(try await !party.account(browser).text.contains("<strong>Television"))
    let page = try await browser.get("\(party.issuerPath)/device")
    let question = try await browser.follow(
      browser.post(page.formAction, [("csrf", page.input("csrf")), ("user_code", asked.text("user_code"))]))
    #expect(try await browser.decide(question, "allow").marker == "device-done")
    let tokens = try await set.token(["grant_type": Self.device, "device_code": asked.text("device_code")])
    #expect(tokens.status == 200, "\(tokens.text)")
    let account = try await party.account(browser)
    #expect(
      account.text.contains("<strong>Television</strong>") && account.text.contains("<strong>Browser"),
      "\(account.text)")
  }
}
