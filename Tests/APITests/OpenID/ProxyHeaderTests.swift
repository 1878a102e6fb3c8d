import Foundation
import JSON
import Testing

/// R26: what only a proxy may say is nothing when anybody else says it.
@Suite("OpenID provider, forwarded headers")
struct ProxyHeaderTests {
  private static let headers = [
    ("X-Forwarded-Host", "evil.test"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Port", "444"),
    ("X-Forwarded-Prefix", "/evil"), ("Forwarded", "host=evil.test;proto=https;for=192.0.2.9"),
    ("X-Real-IP", "192.0.2.9"),
    ("X-Host", "evil.test"), ("X-Original-URL", "/evil"), ("X-Rewrite-URL", "/evil"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("X-Client-Cert", "MIIB"), ("X-SSL-Client-Verify", "SUCCESS"), ("X-Remote-User", "admin"),
  ]

  @Test("R26: metadata, pages, redirects and resources name the public address, with these headers as without")
  func addresses() async throws {
    let party = try await TestRelyingParty.make()
    for path in [
      "\(party.issuerPath)/.well-known/openid-configuration", "\(party.issuerPath)/jwks.json", "/openapi.json",
      "/.well-known/oauth-authorization-server\(party.issuerPath)",
    ] {
      let plain = try await party.server.send("GET", path)
      for headers in [Self.headers, Self.headers + [("Host", "evil.test")]] {
        let told = try await party.server.send("GET", path, headers: headers)
        #expect(told.status == plain.status && told.text == plain.text, "\(path)")
        #expect(!told.text.contains("evil"))
      }
    }
    let query = TestBrowser.form(party.request())
    let login = try await party.server.send("GET", "\(party.issuerPath)/authorize?\(query)", headers: Self.headers)
    #expect(login.redirect.address == "\(party.issuer)/login", "\(login.text)")
    #expect(login.headers["set-cookie"]?.contains("Domain") == false)
    let page = try await party.server.send("GET", "\(party.issuerPath)/device", headers: Self.headers)
    #expect(
      page.formAction == "\(party.issuer)/device" || page.formAction.hasPrefix(party.issuerPath), "\(page.formAction)")
    let none = TestBrowser.form(party.request(["prompt": "none"]))
    let refused = try await party.server.send("GET", "\(party.issuerPath)/authorize?\(none)", headers: Self.headers)
    #expect(refused.redirect.parameters["iss"] == party.issuer)
    let shown = try await party.tenant.send(
      "GET", "identity-applications/\(party.applicationID)", headers: Self.headers)
    #expect(shown.text("issuer") == party.issuer)
    let made = try await party.tenant.send(
      "POST", "api-keys", #"{"name":"K","scopes":["tenant:read"]}"#, headers: Self.headers)
    #expect(made.status == 201 && made.headers["location"]?.contains("evil") != true)
  }

  @Test("R26: a certificate, a user or a method in a header authenticates nobody and changes no request")
  func credentials() async throws {
    let party = try await TestRelyingParty.make()
    let named = [("client_id", party.clientID), ("grant_type", "client_credentials")]
    let refused = try await party.form("token", named, headers: Self.headers)
    #expect(refused.status == 401 && refused.text("error") == "invalid_client")
    let path = "/t/\(party.tenant.slug)/v1/oauth-clients/\(party.clientID)"
    #expect(try await party.server.send("GET", path, headers: Self.headers).status == 401)
    #expect(try await party.server.send("GET", "\(party.issuerPath)/userinfo", headers: Self.headers).status == 401)
    let shown = try await party.tenant.send("GET", "oauth-clients/\(party.clientID)", headers: Self.headers)
    #expect(shown.status == 200 && shown.text("id") == party.clientID)
    #expect(try await party.tenant.send("GET", "oauth-clients/\(party.clientID)").status == 200, "nothing was deleted")
  }
}
