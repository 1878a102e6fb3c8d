import Foundation
import JSON
import Testing

/// F16 to F18, R22, P15 to P17: how an access token is sent, and what one is (RFC 6750, RFC 9068).
@Suite("OpenID provider, access tokens")
struct BearerTokenTests {
  @Test("F16, oidcc-userinfo-post-body: one way to send a token: header, or form body, never both, never the address")
  func oneWay() async throws {
    let party = try await TestRelyingParty.make()
    let token = try await party.tokens().text("access_token")
    let header = ("Authorization", "Bearer \(token)")
    let path = "\(party.issuerPath)/userinfo"
    let posted = try await party.server.send("POST", path, headers: [header])
    #expect(posted.status == 200 && posted.text("sub") == party.userID, "oidcc-userinfo-post-header: \(posted.text)")
    #expect(try await party.form("userinfo", [("access_token", token)]).text("sub") == party.userID)
    let both = try await party.form("userinfo", [("access_token", token)], headers: [header])
    #expect(both.status == 400 && both.text("error") == "invalid_request", "\(both.text)")
    #expect(both.headers["www-authenticate"]?.contains("error=\"invalid_request\"") == true)
    let twice = try await party.form("userinfo", [("access_token", token), ("access_token", token)])
    #expect(twice.status == 400, "\(twice.text)")
    for method in ["GET", "POST"] {
      let inAddress = try await party.server.send(method, "\(path)?access_token=\(token)")
      #expect(inAddress.status == 401 && inAddress.headers["www-authenticate"] == "Bearer realm=\"qiao\"", "R22")
    }
    let json = try await party.server.send("POST", path, #"{"access_token":"\#(token)"}"#)
    #expect(json.status == 401)
  }

  @Test("R22: no address that a browser is sent to has a token in it")
  func addresses() async throws {
    let party = try await TestRelyingParty.make()
    let browser = TestBrowser(party.server)
    var answer = try await browser.get("\(party.issuerPath)/authorize?\(TestBrowser.form(party.request()))")
    var locations: [String] = []
    while let location = answer.headers["location"] {
      locations.append(location)
      guard location.hasPrefix(party.issuer) else { break }
      answer = try await browser.get(location)
      if answer.marker == "login" {
        answer = try await browser.signIn(answer, party.username, TestRelyingParty.password)
      }
    }
    #expect(locations.count >= 2 && locations.last?.contains("code=") == true)
    for location in locations {
      #expect(!location.contains("access_token") && !location.contains("id_token") && !location.contains("qrt_"))
      #expect(!location.contains("eyJ") && !location.contains("qss_") && !location.contains("#"), "\(location)")
    }
  }

  @Test(
    "F17: a bare challenge without a token, invalid_token for a bad one, insufficient_scope for one that reaches less")
  func challenges() async throws {
    let party = try await TestRelyingParty.make()
    let path = "\(party.issuerPath)/userinfo"
    let tokens = try await party.tokens()
    let bare = try await party.server.send("GET", path)
    #expect(bare.status == 401 && bare.headers["www-authenticate"] == "Bearer realm=\"qiao\"")
    let expired = try await party.resigned(tokens.text("access_token"), as: .accessToken) { claims in
      for name in ["iat", "exp"] { claims[name] = claims[name]?.integer.map { .number("\($0 - 86_400)") } }
    }
    let token = tokens.text("access_token")
    for bad in [
      expired, "x", token + "x", String(token.dropLast(3)), tokens.text("id_token"), tokens.text("refresh_token"),
    ] {
      let answer = try await party.userinfo(bad)
      #expect(answer.status == 401 && answer.text("error") == "invalid_token", "\(answer.text)")
      let challenge = answer.headers["www-authenticate"] ?? ""
      #expect(challenge.hasPrefix("Bearer realm=\"qiao\", error=\"invalid_token\""), "\(challenge)")
    }
    let narrow = try await party.userinfo(try await party.tokens(["scope": "profile"]).text("access_token"))
    #expect(narrow.status == 403 && narrow.text("error") == "insufficient_scope", "\(narrow.text)")
    #expect(narrow.headers["www-authenticate"]?.contains("error=\"insufficient_scope\"") == true)
    // The same claims signed again are good: what was refused was refused for its age.
    let fresh = try await party.resigned(token, as: .accessToken) { _ in }
    #expect(try await party.userinfo(fresh).status == 200)
  }

  @Test("F18: the name of the scheme is taken in any case", arguments: ["bEaReR", "BEARER", "bearer"])
  func scheme(name: String) async throws {
    let party = try await TestRelyingParty.make()
    let token = try await party.tokens().text("access_token")
    let path = "\(party.issuerPath)/userinfo"
    let answer = try await party.server.send("GET", path, headers: [("Authorization", "\(name) \(token)")])
    #expect(answer.status == 200 && answer.text("sub") == party.userID)
    let key = try await party.server.send(
      "GET", "/t/\(party.tenant.slug)/v1/oauth-clients", headers: [("Authorization", "\(name) \(party.tenant.key)")])
    #expect(key.status == 200, "the management API too: \(key.text)")
  }

  @Test("P15, P16: typ at+jwt and exactly these claims, for a person and for a client that acts for itself")
  func claims() async throws {
    let party = try await TestRelyingParty.make()
    let tokens = try await party.tokens(["scope": "openid profile"])
    let token = try TestJWT(tokens.text("access_token"))
    #expect(token.header["typ"]?.string == "at+jwt" && token.header["alg"]?.string == "ES256")
    let named: Set = [
      "iss", "exp", "aud", "sub", "client_id", "iat", "jti", "scope", "auth_time", "sid", "amr", "acr",
    ]
    #expect(Set(token.claims.members.map(\.name)) == named)
    #expect(token.claims["iss"]?.string == party.issuer && token.claims["aud"]?.string == party.issuer)
    #expect(token.claims["sub"]?.string == party.userID && token.claims["client_id"]?.string == party.clientID)
    #expect(token.claims["scope"]?.string == "openid profile")
    #expect(token.claims["jti"] != tokens.claims("id_token")["jti"])
    let service = try await party.client(settings: #""grant_types":["client_credentials","authorization_code"]"#)
    let own = try TestJWT(
      try await service.token(["grant_type": "client_credentials", "scope": "profile"]).text("access_token"))
    #expect(Set(own.claims.members.map(\.name)) == ["iss", "exp", "aud", "sub", "client_id", "iat", "jti", "scope"])
    #expect(own.claims["sub"]?.string == service.clientID && own.claims["client_id"]?.string == service.clientID)
  }

  @Test("P16: of four hundred tokens, eight at a time, every jti is its own and has 128 bits")
  func distinct() async throws {
    let party = try await TestRelyingParty.make()
    let service = try await party.client(settings: #""grant_types":["client_credentials","authorization_code"]"#)
    let names = try await withThrowingTaskGroup(of: [String].self) { group in
      for _ in 0..<8 {
        group.addTask {
          var names: [String] = []
          for _ in 0..<50 {
            let answer = try await service.token(["grant_type": "client_credentials"])
            names.append(answer.claims("access_token")["jti"]?.string ?? "")
          }
          return names
        }
      }
      return try await group.reduce(into: [String]()) { $0 += $1 }
    }
    #expect(names.count == 400 && Set(names).count == 400)
    #expect(names.allSatisfy { $0.count >= 22 })
  }

  @Test("P17: an ID token is no access token for introspection and the management API, nor is an access token a key")
  func confused() async throws {
    let party = try await TestRelyingParty.make()
    let tokens = try await party.tokens()
    let shown = try await party.post("introspect", ["token": tokens.text("id_token")])
    #expect(shown.status == 200 && shown.text == #"{"active":false}"#)
    for name in ["id_token", "access_token", "refresh_token"] {
      for path in ["users/\(party.userID)", "oauth-clients", "api-keys"] {
        let answer = try await party.server.send("GET", "/t/\(party.tenant.slug)/v1/\(path)", key: tokens.text(name))
        #expect(answer.status == 401, "\(name) at \(path)")
      }
      #expect(try await party.server.send("GET", "/v1/tenants", key: tokens.text(name)).status == 401)
    }
    // With the other type in its header, and nothing else changed, it would be one.
    let idToken = tokens.text("id_token")
    let renamed = try await party.resigned(idToken, as: .accessToken) { $0["aud"] = .string(party.issuer) }
    #expect(try await party.userinfo(renamed).status != 200, "its jti is no grant's")
    #expect(
      try await party.userinfo(try await party.resigned(tokens.text("access_token"), as: .idToken) { _ in }).status
        == 401)
  }
}
