import JSON
import TestSupport
import Testing

/// Resource indicators of devices (RFC 8628 section 3.1, RFC 8707).
@Suite("OpenID provider, resources of devices")
struct DeviceResourceTests {
  private static let api = "https://api.test/v1"
  private static let other = "urn:example:orders"
  private static let grant = "urn:ietf:params:oauth:grant-type:device_code"

  private static func party() async throws -> TestRelyingParty {
    try await TestRelyingParty.make(
      type: "native", settings: #""require_consent":false,"grant_types":["\#(grant)","refresh_token"]"#,
      application: #","resources":["\#(api)","\#(other)"]"#)
  }

  private static func poll(
    _ party: TestRelyingParty, _ asked: TestServer.Answer, _ resource: String = ""
  ) async throws -> TestServer.Answer {
    try await party.token(["grant_type": grant, "device_code": asked.text("device_code"), "resource": resource])
  }

  private static func approve(_ party: TestRelyingParty, _ asked: TestServer.Answer) async throws {
    let browser = TestBrowser(party.server)
    let page = try await browser.get("\(party.issuerPath)/device")
    let login = try await browser.follow(
      browser.post(page.formAction, [("csrf", page.input("csrf")), ("user_code", asked.text("user_code"))]))
    let question = try await browser.follow(browser.signIn(login, party.username, TestRelyingParty.password))
    let done = try await browser.decide(question, "allow")
    #expect(done.marker == "device-done", "\(done.text)")
  }

  @Test("a device's tokens are for the resource it asked for, after a refresh too, and for no other")
  func audience() async throws {
    let party = try await Self.party()
    let asked = try await party.post("device_authorization", ["resource": Self.api])
    #expect(asked.status == 200, "\(asked.text)")
    try await Self.approve(party, asked)
    let other = try await Self.poll(party, asked, Self.other)
    #expect(other.status == 400 && other.text("error") == "invalid_target", "\(other.text)")
    let tokens = try await Self.poll(party, asked, Self.api)
    #expect(tokens.claims("access_token")["aud"]?.string == Self.api, "\(tokens.text)")
    let again = try await party.token(["grant_type": "refresh_token", "refresh_token": tokens.text("refresh_token")])
    #expect(again.claims("access_token")["aud"]?.string == Self.api, "\(again.text)")
    #expect(try await party.userinfo(again.text("access_token")).status == 401)
  }

  @Test("a resource the application does not name, and one that comes with the poll only, are invalid_target")
  func refused() async throws {
    let party = try await Self.party()
    for resource in ["https://evil.test/", "\(Self.api) \(Self.other)", Self.api + "#f"] {
      let refused = try await party.post("device_authorization", ["resource": resource])
      #expect(refused.status == 400 && refused.text("error") == "invalid_target", "\(resource): \(refused.text)")
    }
    let asked = try await party.post("device_authorization", [:])
    try await Self.approve(party, asked)
    #expect(try await Self.poll(party, asked, Self.api).text("error") == "invalid_target")
    let plain = try await Self.poll(party, asked)
    #expect(plain.claims("access_token")["aud"]?.string == party.issuer, "\(plain.text)")
  }
}
