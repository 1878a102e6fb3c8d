import Foundation
import JSON
import Secrets
import Tenancy
import Testing

@testable import Identity

/// RFC 8693 inside one identity application.
@Suite("OpenID provider, token exchange")
struct TokenExchangeTests {
  private static let grant = "urn:ietf:params:oauth:grant-type:token-exchange"
  private static let accessToken = "urn:ietf:params:oauth:token-type:access_token"

  /// A signed-in person's access token, and a service that may exchange it.
  private struct Setting {
    let party: TestRelyingParty
    let service: TestRelyingParty
    let tokens: TestServer.Answer

    var token: String { tokens.text("access_token") }
    var sid: String { tokens.claims("access_token")["sid"]?.string ?? "" }
  }

  private func setting(application: String = "") async throws -> Setting {
    let party = try await TestRelyingParty.make(application: application)
    let back = try await party.signIn(TestBrowser(party.server), ["scope": "openid profile email"])
    let tokens = try await party.redeem(back.redirect.parameters["code"] ?? "")
    return Setting(party: party, service: try await service(of: party), tokens: tokens)
  }

  private func service(of party: TestRelyingParty) async throws -> TestRelyingParty {
    try await party.service(
      #""grant_types":["\#(Self.grant)","client_credentials"],"scopes":["openid","profile","phone"]"#)
  }

  private func exchange(
    _ service: TestRelyingParty, _ token: String, _ changes: [String: String] = [:], proof: String? = nil
  ) async throws -> TestServer.Answer {
    let usual = ["grant_type": Self.grant, "subject_token": token, "subject_token_type": Self.accessToken]
    let headers = proof.map { [("DPoP", $0)] } ?? []
    return try await service.post("token", usual.merging(changes) { $1 }, headers: headers)
  }

  private func actor(_ service: TestRelyingParty) async throws -> [String: String] {
    let own = try await service.token(["grant_type": "client_credentials"])
    return ["actor_token": own.text("access_token"), "actor_token_type": Self.accessToken]
  }

  @Test(
    "P13: issued_token_type, the same person and session, the scope that both may have, no refresh token, no longer life"
  )
  func success() async throws {
    let setting = try await setting()
    let made = try await exchange(setting.service, setting.token)
    #expect(made.status == 200, "\(made.text)")
    #expect(made.headers["cache-control"] == "no-store")
    #expect(made.text("issued_token_type") == Self.accessToken && made.text("token_type") == "Bearer")
    #expect(made.text("scope") == "openid profile")
    #expect(made["refresh_token"] == nil && made["id_token"] == nil)
    let (before, after) = (setting.tokens.claims("access_token"), made.claims("access_token"))
    for name in ["iss", "sub", "aud", "sid", "auth_time", "amr"] { #expect(before[name] == after[name], "\(name)") }
    #expect(after["client_id"]?.string == setting.service.clientID)
    #expect(after["jti"] != before["jti"] && after["act"] == nil)
    #expect((after["exp"]?.integer ?? .max) <= (before["exp"]?.integer ?? 0))
    #expect((made["expires_in"]?.integer ?? 0) > 0)
    let info = try await setting.party.userinfo(made.text("access_token"))
    #expect(info.text("name") == "Buffy" && info["email"] == nil)
    let metadata = try await setting.party.server.send(
      "GET", "\(setting.party.issuerPath)/.well-known/openid-configuration")
    #expect(metadata["grant_types_supported"]?.array?.contains(.string(Self.grant)) == true)
  }

  @Test(
    "P13: a wider scope is invalid_scope, another audience or resource invalid_target, another type invalid_request")
  func wider() async throws {
    let setting = try await setting()
    let narrow = try await exchange(
      setting.service, setting.token, ["scope": "openid", "audience": setting.party.issuer])
    #expect(narrow.text("scope") == "openid", "\(narrow.text)")
    let refused: [([String: String], String)] = [
      (["scope": "openid phone"], "invalid_scope"), (["scope": "email"], "invalid_scope"),
      (["scope": "admin"], "invalid_scope"), (["audience": "https://elsewhere.test"], "invalid_target"),
      (["resource": "https://elsewhere.test"], "invalid_target"),
      (["requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"], "invalid_request"),
      (["requested_token_type": "urn:ietf:params:oauth:token-type:id_token"], "invalid_request"),
      (["actor_token_type": Self.accessToken], "invalid_request"),
      (["actor_token": setting.token], "invalid_request"), (["subject_token": ""], "invalid_request"),
    ]
    for (changes, error) in refused {
      let answer = try await exchange(setting.service, setting.token, changes)
      #expect(answer.status == 400 && answer.text("error") == error, "\(changes): \(answer.text)")
    }
    // A narrower token is not widened by a second exchange.
    let again = try await exchange(setting.service, narrow.text("access_token"), ["scope": "openid profile"])
    #expect(again.text("error") == "invalid_scope")
  }

  @Test(
    "P12: expired, revoked, another tenant's, another issuer's, an ID token, a refresh token, a client's own: each refused"
  )
  func subjects() async throws {
    let setting = try await setting()
    let foreign = try await self.setting()
    let revoked = try await setting.party.redeem(
      try await setting.party.signIn(TestBrowser(setting.party.server)).redirect.parameters["code"] ?? "")
    #expect(try await setting.party.post("revoke", ["token": revoked.text("access_token")]).status == 200)
    let neighbour = try await TestRelyingParty.make(in: setting.party.tenant)
    let theirs = try await neighbour.redeem(
      try await neighbour.signIn(TestBrowser(neighbour.server)).redirect.parameters["code"] ?? "")
    let own = try await setting.service.token(["grant_type": "client_credentials"]).text("access_token")
    let subjects = [
      "expired": try await expired(setting), "revoked": revoked.text("access_token"), "another tenant's": foreign.token,
      "another issuer's": theirs.text("access_token"), "an ID token": setting.tokens.text("id_token"),
      "a refresh token": setting.tokens.text("refresh_token"), "a client's own": own, "nonsense": "x.y.z",
    ]
    for (what, token) in subjects {
      #expect(!token.isEmpty, "\(what)")
      let answer = try await exchange(setting.service, token)
      #expect(answer.status == 400 && answer.text("error") == "invalid_request", "\(what): \(answer.text)")
      #expect(answer["access_token"] == nil)
    }
    let idToken = try await exchange(
      setting.service, setting.tokens.text("id_token"),
      ["subject_token_type": "urn:ietf:params:oauth:token-type:id_token"])
    #expect(idToken.text("error") == "invalid_request")
    #expect(try await exchange(setting.service, setting.token).status == 200)
  }

  @Test("P12: only a client registered for the grant, authenticated, and of the same issuer")
  func clients() async throws {
    let setting = try await setting()
    #expect(try await exchange(setting.party, setting.token).text("error") == "unauthorized_client")
    let nameless = try await setting.party.server.send(
      "POST", "\(setting.party.issuerPath)/token",
      TestBrowser.form([
        ("grant_type", Self.grant), ("subject_token", setting.token), ("subject_token_type", Self.accessToken),
        ("client_id", setting.service.clientID),
      ]), headers: [("Content-Type", "application/x-www-form-urlencoded")])
    #expect(nameless.status == 401 && nameless.text("error") == "invalid_client")
    let stranger = try await self.setting().service
    let crossed = try await stranger.post(
      at: setting.party.issuerPath, "token",
      ["grant_type": Self.grant, "subject_token": setting.token, "subject_token_type": Self.accessToken])
    #expect(crossed.text("error") == "invalid_client")
    for type in ["native", "spa"] {
      await #expect(throws: TestFailure.self) {
        _ = try await setting.party.client(
          type: type, settings: #""grant_types":["authorization_code","\#(Self.grant)"]"#)
      }
    }
  }

  @Test("P14: act names who acts, chains are kept, an actor's token is its own client's, and introspection shows it")
  func delegation() async throws {
    let setting = try await setting()
    let second = try await service(of: setting.party)
    let first = try await exchange(setting.service, setting.token, actor(setting.service))
    #expect(first.claims("access_token")["act"]?.object?["sub"]?.string == setting.service.clientID, "\(first.text)")
    let next = try await exchange(second, first.text("access_token"), actor(second))
    let act = next.claims("access_token")["act"]?.object
    #expect(act?["sub"]?.string == second.clientID)
    #expect(act?["act"]?.object?["sub"]?.string == setting.service.clientID)
    #expect(next.claims("access_token")["sub"]?.string == setting.party.userID)
    let silent = try await exchange(second, first.text("access_token"))
    #expect(silent.claims("access_token")["act"] == first.claims("access_token")["act"], "kept without an actor")
    let borrowed = try await exchange(second, setting.token, actor(setting.service))
    #expect(borrowed.text("error") == "invalid_request")
    let shown = try await setting.service.post("introspect", ["token": next.text("access_token")])
    #expect(shown["act"]?.object == act)
    var chained = next
    var depth = 2
    while depth < 10, chained.status == 200 {
      chained = try await exchange(second, chained.text("access_token"), actor(second))
      depth += 1
    }
    #expect(chained.text("error") == "invalid_request" && depth == 5)
  }

  @Test("the end of the session, the grant, the user or the exchanging client ends the exchanged token at once")
  func ending() async throws {
    let setting = try await setting()
    let made = try await exchange(setting.service, setting.token).text("access_token")
    #expect(try await setting.party.userinfo(made).status == 200)
    let path = "users/\(setting.party.userID)/sessions/\(setting.sid)"
    #expect(try await setting.party.tenant.send("DELETE", path).status == 204)
    #expect(try await setting.party.userinfo(made).status == 401)
    #expect(try await exchange(setting.service, setting.token).text("error") == "invalid_request")
    let other = try await self.setting()
    let token = try await exchange(other.service, other.token).text("access_token")
    #expect(try await other.party.post("revoke", ["token": other.tokens.text("refresh_token")]).status == 200)
    #expect(try await other.party.userinfo(token).status == 401)
    let third = try await self.setting()
    let last = try await exchange(third.service, third.token).text("access_token")
    #expect(try await third.party.tenant.send("DELETE", "oauth-clients/\(third.service.clientID)").status == 204)
    #expect(try await third.party.userinfo(last).status == 401)
    #expect(try await third.party.userinfo(third.token).status == 200)
  }

  @Test("a bound token is exchanged for one that is bound to the new holder's key, never for a bearer token")
  func bound() async throws {
    let setting = try await setting()
    let (person, holder) = (try TestSigner(), try TestSigner())
    let code = try await setting.party.signIn(TestBrowser(setting.party.server)).redirect.parameters["code"] ?? ""
    let token = try await setting.party.redeem(code, with: person).text("access_token")
    #expect(try await exchange(setting.service, token).text("error") == "invalid_dpop_proof")
    let proof = try holder.proof("POST", "\(setting.party.issuer)/token")
    let made = try await exchange(setting.service, token, proof: proof)
    #expect(made.text("token_type") == "DPoP", "\(made.text)")
    #expect(made.claims("access_token")["cnf"]?.object?["jkt"]?.string == (try holder.thumbprint()))
    #expect(try await exchange(setting.service, token, proof: proof).text("error") == "invalid_dpop_proof", "replayed")
  }

  @Test(
    "P13, R14: for a resource of the application, from there nowhere else, and without the claims that others asked for"
  )
  func resources() async throws {
    let (one, two) = ("https://one.test/api", "https://two.test/api")
    let setting = try await setting(application: #","resources":["\#(one)","\#(two)"]"#)
    let first = try await exchange(setting.service, setting.token, ["resource": one])
    #expect(first.claims("access_token")["aud"]?.string == one, "\(first.text)")
    #expect(try await setting.party.userinfo(first.text("access_token")).status == 401)
    let token = first.text("access_token")
    #expect(try await exchange(setting.service, token).claims("access_token")["aud"]?.string == one)
    let other = try await exchange(setting.service, setting.token, ["audience": two, "resource": two])
    #expect(other.claims("access_token")["aud"]?.string == two)
    for changes in [
      ["audience": setting.party.issuer], ["resource": "https://three.test/api"], ["audience": two],
      ["audience": one, "resource": two],
    ] {
      let answer = try await exchange(setting.service, token, changes)
      #expect(answer.status == 400 && answer.text("error") == "invalid_target", "\(changes): \(answer.text)")
    }
    let asking = ["scope": "openid", "claims": #"{"userinfo":{"email":null}}"#]
    let back = try await setting.party.signIn(TestBrowser(setting.party.server), asking)
    let own = try await setting.party.redeem(back.redirect.parameters["code"] ?? "").text("access_token")
    #expect(try await setting.party.userinfo(own)["email"] != nil)
    let others = try await exchange(setting.service, own).text("access_token")
    let info = try await setting.party.userinfo(others)
    #expect(info.status == 200 && info["email"] == nil, "\(info.text)")
  }

  /// The person's token as it will be after its end: the same claims with another `exp`, signed with the issuer's own key.
  private func expired(_ setting: Setting) async throws -> String {
    let tenant = setting.party.tenant.id
    let rows = try await setting.party.server.database.administer(
      """
      SELECT id, alg, encode(private_key_sealed, 'hex') FROM signing_keys
      WHERE tenant_id = '\(tenant)' AND identity_application_id = '\(setting.party.applicationID)' AND status = 'active'
      """)
    let row = try #require(rows.first)
    let id = try #require(ID<SigningKey>(row[0] ?? ""))
    let algorithm = try #require(SigningAlgorithm(rawValue: row[1] ?? ""))
    let digits = Array(row[2] ?? "")
    let sealed = stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...($0 + 1)]), radix: 16) }
    let place = KeyRing.Place.signingKey(try #require(ID<Tenant>(tenant)), id)
    let stored = try KeyRing(TestServer.masterKey).open(sealed, for: place)
    let key = SigningKey(id: id, algorithm: algorithm, key: try PrivateSigningKey(algorithm, stored: stored))
    var claims = setting.tokens.claims("access_token")
    let unchanged = try key.sign(JSONValue.object(claims).text, as: .accessToken)
    let good = try await exchange(setting.service, String(decoding: unchanged, as: UTF8.self))
    #expect(good.status == 200, "the key is the issuer's: \(good.text)")
    claims["exp"] = .number(String(Int(Date().timeIntervalSince1970) - 1))
    return String(decoding: try key.sign(JSONValue.object(claims).text, as: .accessToken), as: UTF8.self)
  }
}

extension TestRelyingParty {
  /// A service of the same application.
  func service(_ settings: String) async throws -> TestRelyingParty {
    let made = try await tenant.send(
      "POST", "oauth-clients",
      #"{"name":"S","identity_application_id":"\#(applicationID)","type":"service",\#(settings)}"#)
    guard made.status == 201 else { throw TestFailure(description: "no service: \(made.text)") }
    return TestRelyingParty(
      tenant: tenant, applicationID: applicationID, issuerPath: issuerPath, clientID: made.text("id"),
      secret: made.text("client_secret"), username: username, userID: userID)
  }
}
