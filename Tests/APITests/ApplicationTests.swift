import Foundation
import Testing

@Suite("identity applications")
struct ApplicationTests {
  @Test("a new application has the defaults, its issuer and one active key")
  func defaults() async throws {
    let tenant = try await TestServer.shared().tenant()
    let made = try await tenant.send("POST", "identity-applications", #"{"slug":"main","name":"Main"}"#)
    #expect(made.status == 201)
    #expect(made["issuer"]?.string == "http://127.0.0.1:1/t/\(tenant.slug)/i/main")
    #expect(made["enrollment"]?.string == "bind")
    #expect(made["phone_matching"]?.string == "never")
    #expect(made["signing_alg"]?.string == "ES256")
    #expect(made["access_token_ttl"]?.integer == 3600)
    #expect(made["reconcile_every"] == .null)
    #expect(made["session_retention"]?.integer == 0)
    let id = try #require(made["id"]?.string)
    let keys = try await tenant.server.database.administer(
      "SELECT alg, status FROM signing_keys WHERE identity_application_id = '\(id)'")
    #expect(keys == [["ES256", "active"]])
    let jwks = try await tenant.server.send("GET", "/t/\(tenant.slug)/i/main/.well-known/openid-configuration")
    #expect(jwks.status == 200)
  }

  @Test("lives are whole seconds from 5 to a year")
  func lives() async throws {
    let tenant = try await TestServer.shared().tenant()
    let body =
      #"{"slug":"main","name":"M","access_token_ttl":4,"id_token_ttl":1.5,"session_ttl":31536001,"reconcile_every":5}"#
    let refused = try await tenant.send("POST", "identity-applications", body)
    #expect(refused.pointers.sorted() == ["/access_token_ttl", "/id_token_ttl", "/session_ttl"])
  }

  @Test("a merge patch changes what it names and empties what is null")
  func patch() async throws {
    let tenant = try await TestServer.shared().tenant()
    let made = try await tenant.send(
      "POST", "identity-applications", #"{"slug":"main","name":"M","reconcile_every":60}"#)
    let id = try #require(made["id"]?.string)
    let patched = try await tenant.send(
      "PATCH", "identity-applications/\(id)", #"{"enrollment":"automatic","reconcile_every":null}"#,
      headers: [("Content-Type", "application/merge-patch+json")])
    #expect(patched.status == 200)
    #expect(patched["enrollment"]?.string == "automatic")
    #expect(patched["reconcile_every"] == .null)
    #expect(patched["name"]?.string == "M")
    let notNull = try await tenant.send("PATCH", "identity-applications/\(id)", #"{"name":null}"#)
    #expect(notNull.pointers == ["/name"])
  }

  @Test("another signature algorithm retires the key and keeps it published")
  func algorithm() async throws {
    let tenant = try await TestServer.shared().tenant()
    let id = try await tenant.application()
    let patched = try await tenant.send("PATCH", "identity-applications/\(id)", #"{"signing_alg":"EdDSA"}"#)
    #expect(patched["signing_alg"]?.string == "EdDSA")
    let keys = try await tenant.server.database.administer(
      "SELECT alg, status FROM signing_keys WHERE identity_application_id = '\(id)' ORDER BY status")
    #expect(keys == [["EdDSA", "active"], ["ES256", "retired"]])
    _ = try await tenant.send("PATCH", "identity-applications/\(id)", #"{"signing_alg":"EdDSA"}"#)
    let still = try await tenant.server.database.administer(
      "SELECT count(*) FROM signing_keys WHERE identity_application_id = '\(id)'")
    #expect(still == [["2"]])
  }

  @Test("an application in use is deleted by force only, with everything of it")
  func delete() async throws {
    let tenant = try await TestServer.shared().tenant()
    let id = try await tenant.application()
    let client = try await tenant.miniapp(of: id)
    let refused = try await tenant.send("DELETE", "identity-applications/\(id)")
    #expect(refused.status == 409)
    #expect(refused["code"]?.string == "identity_application_in_use")
    #expect(try await tenant.send("DELETE", "identity-applications/\(id)?force=true").status == 204)
    #expect(try await tenant.send("GET", "identity-applications/\(id)").status == 404)
    #expect(try await tenant.send("GET", "third-party-authz-clients/\(client)").status == 404)
  }
}
