import Foundation
import JSON
import Testing

/// What begins at one issuer and is brought to another, of another tenant and of the same one.
extension CrossedIssuersTests {
  private static let device = "urn:ietf:params:oauth:grant-type:device_code"

  private func pair(
    inOneTenant: Bool, type: String = "web", settings: String = #""require_consent":false"#
  ) async throws -> (a: TestRelyingParty, b: TestRelyingParty) {
    let a = try await TestRelyingParty.make(type: type, settings: settings)
    return (a, try await TestRelyingParty.make(type: type, settings: settings, in: inOneTenant ? a.tenant : nil))
  }

  @Test(
    "a request pushed at A is unknown at B, to B's client and A's, and is not spent there", arguments: [false, true])
  func pushedRequest(inOneTenant: Bool) async throws {
    let (a, b) = try await pair(inOneTenant: inOneTenant)
    let browser = TestBrowser(a.server)
    let uri = try await a.push().text("request_uri")
    for client in [a.clientID, b.clientID] {
      let page = try await b.bring(browser, uri, ["client_id": client])
      #expect(page.status == 400 && page.marker.hasPrefix("error:") && page.headers["location"] == nil)
      #expect(!page.text.contains(a.applicationID) && !page.text.contains(a.username))
    }
    let refused = try await a.post(at: b.issuerPath, "par", ["response_type": "code"])
    #expect(refused.status == 401 && refused.text("error") == "invalid_client")
    #expect(try await a.bring(browser, uri).marker == "login")
  }

  @Test("a user_code and a device_code of A are nothing at B, and go on at A", arguments: [false, true])
  func deviceCode(inOneTenant: Bool) async throws {
    let settings = #""require_consent":false,"grant_types":["\#(Self.device)","refresh_token","authorization_code"]"#
    let (a, b) = try await pair(inOneTenant: inOneTenant, type: "native", settings: settings)
    let asked = try await a.post("device_authorization", [:])
    let browser = TestBrowser(a.server)
    func type(at party: TestRelyingParty) async throws -> TestServer.Answer {
      let page = try await browser.get("\(party.issuerPath)/device")
      let fields = [("csrf", page.input("csrf")), ("user_code", asked.text("user_code"))]
      return try await browser.follow(browser.post(page.formAction, fields))
    }
    let typed = try await type(at: b)
    #expect(typed.status == 400 && typed.marker == "device", "\(typed.text)")
    func poll(_ party: TestRelyingParty, at issuer: String) async throws -> String {
      let fields = ["grant_type": Self.device, "device_code": asked.text("device_code")]
      return try await party.post(at: issuer, "token", fields).text("error")
    }
    #expect(try await poll(b, at: b.issuerPath) == "invalid_grant")
    #expect(try await poll(a, at: b.issuerPath) == "invalid_client")
    #expect(try await poll(a, at: a.issuerPath) == "authorization_pending")
    #expect(try await type(at: a).marker == "login")
  }

  @Test("an assertion for A authenticates nobody at B, nor one for B the client of A", arguments: [false, true])
  func assertion(inOneTenant: Bool) async throws {
    let signer = try TestSigner()
    let settings = """
      "require_consent":false,"token_endpoint_auth_method":"private_key_jwt","jwks":\(try TestSigner.set([signer]))
      """
    let (a, b) = try await pair(inOneTenant: inOneTenant, settings: settings)
    // Both clients have the same key: only the names in the assertion keep them apart.
    func status(_ client: TestRelyingParty, audience: String, at party: TestRelyingParty) async throws -> Int {
      let now = Int(Date().timeIntervalSince1970)
      let claims = JSONObject([
        ("iss", .string(client.clientID)), ("sub", .string(client.clientID)), ("aud", .string(audience)),
        ("jti", .string(UUID().uuidString)), ("exp", .number("\(now + 60)")), ("iat", .number("\(now)")),
      ])
      return try await party.form(
        "revoke",
        [
          ("token", "x"), ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
          ("client_assertion", try signer.sign(claims)),
        ]
      ).status
    }
    #expect(try await status(a, audience: a.issuer, at: b) == 401)
    #expect(try await status(a, audience: b.issuer, at: b) == 401)
    #expect(try await status(b, audience: a.issuer, at: b) == 401)
    #expect(try await status(a, audience: b.issuer, at: a) == 401)
    #expect(try await status(a, audience: a.issuer, at: a) == 200)
    #expect(try await status(b, audience: b.issuer, at: b) == 200)
  }
}
