import Foundation
import Testing

@Suite("API keys")
struct APIKeyTests {
  @Test("a key of another tenant, a nonsense key and no key get the same 401")
  func foreignKey() async throws {
    let server = try await TestServer.shared()
    let (one, other) = (try await server.tenant(), try await server.tenant())
    let path = "/t/\(one.slug)/v1/api-keys"
    let answers = [
      try await server.send("GET", path, key: other.key), try await server.send("GET", path, key: "nonsense"),
      try await server.send("GET", path),
      try await server.send("GET", path, key: "qk_" + String(repeating: "A", count: 64)),
    ]
    #expect(answers.map(\.status) == [401, 401, 401, 401])
    #expect(Set(answers.map(\.comparable)).count == 1)
    #expect(answers[0].headers["www-authenticate"] == "Bearer realm=\"qiao\"")
  }

  @Test("a key of another tenant's id is as unknown as one nobody has")
  func foreignID() async throws {
    let server = try await TestServer.shared()
    let (one, other) = (try await server.tenant(), try await server.tenant())
    let foreign = try #require(try await other.send("GET", "api-keys").items.first?["id"]?.string)
    for method in ["GET", "PATCH", "DELETE"] {
      let body = method == "PATCH" ? #"{"name":"x"}"# : nil
      let theirs = try await one.send(method, "api-keys/\(foreign)", body)
      let nobodys = try await one.send(method, "api-keys/\(UUID().uuidString.lowercased())", body)
      let nonsense = try await one.send(method, "api-keys/nonsense", body)
      #expect(theirs.status == 404)
      #expect(theirs.comparable == nobodys.comparable)
      #expect(theirs.comparable == nonsense.comparable)
    }
    #expect(try await other.send("GET", "api-keys/\(foreign)").status == 200)
  }

  @Test("a key mints only scopes it has itself")
  func scopes() async throws {
    let tenant = try await TestServer.shared().tenant()
    let minted = try await tenant.send("POST", "api-keys", #"{"name":"k","scopes":["keys:write","tenant:read"]}"#)
    #expect(minted.status == 201)
    let key = try #require(minted["key"]?.string)
    let weaker = TestTenant(server: tenant.server, id: tenant.id, slug: tenant.slug, key: key)
    let excess = try await weaker.send("POST", "api-keys", #"{"name":"k","scopes":["users:read"]}"#)
    #expect(excess.status == 403)
    #expect(excess["code"]?.string == "insufficient_scope")
    #expect(try await weaker.send("POST", "api-keys", #"{"name":"k","scopes":["tenant:read"]}"#).status == 201)
  }

  @Test("a deleted and an expired key end at once")
  func ends() async throws {
    let tenant = try await TestServer.shared().tenant()
    let minted = try await tenant.send("POST", "api-keys", #"{"name":"k","scopes":["tenant:read"]}"#)
    let (key, id) = (try #require(minted["key"]?.string), try #require(minted["id"]?.string))
    let user = TestTenant(server: tenant.server, id: tenant.id, slug: tenant.slug, key: key)
    #expect(try await user.send("GET", "api-keys").status == 200)
    #expect(try await user.send("POST", "api-keys", #"{"name":"k","scopes":["tenant:read"]}"#).status == 403)
    #expect(try await tenant.send("DELETE", "api-keys/\(id)").status == 204)
    #expect(try await user.send("GET", "api-keys").status == 401)
    let past = try await tenant.send(
      "POST", "api-keys", #"{"name":"k","scopes":["tenant:read"],"expires_at":"2020-01-01T00:00:00Z"}"#)
    #expect(past.pointers == ["/expires_at"])
  }

  @Test("the same idempotency key gives the first answer again, secret and all")
  func idempotency() async throws {
    let tenant = try await TestServer.shared().tenant()
    let body = #"{"name":"k","scopes":["tenant:read"]}"#
    let header = [("Idempotency-Key", "one")]
    let first = try await tenant.send("POST", "api-keys", body, headers: header)
    let second = try await tenant.send("POST", "api-keys", body, headers: header)
    #expect(first.status == 201)
    #expect(second.status == 201)
    #expect(first.text == second.text)
    #expect(first.headers["etag"] == second.headers["etag"])
    let other = try await tenant.send("POST", "api-keys", #"{"name":"l","scopes":["tenant:read"]}"#, headers: header)
    #expect(other.status == 409)
    #expect(other["code"]?.string == "idempotency_key_reused")
    let kept = try await tenant.server.database.administer(
      "SELECT encode(response_sealed, 'escape') FROM idempotency_keys WHERE tenant_id = '\(tenant.id)'")
    #expect(kept.count == 1)
    #expect(!(kept[0][0] ?? "").contains(first["key"]?.string ?? "qk_"))
  }

  @Test("of many requests with one idempotency key one key comes into being")
  func idempotencyInParallel() async throws {
    let tenant = try await TestServer.shared().tenant()
    let body = #"{"name":"k","scopes":["tenant:read"]}"#
    let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<20 {
        group.addTask {
          let answer = try await tenant.send("POST", "api-keys", body, headers: [("Idempotency-Key", "p")])
          if answer.status == 409 { #expect(answer.headers["retry-after"] != nil) }
          return answer.status
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(statuses.allSatisfy { $0 == 201 || $0 == 409 })
    #expect(try await tenant.send("GET", "api-keys").items.count == 2)
  }
}
