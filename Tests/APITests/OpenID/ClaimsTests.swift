import Foundation
import JSON
import TestSupport
import Testing

/// The `claims` parameter and `acr`: security.md 1.2 rows 27 and 35, 1.9 claims flows, O07.
@Suite("OpenID provider, claims")
struct ClaimsTests {
  private static func tokens(
    _ party: TestRelyingParty, _ browser: TestBrowser, _ claims: String, _ more: [String: String] = [:]
  ) async throws -> TestServer.Answer {
    let back = try await party.authorize(browser, ["claims": claims].merging(more) { $1 })
    return try await party.redeem(back.redirect.parameters["code"] ?? "")
  }

  @Test("oidcc-claims-essential, O07: exactly the claims that are asked for, each in its place, also after a refresh")
  func places() async throws {
    let party = try await TestRelyingParty.make()
    let browser = TestBrowser(party.server)
    _ = try await party.signIn(browser)
    let asked = """
      {"userinfo":{"name":{"essential":true},"phone_number":null,"nonsense":null,"name#ja":null},
      "id_token":{"email":{"essential":true},"auth_time":{"essential":true}},"other":{"x":1}}
      """
    let tokens = try await Self.tokens(party, browser, asked)
    #expect(tokens.text("scope") == "openid")
    let refreshed = try await party.token([
      "grant_type": "refresh_token", "refresh_token": tokens.text("refresh_token"),
    ])
    for answer in [tokens, refreshed] {
      let idToken = answer.claims("id_token")
      #expect(idToken["email"]?.string == "\(party.username)@host.test")
      #expect(idToken["name"] == nil && idToken["email_verified"] == nil)
      let userinfo = try await party.userinfo(answer.text("access_token"))
      #expect(Set(userinfo.json.members.map(\.name)) == ["sub", "name", "phone_number"], "\(userinfo.text)")
    }
    let both = try await Self.tokens(
      party, browser, #"{"userinfo":{"address":null,"email_verified":null}}"#, ["scope": "openid phone"])
    let userinfo = try await party.userinfo(both.text("access_token"))
    let names: Set = ["sub", "address", "email_verified", "phone_number", "phone_number_verified"]
    #expect(Set(userinfo.json.members.map(\.name)) == names)
    let plain = try await party.redeem(try await party.authorize(browser).redirect.parameters["code"] ?? "")
    #expect(try await party.userinfo(plain.text("access_token")).json.members.count == 1)
  }

  @Test("a claim beyond the client's scopes is left out, and one within them is agreed to like its scope")
  func agreement() async throws {
    let party = try await TestRelyingParty.make(settings: #""require_consent":true"#)
    let path = "oauth-clients/\(party.clientID)"
    _ = try await party.tenant.send("PATCH", path, #"{"scopes":["openid","email"]}"#)
    let browser = TestBrowser(party.server)
    let first = try await party.signIn(browser)
    _ = try await browser.decide(first, "allow")
    #expect(try await party.authorize(browser, ["prompt": "none"]).redirect.parameters["code"] != nil)
    let claims = #"{"userinfo":{"email":null,"phone_number":{"essential":true}}}"#
    let silent = try await party.authorize(browser, ["prompt": "none", "claims": claims])
    #expect(silent.redirect.parameters["error"] == "consent_required")
    let page = try await party.authorize(browser, ["claims": claims])
    #expect(page.marker == "consent" && page.text.contains("e-mail") && !page.text.contains("phone number"))
    let back = try await browser.decide(page, "allow")
    let tokens = try await party.redeem(back.redirect.parameters["code"] ?? "")
    let userinfo = try await party.userinfo(tokens.text("access_token"))
    #expect(Set(userinfo.json.members.map(\.name)) == ["sub", "email"])
    let again = try await party.authorize(browser, ["prompt": "none", "claims": claims])
    #expect(again.redirect.parameters["code"] != nil, "it is remembered")
  }

  @Test("wrong JSON is invalid_request, at the authorization endpoint and when it is pushed")
  func malformed() async throws {
    let party = try await TestRelyingParty.make()
    for claims in [
      "{", "[]", "1", "null", #"{"userinfo":[]}"#, #"{"id_token":{"name":1}}"#, #"{"userinfo":{"name":"x"}}"#,
      #"{"userinfo":{},"userinfo":{}}"#, String(repeating: #"{"userinfo":"#, count: 40),
    ] {
      let answer = try await party.authorize(TestBrowser(party.server), ["claims": claims])
      #expect(answer.redirect.parameters["error"] == "invalid_request", "\(claims)")
      #expect(try await party.push(["claims": claims]).text("error") == "invalid_request", "\(claims)")
    }
    let good = try await party.push(["claims": #"{"userinfo":null,"id_token":{}}"#])
    #expect(good.status == 201, "\(good.text)")
  }

  @Test("OP-claims-sub: another person than the one who is asked for is never answered for")
  func subject() async throws {
    let party = try await TestRelyingParty.make()
    let browser = TestBrowser(party.server)
    _ = try await party.signIn(browser)
    func claims(_ subject: String) -> [String: String] {
      ["claims": #"{"id_token":{"sub":{"value":"\#(subject)"}}}"#, "prompt": "none"]
    }
    #expect(try await party.authorize(browser, claims(party.userID)).redirect.parameters["code"] != nil)
    let other = claims(UUID().uuidString.lowercased())
    #expect(try await party.authorize(browser, other).redirect.parameters["error"] == "login_required")
    let page = try await party.authorize(browser, other.merging(["prompt": ""]) { $1 })
    #expect(page.marker == "login")
    let wrong = try await browser.follow(browser.signIn(page, party.username, TestRelyingParty.password))
    #expect(wrong.redirect.parameters["error"] == "login_required" && wrong.redirect.parameters["code"] == nil)
  }

  @Test(
    "oidcc-ensure-request-with-acr-values-succeeds: acr says one factor or two; an essential one that is not met is an error"
  )
  func classes() async throws {
    let party = try await TestRelyingParty.make()
    let browser = TestBrowser(party.server)
    let back = try await party.signIn(browser, ["acr_values": "2 1"])
    let tokens = try await party.redeem(back.redirect.parameters["code"] ?? "")
    #expect(tokens.claims("id_token")["acr"]?.string == "1")
    let essential = #"{"id_token":{"acr":{"essential":true,"values":["2"]}}}"#
    let silent = try await party.authorize(browser, ["claims": essential, "prompt": "none"])
    #expect(silent.redirect.parameters["error"] == "login_required")
    let page = try await party.authorize(browser, ["claims": essential])
    #expect(page.marker == "login", "a better sign-in may come")
    let unmet = try await browser.follow(browser.signIn(page, party.username, TestRelyingParty.password))
    #expect(unmet.redirect.parameters["error"] == "unmet_authentication_requirements")
    #expect(unmet.redirect.parameters["code"] == nil)
    let voluntary = #"{"id_token":{"acr":{"values":["2"]}}}"#
    #expect(try await party.authorize(browser, ["claims": voluntary]).redirect.parameters["code"] != nil)
    _ = try await party.server.database.administer(
      "UPDATE sessions SET amr = '{pwd,otp,mfa}' WHERE tenant_id = '\(party.tenant.id)'")
    let strong = try await Self.tokens(party, browser, essential)
    #expect(strong.claims("id_token")["acr"]?.string == "2")
  }

  @Test("the metadata says so")
  func metadata() async throws {
    let party = try await TestRelyingParty.make()
    let metadata = try await party.server.send("GET", "\(party.issuerPath)/.well-known/openid-configuration")
    #expect(metadata["claims_parameter_supported"] == .boolean(true))
    #expect(metadata["acr_values_supported"] == .array([.string("1"), .string("2")]))
    #expect(metadata["claims_supported"]?.array?.contains(.string("acr")) == true)
  }
}
