import Foundation
import Identity
import Tenancy
import TestSupport
import Testing

@Suite("the operator's tenants")
struct TenantTests {
  private func send(
    _ method: String, _ path: String, _ body: String? = nil, headers: [(String, String)] = []
  ) async throws -> TestServer.Answer {
    try await TestServer.shared().send(method, path, key: TestServer.operatorToken, body, headers: headers)
  }

  private func slug() -> String { "s" + UUID().uuidString.lowercased().filter { $0 != "-" }.prefix(16) }

  @Test("a new tenant comes with a key that has all scopes")
  func create() async throws {
    let server = try await TestServer.shared()
    let slug = slug()
    let created = try await send("POST", "/v1/tenants", #"{"slug":"\#(slug)","name":"Acme"}"#)
    #expect(created.status == 201)
    #expect(created.headers["location"] == "/v1/tenants/\(slug)")
    #expect(created["status"]?.string == "active")
    let key = try #require(created["api_key"]?.object?["key"]?.string)
    #expect(key.hasPrefix("qk_"))
    let keys = try await server.send("GET", "/t/\(slug)/v1/api-keys", key: key)
    #expect(keys.status == 200)
    #expect(keys.items.first?["scopes"]?.array?.count == 8)
    #expect(!keys.text.contains(key))
  }

  @Test("all faults of a body come at once")
  func faults() async throws {
    let answer = try await send("POST", "/v1/tenants", #"{"slug":"-A","nmae":"x"}"#)
    #expect(answer.status == 422)
    #expect(answer.headers["content-type"] == "application/problem+json")
    #expect(answer.pointers.sorted() == ["/name", "/nmae", "/slug"])
  }

  @Test("a taken slug is a conflict")
  func conflict() async throws {
    let body = #"{"slug":"\#(slug())","name":"Acme"}"#
    _ = try await send("POST", "/v1/tenants", body)
    let second = try await send("POST", "/v1/tenants", body)
    #expect(second.status == 409)
    #expect(second["code"]?.string == "slug_taken")
  }

  @Test("a patch needs a version that is still there")
  func versions() async throws {
    let slug = slug()
    let created = try await send("POST", "/v1/tenants", #"{"slug":"\#(slug)","name":"Acme"}"#)
    let tag = try #require(created.headers["etag"])
    let patched = try await send("PATCH", "/v1/tenants/\(slug)", #"{"name":"B"}"#, headers: [("If-Match", tag)])
    #expect(patched.status == 200)
    #expect(patched["name"]?.string == "B")
    let stale = try await send("PATCH", "/v1/tenants/\(slug)", #"{"name":"C"}"#, headers: [("If-Match", tag)])
    #expect(stale.status == 412)
    let fresh = try #require(patched.headers["etag"])
    let unchanged = try await send("GET", "/v1/tenants/\(slug)", headers: [("If-None-Match", fresh)])
    #expect(unchanged.status == 304)
    #expect(unchanged.text.isEmpty)
  }

  @Test("a suspended tenant answers 403 everywhere and an active one again")
  func suspend() async throws {
    let server = try await TestServer.shared()
    let tenant = try await server.tenant()
    _ = try await send("PATCH", "/v1/tenants/\(tenant.slug)", #"{"status":"suspended"}"#)
    let refused = try await tenant.send("GET", "api-keys")
    #expect(refused.status == 403)
    #expect(refused["code"]?.string == "tenant_suspended")
    _ = try await send("PATCH", "/v1/tenants/\(tenant.slug)", #"{"status":"active"}"#)
    #expect(try await tenant.send("GET", "api-keys").status == 200)
  }

  @Test("a tenant that another node suspended answers 403 at once, whatever this node remembers of it")
  func suspendedElsewhere() async throws {
    // Its own: tenants that other tests make on the shared one let it forget.
    let server = try await TestServer.start(on: TestDatabase.shared(), refreshesTokens: false)
    let tenant = try await server.tenant()
    _ = try await tenant.send("POST", "identity-applications", #"{"slug":"a","name":"A"}"#)
    let issuer = "/t/\(tenant.slug)/i/a"
    let bearer = "Bearer a.b.c"
    #expect(try await server.send("GET", "\(issuer)/userinfo", headers: [("Authorization", bearer)]).status == 401)
    _ = try await server.database.administer("UPDATE tenants SET status = 'suspended' WHERE slug = '\(tenant.slug)'")
    for path in ["/t/\(tenant.slug)/v1/api-keys", "\(issuer)/jwks.json"] {
      let answer = try await server.send("GET", path, key: tenant.key)
      #expect(answer.status == 403 && answer.text("code") == "tenant_suspended", "\(path): \(answer)")
    }
    let page = try await server.send("GET", "\(issuer)/authorize?client_id=\(tenant.id)")
    #expect(page.status == 403 && page.marker == "error:tenant_suspended", "\(page)")
    let form = [("Content-Type", "application/x-www-form-urlencoded")]
    let body = "grant_type=client_credentials&client_id=\(tenant.id)&client_secret=x"
    let token = try await server.send("POST", "\(issuer)/token", body, headers: form)
    #expect(token.status == 403 && token.text("code") == "tenant_suspended", "\(token)")
    _ = try await server.database.administer("DELETE FROM tenants WHERE slug = '\(tenant.slug)'")
    let gone = try await eventually("the suspended tenant to be forgotten") {
      let answer = try await tenant.send("GET", "api-keys")
      return answer.status == 404 ? answer : nil
    }
    #expect(gone.text("code") == "not_found")
  }

  @Test("a slug that another node gave to a new tenant is the new tenant's after one answer of 503")
  func slugGivenElsewhere() async throws {
    // Its own: tenants that other tests make on the shared one let it forget.
    let server = try await TestServer.start(on: TestDatabase.shared(), refreshesTokens: false)
    let (old, new) = (try await server.tenant(), try await server.tenant())
    #expect(try await old.send("GET", "api-keys").status == 200)
    _ = try await server.database.administer("DELETE FROM tenants WHERE slug = '\(old.slug)'")
    _ = try await server.database.administer("UPDATE tenants SET slug = '\(old.slug)' WHERE slug = '\(new.slug)'")
    let path = "/t/\(old.slug)/v1/api-keys"
    let early = try await server.send("GET", path, key: new.key)
    #expect(early.status == 503 && early.headers["retry-after"] != nil, "\(early)")
    #expect(try await server.send("GET", path, key: new.key).status == 200)
    #expect(try await server.send("GET", path, key: old.key).status == 401)
  }

  @Test("host names are replaced as a whole and belong to one tenant")
  func domains() async throws {
    let server = try await TestServer.shared()
    let (one, other) = (try await server.tenant(), try await server.tenant())
    let host = "\(one.slug).example"
    let set = try await send("PATCH", "/v1/tenants/\(one.slug)", #"{"domains":["\#(host)","b.\#(host)"]}"#)
    #expect(set["domains"]?.array?.count == 2)
    let taken = try await send("PATCH", "/v1/tenants/\(other.slug)", #"{"domains":["\#(host)"]}"#)
    #expect(taken["code"]?.string == "domain_taken")
    let onHost = try await server.send("GET", "/v1/api-keys", key: one.key, headers: [("Host", host)])
    #expect(onHost.status == 200)
    _ = try await send("PATCH", "/v1/tenants/\(one.slug)", #"{"domains":[]}"#)
    let freed = try await send("PATCH", "/v1/tenants/\(other.slug)", #"{"domains":["\#(host)"]}"#)
    #expect(freed["domains"]?.array?.first?.string == host)
  }

  @Test("a deleted tenant is gone at once and its rows soon")
  func delete() async throws {
    let server = try await TestServer.shared()
    let tenant = try await server.tenant()
    #expect(try await send("DELETE", "/v1/tenants/\(tenant.slug)").status == 202)
    #expect(try await tenant.send("GET", "api-keys").status == 404)
    #expect(try await send("GET", "/v1/tenants/\(tenant.slug)").status == 404)
    let erasure = TenantErasure(database: Database(pool: server.runtime.pool))
    #expect(try await erasure.run() > 0)
    for table in ["api_keys", "audit_events"] {
      let left = try await server.database.administer("SELECT FROM \(table) WHERE tenant_id = '\(tenant.id)'")
      #expect(left.isEmpty)
    }
  }

  @Test("a cursor continues a list and is refused when it is altered")
  func list() async throws {
    let server = try await TestServer.shared()
    _ = try await server.tenant()
    _ = try await server.tenant()
    let first = try await send("GET", "/v1/tenants?limit=1")
    let cursor = try #require(first["next_cursor"]?.string)
    let second = try await send("GET", "/v1/tenants?limit=1&cursor=\(cursor)")
    #expect(second.status == 200)
    #expect(second.items.first?["id"] != first.items.first?["id"])
    let altered = "A" + cursor.dropFirst()
    let refused = try await send("GET", "/v1/tenants?limit=201&cursor=\(altered)&order=up")
    #expect(refused.status == 422)
    #expect(refused.pointers.sorted() == ["?cursor", "?limit", "?order"])
  }

  @Test("without the operator's token there is one and the same 401")
  func unauthorized() async throws {
    let server = try await TestServer.shared()
    let tenant = try await server.tenant()
    let without = try await server.send("GET", "/v1/tenants")
    let wrong = try await server.send("GET", "/v1/tenants", key: "nonsense")
    let other = try await server.send("GET", "/v1/tenants", key: tenant.key)
    #expect(without.status == 401)
    #expect(without.comparable == wrong.comparable)
    #expect(wrong.comparable == other.comparable)
  }
}
