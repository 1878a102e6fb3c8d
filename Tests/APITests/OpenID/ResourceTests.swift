import Foundation
import JSON
import TestSupport
import Testing

/// Resource indicators (RFC 8707): security.md R14, P18, R12.
@Suite("OpenID provider, resources")
struct ResourceTests {
  private static let api = "https://api.test/v1"
  private static let other = "urn:example:orders"

  private static func party() async throws -> TestRelyingParty {
    try await TestRelyingParty.make(application: #","resources":["\#(api)","\#(other)"]"#)
  }

  private static func service(_ party: TestRelyingParty) async throws -> TestRelyingParty {
    let made = try await party.tenant.send(
      "POST", "oauth-clients",
      #"{"name":"S","identity_application_id":"\#(party.applicationID)","type":"service"}"#)
    return TestRelyingParty(
      tenant: party.tenant, applicationID: party.applicationID, issuerPath: party.issuerPath,
      clientID: made.text("id"), secret: made.text("client_secret"), username: "", userID: "")
  }

  @Test("R14: a token for a resource says so, opens nothing of ours, and is introspected and revoked like any other")
  func audience() async throws {
    let party = try await Self.party()
    let service = try await Self.service(party)
    let browser = TestBrowser(party.server)
    let back = try await party.signIn(browser, ["resource": Self.api])
    let tokens = try await party.redeem(back.redirect.parameters["code"] ?? "", ["resource": Self.api])
    #expect(tokens.status == 200, "\(tokens.text)")
    let token = tokens.text("access_token")
    #expect(tokens.claims("access_token")["aud"]?.string == Self.api)
    #expect(tokens.claims("id_token")["aud"]?.string == party.clientID)
    #expect(try await party.userinfo(token).status == 401)
    #expect(try await party.tenant.server.send("GET", "/t/\(party.tenant.slug)/v1/api-keys", key: token).status == 401)
    func introspect() async throws -> TestServer.Answer {
      let basic = Data("\(service.clientID):\(service.secret)".utf8).base64EncodedString()
      return try await party.server.send(
        "POST", "\(party.issuerPath)/introspect", "token=\(token)",
        headers: [("Content-Type", "application/x-www-form-urlencoded"), ("Authorization", "Basic \(basic)")])
    }
    #expect(try await introspect()["aud"]?.string == Self.api)
    let basic = Data("\(party.clientID):\(party.secret)".utf8).base64EncodedString()
    _ = try await party.server.send(
      "POST", "\(party.issuerPath)/revoke", "token=\(token)",
      headers: [("Content-Type", "application/x-www-form-urlencoded"), ("Authorization", "Basic \(basic)")])
    #expect(try await introspect().text == #"{"active":false}"#)
  }

  @Test("R12: a refresh keeps the resource and takes no other; a refused one does not cost the token")
  func refresh() async throws {
    let party = try await Self.party()
    let browser = TestBrowser(party.server)
    let back = try await party.signIn(browser, ["resource": Self.api])
    let tokens = try await party.redeem(back.redirect.parameters["code"] ?? "")
    func refresh(_ token: String, _ resource: String) async throws -> TestServer.Answer {
      try await party.token(["grant_type": "refresh_token", "refresh_token": token, "resource": resource])
    }
    #expect(try await refresh(tokens.text("refresh_token"), Self.other).text("error") == "invalid_target")
    let kept = try await refresh(tokens.text("refresh_token"), "")
    #expect(kept.claims("access_token")["aud"]?.string == Self.api)
    // The lost answer again, with another resource.
    #expect(try await refresh(tokens.text("refresh_token"), Self.other).text("error") == "invalid_target")
    let named = try await refresh(kept.text("refresh_token"), Self.api)
    #expect(named.claims("access_token")["aud"]?.string == Self.api)
    let plain = try await party.redeem(try await party.authorize(browser).redirect.parameters["code"] ?? "")
    #expect(plain.claims("access_token")["aud"]?.string == party.issuer)
    #expect(try await refresh(plain.text("refresh_token"), Self.api).text("error") == "invalid_target")
    #expect(try await party.userinfo(plain.text("access_token")).status == 200)
  }

  @Test("P18: an unknown resource, two at once and another one at the token endpoint are invalid_target")
  func refused() async throws {
    let party = try await Self.party()
    let browser = TestBrowser(party.server)
    for resource in ["https://evil.test/", Self.api + "/", Self.api + "#f", "api", "\(Self.api) \(Self.other)"] {
      let answer = try await party.authorize(browser, ["resource": resource])
      #expect(answer.redirect.parameters["error"] == "invalid_target", "\(resource)")
      #expect(try await party.push(["resource": resource]).text("error") == "invalid_target")
    }
    let query = TestBrowser.form(party.request(["resource": Self.api]) + [("resource", Self.other)])
    let two = try await browser.follow(browser.get("\(party.issuerPath)/authorize?\(query)"))
    #expect(two.redirect.parameters["error"] == "invalid_target")
    let back = try await party.signIn(browser, ["resource": Self.api])
    let code = back.redirect.parameters["code"] ?? ""
    #expect(try await party.redeem(code, ["resource": Self.other]).text("error") == "invalid_target")
    #expect(try await party.redeem(code).text("error") == "invalid_grant", "burned")
  }

  @Test("client credentials take a resource too")
  func clientCredentials() async throws {
    let service = try await Self.service(try await Self.party())
    let grant = ["grant_type": "client_credentials"]
    let issued = try await service.token(grant.merging(["resource": Self.other]) { $1 })
    #expect(issued.claims("access_token")["aud"]?.string == Self.other)
    #expect(try await service.token(grant).claims("access_token")["aud"]?.string == service.issuer)
    let unknown = try await service.token(grant.merging(["resource": "https://evil.test/"]) { $1 })
    #expect(unknown.text("error") == "invalid_target")
  }

  @Test("an application's resources are absolute URIs without a fragment, at most 50, and can be patched")
  func settings() async throws {
    let tenant = try await TestServer.shared().tenant()
    let id = try await tenant.application()
    let path = "identity-applications/\(id)"
    #expect(try await tenant.send("GET", path)["resources"] == .array([]))
    for bad in [
      #"["api"]"#, #"["https://a.test/#x"]"#, #"["https://a.test/","https://a.test/"]"#, "null", #""x""#, "[1]",
    ] {
      let answer = try await tenant.send("PATCH", path, #"{"resources":\#(bad)}"#)
      #expect(answer.status == 422 && answer.pointers.first?.hasPrefix("/resources") == true, "\(bad): \(answer.text)")
    }
    let many = (0..<51).map { "\"https://a.test/\($0)\"" }.joined(separator: ",")
    #expect(try await tenant.send("PATCH", path, "{\"resources\":[\(many)]}").status == 422)
    let set = try await tenant.send("PATCH", path, #"{"resources":["https://a.test/","urn:x:y"]}"#)
    #expect(set["resources"] == .array([.string("https://a.test/"), .string("urn:x:y")]), "\(set.text)")
    #expect(try await tenant.send("PATCH", path, #"{"name":"B"}"#)["resources"]?.array?.count == 2)
    #expect(try await tenant.send("PATCH", path, #"{"resources":[]}"#)["resources"] == .array([]))
  }
}
