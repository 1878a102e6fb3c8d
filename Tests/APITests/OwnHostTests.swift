import Foundation
import Testing

/// A tenant's own host name (contract section 4).
@Suite struct OwnHostTests {
  @Test("on a tenant's own host its endpoints have no prefix, and no other tenant is there")
  func ownHost() async throws {
    let miniapp = try await TestMiniapp.make()
    let other = try await TestMiniapp.make()
    let host = "id.\(miniapp.tenant.slug).example"
    let server = miniapp.server
    let patched = try await server.send(
      "PATCH", "/v1/tenants/\(miniapp.tenant.slug)", key: TestServer.operatorToken, #"{"domains":["\#(host)"]}"#)
    #expect(patched.status == 200, "\(patched.text)")
    func get(_ path: String, key: String? = nil) async throws -> TestServer.Answer {
      try await server.send("GET", path, key: key, headers: [("Host", host)])
    }
    let application = miniapp.applicationSlug
    let discovery = try await get("/i/\(application)/.well-known/openid-configuration")
    let issuer = "http://127.0.0.1:1\(miniapp.issuerPath)"
    #expect(discovery.text("issuer") == issuer)
    #expect(try await get("/.well-known/oauth-authorization-server/i/\(application)").text("issuer") == issuer)
    let person = try await miniapp.register("vera")
    #expect(try await get("/i/\(application)/userinfo", key: person.text("access_token")).text("sub") == person.sub)
    #expect(try await get("\(miniapp.issuerPath)/userinfo", key: person.text("access_token")).status == 200)
    #expect(try await get("/v1/api-keys", key: miniapp.tenant.key).status == 200)
    let made = try await server.send(
      "POST", "/v1/identity-applications", key: miniapp.tenant.key, #"{"slug":"own","name":"Own"}"#,
      headers: [("Host", host)])
    #expect(made.status == 201)
    #expect(try await get("/t/\(miniapp.tenant.slug)/v1/api-keys", key: miniapp.tenant.key).status == 200)
    for path in [
      "/t/\(other.tenant.slug)/v1/api-keys", "\(other.issuerPath)/.well-known/openid-configuration",
      "/.well-known/oauth-authorization-server\(other.issuerPath)",
    ] {
      #expect(try await get(path, key: other.tenant.key).status == 404, "\(path)")
    }
  }
}
