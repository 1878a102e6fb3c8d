import Foundation
import JSON
import TestSupport
import Testing

/// Calls from browser apps: security.md R18 and contract section 9.
@Suite("OpenID provider, calls across origins")
struct CrossOriginTests {
  private static let origin = "https://spa.test"
  /// Every address that answers, with a method it takes.
  private static let open = [
    ("POST", "token"), ("POST", "revoke"), ("GET", "userinfo"), ("POST", "userinfo"),
    ("GET", "jwks.json"), ("GET", ".well-known/openid-configuration"),
  ]

  private struct Party {
    let party: TestRelyingParty

    static func make() async throws -> Party {
      let web = try await TestRelyingParty.make()
      return Party(party: try await web.client(type: "spa", redirectURI: "https://spa.test/app/cb?x=1"))
    }

    func ask(
      _ method: String, _ path: String, _ origin: String?, _ more: [(String, String)] = []
    ) async throws -> TestServer.Answer {
      var headers = more
      if let origin { headers.append(("Origin", origin)) }
      let body = method == "POST" ? "x=1" : nil
      if body != nil { headers.append(("Content-Type", "application/x-www-form-urlencoded")) }
      let full = path.hasPrefix("/") ? path : "\(party.issuerPath)/\(path)"
      return try await party.server.send(method, full, body, headers: headers)
    }

    var inserted: String { "/.well-known/oauth-authorization-server\(party.issuerPath)" }
  }

  private static func allowed(_ answer: TestServer.Answer) -> String? {
    answer.headers["access-control-allow-origin"]
  }

  @Test("R18: the origin of a spa client's redirect URI is answered, errors too, without credentials and with Vary")
  func answered() async throws {
    let client = try await Party.make()
    for (method, path) in Self.open + [("GET", client.inserted)] {
      let answer = try await client.ask(method, path, Self.origin)
      #expect(answer.status != 404 && answer.status < 500, "\(path)")
      #expect(Self.allowed(answer) == Self.origin, "\(method) \(path): \(answer.headers)")
      #expect(answer.headers["vary"]?.contains("Origin") == true, "\(path)")
      #expect(answer.headers["access-control-allow-credentials"] == nil)
      #expect(answer.headers["access-control-expose-headers"]?.contains("DPoP-Nonce") == true)
    }
    let refused = try await client.ask("GET", "userinfo", Self.origin, [("Authorization", "Bearer x")])
    #expect(refused.status == 401 && Self.allowed(refused) == Self.origin)
  }

  @Test("R18: a preflight says what may be sent, to the registered origin only")
  func preflight() async throws {
    let client = try await Party.make()
    for (method, path) in Self.open + [("GET", client.inserted)] {
      let asks = [("Access-Control-Request-Method", method), ("Access-Control-Request-Headers", "authorization,dpop")]
      let answer = try await client.ask("OPTIONS", path, Self.origin, asks)
      #expect(answer.status == 204 && answer.text.isEmpty, "\(path): \(answer.status)")
      #expect(Self.allowed(answer) == Self.origin)
      #expect(answer.headers["access-control-allow-methods"]?.contains(method) == true)
      for name in ["Authorization", "Content-Type", "DPoP"] {
        #expect(answer.headers["access-control-allow-headers"]?.contains(name) == true)
      }
      #expect(Self.allowed(try await client.ask("OPTIONS", path, "https://evil.test", asks)) == nil)
    }
  }

  @Test("R18: no other origin is answered, whatever it looks like, and none of another application's or client type's")
  func others() async throws {
    let (client, other) = (try await Party.make(), try await Party.make())
    _ = try await other.party.client(type: "spa", redirectURI: "https://other.test/cb")
    for origin in [
      "https://evil.test", "null", "http://spa.test", "https://spa.test:8443", "https://spa.test.evil.test",
      "https://SPA.test", "https://spa.test/", "https://a@spa.test", "*", "https://rp.test", "https://other.test", "",
    ] {
      for (method, path) in Self.open {
        let answer = try await client.ask(method, path, origin)
        #expect(Self.allowed(answer) == nil, "\(path) answers \(origin)")
        #expect(answer.headers["vary"]?.contains("Origin") == true, "\(path)")
      }
    }
    let none = try await client.ask("GET", "jwks.json", nil)
    #expect(none.status == 200 && Self.allowed(none) == nil && none.headers["vary"]?.contains("Origin") == true)
  }

  @Test("R18: nothing else answers any origin, the authorization endpoint none")
  func closed() async throws {
    let client = try await Party.make()
    for path in ["authorize", "login", "consent", "logout", "introspect", "par", "device_authorization"] {
      for method in ["GET", "POST", "OPTIONS"] {
        let answer = try await client.ask(method, path, Self.origin, [("Access-Control-Request-Method", "POST")])
        #expect(Self.allowed(answer) == nil, "\(method) \(path)")
      }
    }
    for path in ["/openapi.json", "/t/\(client.party.tenant.slug)/v1/users", "/t/\(client.party.tenant.slug)/token"] {
      #expect(Self.allowed(try await client.ask("GET", path, Self.origin)) == nil, "\(path)")
      #expect(Self.allowed(try await client.ask("OPTIONS", path, Self.origin)) == nil, "\(path)")
    }
  }

  @Test("the default port is left out as browsers do, a loopback port counts, and a deleted client's origin is gone")
  func forms() async throws {
    let client = try await Party.make()
    for (uri, origin) in [
      ("https://default.test:443/cb", "https://default.test"), ("http://localhost:3000/cb", "http://localhost:3000"),
      ("http://[::1]:3000/cb", "http://[::1]:3000"), ("https://MIXED.test/cb", "https://mixed.test"),
    ] {
      _ = try await client.party.client(type: "spa", redirectURI: uri)
      // What was known before may be a second old.
      _ = try await eventually("\(origin) to be answered") {
        Self.allowed(try await client.ask("GET", "jwks.json", origin)) == origin ? true : nil
      }
    }
    #expect(try await client.party.tenant.send("DELETE", "oauth-clients/\(client.party.clientID)").status == 204)
    _ = try await eventually("the origin to be refused") {
      Self.allowed(try await client.ask("GET", "jwks.json", Self.origin)) == nil ? true : nil
    }
  }
}
