import Foundation
import JSON
import Secrets
import Simulator
import Testing

/// The token endpoint, userinfo, introspection, revocation and the published documents (contract section 9).
@Suite struct TokenTests {
  @Test("a refresh token is rotated, and the same one within 10 s gives the same answer")
  func rotation() async throws {
    let miniapp = try await TestMiniapp.make()
    let first = try await miniapp.register("alice")
    let second = try await miniapp.refresh(first.text("refresh_token"))
    #expect(second.status == 200, "\(second.text)")
    #expect(second.text("refresh_token") != first.text("refresh_token"))
    #expect(second.claims("id_token")["sub"]?.string == first.sub)
    #expect(second.claims("id_token")["auth_time"] == first.claims("id_token")["auth_time"])
    let repeated = try await miniapp.refresh(first.text("refresh_token"))
    #expect(repeated.text("refresh_token") == second.text("refresh_token"))
    #expect(repeated.claims("access_token")["jti"] == second.claims("access_token")["jti"])
  }

  @Test("a refresh keeps the session of a miniapp alive, when it was not seen for a while")
  func aliveSession() async throws {
    let miniapp = try await TestMiniapp.make()
    let first = try await miniapp.register("ann")
    let database = miniapp.tenant.server.database
    let session = first.claims("id_token")["sid"]?.string ?? ""
    let read =
      "SELECT last_seen_at > now() - interval '1 minute', idle_expires_at > now() + interval '1 hour' FROM sessions"
    try await database.administer(
      """
      UPDATE sessions SET last_seen_at = now() - interval '2 minutes', idle_expires_at = now() + interval '1 minute'
      WHERE id = '\(session)'
      """)
    #expect(try await database.administer("\(read) WHERE id = '\(session)'") == [["f", "f"]])
    #expect(try await miniapp.refresh(first.text("refresh_token")).status == 200)
    #expect(try await database.administer("\(read) WHERE id = '\(session)'") == [["t", "t"]])
  }

  @Test("a refresh token from further back ends the family and its access tokens")
  func replay() async throws {
    let miniapp = try await TestMiniapp.make()
    let first = try await miniapp.register("bob")
    let second = try await miniapp.refresh(first.text("refresh_token"))
    let third = try await miniapp.refresh(second.text("refresh_token"))
    #expect(try await miniapp.userinfo(third.text("access_token")).status == 200)
    let replayed = try await miniapp.refresh(first.text("refresh_token"))
    #expect(replayed.status == 400)
    #expect(replayed.text("error") == "invalid_grant")
    #expect(try await miniapp.refresh(third.text("refresh_token")).text("error") == "invalid_grant")
    #expect(try await miniapp.userinfo(third.text("access_token")).status == 401)
  }

  @Test("a forged refresh token with the id of a grant ends nothing")
  func forgery() async throws {
    let miniapp = try await TestMiniapp.make()
    let first = try await miniapp.register("carol")
    let token = first.text("refresh_token")
    var bytes = try #require(Base64URL.decode(token.utf8.dropFirst(4)))
    bytes[bytes.count - 1] ^= 1
    #expect(try await miniapp.refresh("qrt_" + Base64URL.string(bytes)).text("error") == "invalid_grant")
    #expect(try await miniapp.refresh(token).status == 200)
  }

  @Test("20 parallel refreshes with one token give one successor")
  func parallelRefresh() async throws {
    let miniapp = try await TestMiniapp.make()
    let token = try await miniapp.register("dave").text("refresh_token")
    let answers = try await withThrowingTaskGroup(of: TestServer.Answer.self) { group in
      for _ in 0..<20 { group.addTask { try await miniapp.refresh(token) } }
      return try await group.reduce(into: [TestServer.Answer]()) { $0.append($1) }
    }
    #expect(answers.allSatisfy { $0.status == 200 }, "\(answers.first { $0.status != 200 }?.text ?? "")")
    #expect(Set(answers.map { $0.text("refresh_token") }).count == 1)
  }

  @Test("a refresh may narrow the scope, never widen it, and a refused one does not cost the token")
  func scope() async throws {
    let miniapp = try await TestMiniapp.make()
    let token = try await miniapp.register("erin").text("refresh_token")
    let wide = try await miniapp.refresh(token, "&scope=openid%20admin")
    #expect(wide.status == 400)
    #expect(wide.text("error") == "invalid_scope")
    let narrow = try await miniapp.refresh(token, "&scope=openid")
    #expect(narrow.text("scope") == "openid")
  }

  @Test("a refresh token of another client or issuer is refused")
  func foreignRefresh() async throws {
    let miniapp = try await TestMiniapp.make()
    let other = try await TestMiniapp.make(in: miniapp.tenant)
    let token = try await miniapp.register("frank").text("refresh_token")
    #expect(try await other.refresh(token).text("error") == "invalid_grant")
    let named = try await miniapp.form(
      "token", "grant_type=refresh_token&client_id=\(other.clientID)&refresh_token=\(token)")
    #expect(named.text("error") == "invalid_grant")
    #expect(try await miniapp.refresh(token).status == 200)
  }

  @Test("userinfo tells what the scope reaches, and an ID token is no access token")
  func userinfo() async throws {
    let miniapp = try await TestMiniapp.make()
    let person = try await miniapp.register("grace", ", \"profile\": {\"nickname\": \"Grace\"}")
    let info = try await miniapp.userinfo(person.text("access_token"))
    #expect(info.status == 200)
    #expect(info.text("sub") == person.sub)
    #expect(info.text("name") == "Grace")
    #expect(try await miniapp.userinfo(person.text("id_token")).status == 401)
    let none = try await miniapp.server.send("GET", "\(miniapp.issuerPath)/userinfo")
    #expect(none.status == 401)
    #expect(none.headers["www-authenticate"] == "Bearer realm=\"qiao\"")
    let other = try await TestMiniapp.make()
    #expect(try await other.userinfo(person.text("access_token")).status == 401)
  }

  @Test("client credentials: an access token for itself, no refresh token, one answer to every wrong secret")
  func clientCredentials() async throws {
    let miniapp = try await TestMiniapp.make()
    let (id, secret) = try await miniapp.serviceClient()
    let issued = try await miniapp.form("token", "grant_type=client_credentials", basic: (id, secret))
    #expect(issued.status == 200, "\(issued.text)")
    #expect(issued.claims("access_token")["sub"]?.string == id)
    #expect(issued["refresh_token"] == nil)
    #expect(issued["id_token"] == nil)
    let wrong = try await miniapp.form("token", "grant_type=client_credentials", basic: (id, "wrong"))
    let unknown = try await miniapp.form(
      "token", "grant_type=client_credentials", basic: ("01a1fc5e-d2b1-7a7b-88f0-73ddbd6e9381", "wrong"))
    #expect(wrong.status == 401)
    #expect(wrong.text == unknown.text)
    #expect(wrong.headers["www-authenticate"]?.hasPrefix("Basic") == true)
    let twice = try await miniapp.form(
      "token", "grant_type=client_credentials&grant_type=client_credentials", basic: (id, secret))
    #expect(twice.text("error") == "invalid_request")
    let password = try await miniapp.form("token", "grant_type=password", basic: (id, secret))
    #expect(password.text("error") == "unsupported_grant_type")
  }

  @Test("introspection tells live tokens to a service client, and nothing of others")
  func introspection() async throws {
    let miniapp = try await TestMiniapp.make()
    let client = try await miniapp.serviceClient()
    let person = try await miniapp.register("heidi")
    let live = try await miniapp.form("introspect", "token=\(person.text("access_token"))", basic: client)
    #expect(live["active"]?.boolean == true, "\(live.text)")
    #expect(live.text("sub") == person.sub)
    let nonsense = try await miniapp.form("introspect", "token=nonsense", basic: client)
    #expect(nonsense.text == "{\"active\":false}")
    let other = try await TestMiniapp.make()
    let foreign = try await other.form(
      "introspect", "token=\(person.text("access_token"))", basic: try await other.serviceClient())
    #expect(foreign.text == "{\"active\":false}")
    #expect(try await miniapp.form("introspect", "token=x").status == 401)
  }

  @Test("a revoked refresh token takes its access tokens along, at once")
  func revocation() async throws {
    let miniapp = try await TestMiniapp.make()
    let person = try await miniapp.register("ivan")
    let body = "client_id=\(miniapp.clientID)&token=\(person.text("refresh_token"))"
    #expect(try await miniapp.form("revoke", body).status == 200)
    #expect(try await miniapp.userinfo(person.text("access_token")).status == 401)
    #expect(try await miniapp.refresh(person.text("refresh_token")).text("error") == "invalid_grant")
    #expect(try await miniapp.form("revoke", "client_id=\(miniapp.clientID)&token=nonsense").status == 200)
  }

  @Test("a revoked access token is dead, its siblings live")
  func revokeAccessToken() async throws {
    let miniapp = try await TestMiniapp.make()
    let person = try await miniapp.register("judy")
    let body = "client_id=\(miniapp.clientID)&token=\(person.text("access_token"))"
    #expect(try await miniapp.form("revoke", body).status == 200)
    #expect(try await miniapp.userinfo(person.text("access_token")).status == 401)
    #expect(try await miniapp.refresh(person.text("refresh_token")).status == 200)
  }

  @Test("both metadata documents name the issuer, and the keys verify with an ETag")
  func documents() async throws {
    let miniapp = try await TestMiniapp.make(settings: "{\"signing_alg\": \"EdDSA\"}")
    let appended = try await miniapp.server.send("GET", "\(miniapp.issuerPath)/.well-known/openid-configuration")
    let inserted = try await miniapp.server.send(
      "GET", "/.well-known/oauth-authorization-server\(miniapp.issuerPath)")
    #expect(appended.status == 200)
    #expect(appended.text == inserted.text)
    #expect(appended.text("issuer") == "http://127.0.0.1:1\(miniapp.issuerPath)")
    let keys = try await miniapp.server.send("GET", "\(miniapp.issuerPath)/jwks.json")
    #expect(keys.text.contains("Ed25519"))
    #expect(!keys.text.contains("\"d\""))
    let etag = try #require(keys.headers["etag"])
    let unchanged = try await miniapp.server.send(
      "GET", "\(miniapp.issuerPath)/jwks.json", headers: [("If-None-Match", etag)])
    #expect(unchanged.status == 304)
  }

  @Test(
    "a rotated signing key leaves the old one published, and old tokens live", arguments: ["ES256", "RS256", "EdDSA"])
  func keyRotation(algorithm: String) async throws {
    let miniapp = try await TestMiniapp.make(settings: "{\"signing_alg\": \"\(algorithm)\"}")
    let person = try await miniapp.register("kate")
    let rotated = try await miniapp.tenant.send(
      "POST", "identity-applications/\(miniapp.applicationID)/rotate-signing-key")
    #expect(rotated.status == 200, "\(rotated.text)")
    let keys = try await miniapp.server.send("GET", "\(miniapp.issuerPath)/jwks.json")
    #expect(keys["keys"]?.array?.count == 2)
    #expect(try await miniapp.userinfo(person.text("access_token")).status == 200)
    let refreshed = try await miniapp.refresh(person.text("refresh_token"))
    #expect(try await miniapp.userinfo(refreshed.text("access_token")).status == 200)
    let header = { (answer: TestServer.Answer) in answer.text("access_token").prefix { $0 != "." } }
    #expect(header(refreshed) != header(person))
  }

  @Test("a suspended tenant answers 403 everywhere, discovery too")
  func suspended() async throws {
    let miniapp = try await TestMiniapp.make()
    let person = try await miniapp.register("leo")
    let path = "/v1/tenants/\(miniapp.tenant.slug)"
    _ = try await miniapp.server.send("PATCH", path, key: TestServer.operatorToken, "{\"status\": \"suspended\"}")
    for path in ["\(miniapp.issuerPath)/.well-known/openid-configuration", "\(miniapp.issuerPath)/jwks.json"] {
      let answer = try await miniapp.server.send("GET", path)
      #expect(answer.status == 403)
      #expect(answer.text("code") == "tenant_suspended")
    }
    #expect(try await miniapp.userinfo(person.text("access_token")).status == 403)
    #expect(try await miniapp.refresh(person.text("refresh_token")).status == 403)
    #expect(try await miniapp.profile("leo").status == 403)
  }

  @Test("SiX's form: profile, bindUser, profile again, token")
  func six() async throws {
    let miniapp = try await TestMiniapp.make()
    let path = "/t/\(miniapp.tenant.slug)/federation/wechat/miniapp"
    func profile() async throws -> JSONObject {
      let answer = try await miniapp.server.send(
        "GET", "\(path)/profile?clientPrimaryId=\(miniapp.clientID)&code=\(miniapp.loginCode("mia"))")
      #expect(answer.status == 200, "\(answer.text)")
      return answer["data"]?.object?["federateIdentities"]?.array?.first?.object ?? JSONObject()
    }
    let unknown = try await profile()
    #expect(unknown["federateCodeType"]?.string == "UserBind")
    let code = unknown["federateCode"]?.string ?? ""
    let phone = miniapp.phoneCode("mia")
    let bound = try await miniapp.server.send(
      "POST", "\(path)/bindUser", "clientPrimaryId=\(miniapp.clientID)&federateCode=\(code)&code=\(phone)",
      headers: [("Content-Type", "application/x-www-form-urlencoded")])
    #expect(bound.status == 200, "\(bound.text)")
    #expect(bound["data"]?.object?["username"]?.string?.contains("****") == true)
    let known = try await profile()
    #expect(known["federateCodeType"]?.string == "Token")
    let assertion = known["federateCode"]?.string ?? ""
    for (endpoint, status) in [("oauth2/token", 200), ("token", 400)] {
      let answer = try await miniapp.server.send(
        "POST", "/t/\(miniapp.tenant.slug)/\(endpoint)",
        "grant_type=urn:ietf:params:oauth:grant-type:federation:six-wechat-miniapp&assertion=\(assertion)",
        headers: [("Content-Type", "application/x-www-form-urlencoded")])
      #expect(answer.status == status, "\(answer.text)")
    }
    let crossed = try await miniapp.bind(ticket: assertion)
    #expect(crossed.text("code") == "bind_ticket_invalid")
    let failed = try await miniapp.server.send(
      "GET", "\(path)/profile?clientPrimaryId=\(miniapp.clientID)&code=nonsense")
    #expect(failed.status == 400)
    #expect(failed["errors"]?.array?.first?.object?["code"]?.string == "wechat_code_invalid")
  }

  @Test("a tenant's own host name leaves the prefix out")
  func ownHost() async throws {
    let miniapp = try await TestMiniapp.make()
    let host = "id-\(miniapp.tenant.slug).example.test"
    _ = try await miniapp.server.send(
      "PATCH", "/v1/tenants/\(miniapp.tenant.slug)", key: TestServer.operatorToken, "{\"domains\": [\"\(host)\"]}")
    let answer = try await miniapp.server.send(
      "POST", "/federation/wechat/miniapp/profile",
      "{\"client_id\": \"\(miniapp.clientID)\", \"code\": \"\(miniapp.loginCode("nina"))\"}", headers: [("Host", host)])
    #expect(answer.status == 200, "\(answer.text)")
  }
}

extension TestMiniapp {
  /// A confidential client that acts for itself, made in the database.
  func serviceClient() async throws -> (id: String, secret: String) {
    let id = UUIDv7.make().canonical
    let secret = "a secret: 50% + ü " + UUID().uuidString
    let hash = Digest.sha256(secret.utf8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    try await server.database.administer(
      """
      INSERT INTO oauth_clients (tenant_id, id, identity_application_id, name, type, grant_types, token_endpoint_auth_method,
        client_secret_hash)
      VALUES ('\(tenant.id)', '\(id)', '\(applicationID)', 'service', 'service', '{client_credentials}',
        'client_secret_basic', '\\x\(hash)')
      """)
    return (id, secret)
  }

  /// A form with Basic authentication; both halves are form-encoded first (RFC 6749 section 2.3.1).
  func form(_ path: String, _ body: String, basic: (id: String, secret: String)) async throws -> TestServer.Answer {
    let encoded = basic.secret.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    let header = "Basic " + Data("\(basic.id):\(encoded)".utf8).base64EncodedString()
    return try await form(path, body, headers: [("Authorization", header)])
  }
}
