import Foundation
import JSON
import OAuth
import Secrets
import TestSupport
import Testing

@testable import Identity

/// RFC 9449 as a whole: who gets bound tokens, and who may use them.
@Suite("OpenID provider, DPoP")
struct DPoPTests {
  private func code(_ party: TestRelyingParty, _ changes: [String: String] = [:]) async throws -> String {
    try await party.signIn(TestBrowser(party.server), changes).redirect.parameters["code"] ?? ""
  }

  private func refresh(
    _ party: TestRelyingParty, _ tokens: TestServer.Answer, with signer: TestSigner?
  ) async throws -> TestServer.Answer {
    let fields = ["grant_type": "refresh_token", "refresh_token": tokens.text("refresh_token")]
    guard let signer else { return try await party.token(fields) }
    return try await party.token(fields, proof: signer.proof("POST", "\(party.issuer)/token"))
  }

  @Test(
    "P25: cnf.jkt and token_type DPoP; a public client refreshes with the same key only, a narrower door for nobody")
  func publicClient() async throws {
    let party = try await TestRelyingParty.make(type: "native")
    let (signer, other) = (try TestSigner(), try TestSigner())
    let tokens = try await party.redeem(code(party), with: signer)
    #expect(tokens.status == 200 && tokens.text("token_type") == "DPoP", "\(tokens.text)")
    #expect(tokens.claims("access_token")["cnf"]?.object?["jkt"]?.string == (try signer.thumbprint()))
    #expect(try await refresh(party, tokens, with: other).text("error") == "invalid_grant")
    #expect(try await refresh(party, tokens, with: nil).text("error") == "invalid_grant")
    let again = try await refresh(party, tokens, with: signer)
    #expect(again.status == 200 && again.text("token_type") == "DPoP", "\(again.text)")
    // The answer was lost: the same token once more, within its ten seconds, with the same key only.
    #expect(try await refresh(party, tokens, with: other).text("error") == "invalid_grant")
    #expect(try await refresh(party, tokens, with: signer).text("refresh_token") == again.text("refresh_token"))
    let token = again.text("access_token")
    #expect(
      try await party.userinfo(token, signer.proof("GET", "\(party.issuer)/userinfo", token: token)).status == 200)
  }

  @Test("P25: a confidential client may change its key, and cannot go back to bearer tokens")
  func confidentialClient() async throws {
    let party = try await TestRelyingParty.make()
    let (signer, other) = (try TestSigner(), try TestSigner())
    let tokens = try await party.redeem(code(party), with: signer)
    #expect(try await refresh(party, tokens, with: nil).text("error") == "invalid_grant")
    let again = try await refresh(party, tokens, with: other)
    #expect(again.claims("access_token")["cnf"]?.object?["jkt"]?.string == (try other.thumbprint()))
  }

  @Test("P25: a public client that begins to prove a key is bound to it from then on")
  func upgrade() async throws {
    let party = try await TestRelyingParty.make(type: "native")
    let (signer, other) = (try TestSigner(), try TestSigner())
    let bearer = try await party.redeem(code(party))
    #expect(bearer.text("token_type") == "Bearer")
    let bound = try await refresh(party, bearer, with: signer)
    #expect(bound.text("token_type") == "DPoP", "\(bound.text)")
    #expect(try await refresh(party, bound, with: nil).text("error") == "invalid_grant")
    #expect(try await refresh(party, bound, with: other).text("error") == "invalid_grant")
    #expect(try await refresh(party, bound, with: signer).status == 200)
  }

  @Test("ensure-dpop-auth-code-binding-success and -fails-with-mismatched-dpop-jkt: a code is its key's alone")
  func codeBinding() async throws {
    let party = try await TestRelyingParty.make()
    let (signer, other) = (try TestSigner(), try TestSigner())
    let changes = ["dpop_jkt": try signer.thumbprint()]
    #expect(try await party.redeem(code(party, changes), with: signer).status == 200)
    #expect(try await party.redeem(code(party, changes), with: other).text("error") == "invalid_grant")
    #expect(try await party.redeem(code(party, changes)).text("error") == "invalid_grant", "no proof at all")
    let bad = try await party.authorize(TestBrowser(party.server), ["dpop_jkt": "short"])
    #expect(bad.redirect.parameters["error"] == "invalid_request")
  }

  @Test(
    "ensure-dpopproof-at-par-endpoint-binding-success and ensure-mismatched-dpop-jkt-fails: a push binds its code to its key"
  )
  func pushed() async throws {
    let party = try await TestRelyingParty.make()
    let (signer, other) = (try TestSigner(), try TestSigner())
    let browser = TestBrowser(party.server)
    _ = try await party.signIn(browser)
    func push(_ changes: [String: String] = [:], proof: String? = nil) async throws -> TestServer.Answer {
      let fields = Dictionary(party.request(changes)) { first, _ in first }
      return try await party.post("par", fields, headers: proof.map { [("DPoP", $0)] } ?? [])
    }
    func code(_ pushed: TestServer.Answer) async throws -> String {
      try await party.bring(browser, pushed.text("request_uri")).redirect.parameters["code"] ?? ""
    }
    let uri = "\(party.issuer)/par"
    let proof = try signer.proof("POST", uri)
    let bound = try await push(proof: proof)
    #expect(bound.status == 201 && bound.headers["dpop-nonce"] != nil, "\(bound.text)")
    #expect(try await party.redeem(code(bound), with: signer).text("token_type") == "DPoP")
    let stolen = try await push(proof: signer.proof("POST", uri))
    #expect(try await party.redeem(code(stolen), with: other).text("error") == "invalid_grant")
    let named = try await push(["dpop_jkt": signer.thumbprint()])
    #expect(try await party.redeem(code(named), with: signer).status == 200)
    let mismatched = try await push(["dpop_jkt": other.thumbprint()], proof: signer.proof("POST", uri))
    #expect(mismatched.status == 400 && mismatched.text("error") == "invalid_dpop_proof")
    #expect(try await push(proof: proof).text("error") == "invalid_dpop_proof", "replayed")
    let elsewhere = try await push(proof: signer.proof("POST", "\(party.issuer)/token"))
    #expect(elsewhere.text("error") == "invalid_dpop_proof")
  }

  @Test("P26: a proof of another time is asked for a nonce, with it accepted, and every answer brings one")
  func nonce() async throws {
    let party = try await TestRelyingParty.make()
    let signer = try TestSigner()
    let late = JSONValue.number(String(Int(Date().timeIntervalSince1970) - 3600))
    let fields = [
      "grant_type": "authorization_code", "code": try await code(party), "redirect_uri": TestRelyingParty.callback,
      "code_verifier": TestRelyingParty.verifier,
    ]
    let uri = "\(party.issuer)/token"
    let asked = try await party.token(fields, proof: signer.proof("POST", uri, ["iat": late]))
    #expect(asked.status == 400 && asked.text("error") == "use_dpop_nonce")
    let nonce = try #require(asked.headers["dpop-nonce"])
    let stale = try await party.token(fields, proof: signer.proof("POST", uri, ["nonce": .string(nonce + "x")]))
    #expect(stale.status == 400 && stale.text("error") == "use_dpop_nonce")
    let tokens = try await party.token(
      fields, proof: signer.proof("POST", uri, ["iat": late, "nonce": .string(nonce)]))
    #expect(tokens.status == 200, "\(tokens.text)")
    #expect(tokens.headers["dpop-nonce"] != nil)
    let token = tokens.text("access_token")
    let resource = try await party.userinfo(
      token, signer.proof("GET", "\(party.issuer)/userinfo", token: token, ["iat": late]))
    #expect(resource.status == 401 && resource.headers["www-authenticate"]?.contains("use_dpop_nonce") == true)
    #expect(resource.headers["dpop-nonce"] != nil)
  }

  @Test("P26: a nonce is good for five to ten minutes, on every node with the same key")
  func nonceLife() throws {
    let ring = try KeyRing(TestServer.masterKey)
    let (one, two) = (DPoPNonces(ring: ring), DPoPNonces(ring: ring))
    let begin = Date(timeIntervalSince1970: 300 * 6_000_000)
    let nonce = one.nonce(at: begin)
    #expect(two.isFresh(nonce, at: begin) && two.isFresh(nonce, at: begin + 599))
    #expect(!two.isFresh(nonce, at: begin + 600) && !two.isFresh(nonce, at: begin - 1))
    #expect(!two.isFresh("", at: begin))
  }

  @Test("P27: the same proof to two nodes, in sequence and at once, has one success")
  func replay() async throws {
    let party = try await TestRelyingParty.make()
    let node = try await TestServer.start(on: TestDatabase.shared(), refreshesTokens: false)
    let second = party.server.reaching(node.port)
    let signer = try TestSigner()
    let token = try await party.redeem(code(party), with: signer).text("access_token")
    let proof = try signer.proof("GET", "\(party.issuer)/userinfo", token: token)
    #expect(try await party.userinfo(token, proof).status == 200)
    let headers = [("Authorization", "DPoP \(token)"), ("DPoP", proof)]
    let later = try await second.send("GET", "\(party.issuerPath)/userinfo", headers: headers)
    #expect(later.status == 401 && later.text("error") == "invalid_dpop_proof")
    let fresh = try signer.proof("GET", "\(party.issuer)/userinfo", token: token)
    let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
      for number in 0..<10 {
        let server = number % 2 == 0 ? party.server : second
        group.addTask {
          try await server.send(
            "GET", "\(party.issuerPath)/userinfo", headers: [("Authorization", "DPoP \(token)"), ("DPoP", fresh)]
          ).status
        }
      }
      return try await group.reduce(into: [Int]()) { $0.append($1) }
    }
    #expect(statuses.count { $0 == 200 } == 1 && statuses.count { $0 == 401 } == 9)
  }

  @Test("P27: a proof used at the token endpoint is used; the code that came with it is not lost by it")
  func replayAtTokenEndpoint() async throws {
    let party = try await TestRelyingParty.make()
    let signer = try TestSigner()
    let browser = TestBrowser(party.server)
    _ = try await party.signIn(browser)
    // Codes are made without a page now, one right after the other: neither is old before it is used.
    let one = try await party.authorize(browser).redirect.parameters["code"] ?? ""
    let two = try await party.authorize(browser).redirect.parameters["code"] ?? ""
    let proof = try signer.proof("POST", "\(party.issuer)/token")
    func redeem(_ code: String) async throws -> TestServer.Answer {
      try await party.token(
        [
          "grant_type": "authorization_code", "code": code, "redirect_uri": TestRelyingParty.callback,
          "code_verifier": TestRelyingParty.verifier,
        ], proof: proof)
    }
    #expect(try await redeem(one).status == 200)
    let again = try await redeem(two)
    #expect(again.status == 400 && again.text("error") == "invalid_dpop_proof")
    #expect(try await party.redeem(two, with: signer).status == 200)
  }

  @Test("P28: a bound token is refused as Bearer, in the header and in the body, and a bearer token as DPoP")
  func schemes() async throws {
    let party = try await TestRelyingParty.make()
    let signer = try TestSigner()
    let bound = try await party.redeem(code(party), with: signer).text("access_token")
    let refused = try await party.userinfo(bound)
    #expect(refused.status == 401 && refused.text("error") == "invalid_token")
    let body = try await party.form("userinfo", [("access_token", bound)])
    #expect(body.status == 401 && body.text("error") == "invalid_token", "\(body.text)")
    let bearer = try await party.redeem(code(party)).text("access_token")
    #expect(try await party.userinfo(bearer).status == 200)
    let inBody = try await party.form("userinfo", [("access_token", bearer)])
    #expect(inBody.status == 200 && inBody.text("sub") == party.userID, "the body is read: \(inBody.text)")
    let proof = try signer.proof("GET", "\(party.issuer)/userinfo", token: bearer)
    #expect(try await party.userinfo(bearer, proof).status == 401)
  }

  @Test("ensure-holder-of-key-required: a client registered for bound tokens gets none without a proof")
  func required() async throws {
    let settings = #""require_consent":false,"dpop_bound_access_tokens":true"#
    let party = try await TestRelyingParty.make(settings: settings)
    let shown = try await party.tenant.send("GET", "oauth-clients/\(party.clientID)")
    #expect(shown["dpop_bound_access_tokens"] == .boolean(true))
    let first = try await code(party)
    let refused = try await party.redeem(first)
    #expect(refused.status == 400 && refused.text("error") == "invalid_dpop_proof")
    let signer = try TestSigner()
    let tokens = try await party.redeem(first, with: signer)
    #expect(tokens.status == 200, "the code is not lost: \(tokens.text)")
    let native = try await party.client(type: "native", settings: #""require_consent":false"#)
    let bearer = try await native.redeem(code(native))
    let patched = try await party.tenant.send(
      "PATCH", "oauth-clients/\(native.clientID)", #"{"dpop_bound_access_tokens":true}"#)
    #expect(patched.status == 200 && patched["dpop_bound_access_tokens"] == .boolean(true))
    #expect(try await refresh(native, bearer, with: nil).text("error") == "invalid_grant")
    #expect(try await refresh(native, bearer, with: signer).text("token_type") == "DPoP")
  }

  @Test("introspection shows cnf, client credentials are bound too, and the metadata names the algorithms")
  func introspection() async throws {
    let party = try await TestRelyingParty.make()
    let signer = try TestSigner()
    let bound = try await party.redeem(code(party), with: signer).text("access_token")
    let shown = try await party.post("introspect", ["token": bound])
    #expect(shown["active"] == .boolean(true), "\(shown.text)")
    #expect(shown.text("token_type") == "DPoP")
    #expect(shown["cnf"]?.object?["jkt"]?.string == (try signer.thumbprint()))
    let settings = #""grant_types":["client_credentials","authorization_code"],"dpop_bound_access_tokens":true"#
    let service = try await party.client(settings: settings)
    let fields = ["grant_type": "client_credentials"]
    #expect(try await service.token(fields).text("error") == "invalid_dpop_proof")
    let proof = try signer.proof("POST", "\(party.issuer)/token")
    let own = try await service.token(fields, proof: proof)
    #expect(own.claims("access_token")["cnf"]?.object?["jkt"]?.string == (try signer.thumbprint()), "\(own.text)")
    #expect(try await service.token(fields, proof: proof).text("error") == "invalid_dpop_proof")
    #expect(try await party.post("revoke", ["token": bound]).status == 200)
    #expect(try await party.post("introspect", ["token": bound]).text == #"{"active":false}"#)
    let metadata = try await party.server.send("GET", "\(party.issuerPath)/.well-known/openid-configuration")
    let algorithms = metadata["dpop_signing_alg_values_supported"]?.array?.compactMap(\.string)
    #expect(algorithms == ["ES256", "PS256", "EdDSA"])
  }

  @Test("two issuers: a proof for one is refused at the other, and so is a bound token")
  func crossed() async throws {
    let (one, two) = (try await TestRelyingParty.make(), try await TestRelyingParty.make())
    let signer = try TestSigner()
    let token = try await one.redeem(code(one), with: signer).text("access_token")
    let there = try await two.userinfo(token, signer.proof("GET", "\(two.issuer)/userinfo", token: token))
    #expect(there.status == 401 && there.text("error") == "invalid_token")
    let fields = ["grant_type": "authorization_code", "code": "qac_x"]
    let foreign = try await two.token(fields, proof: signer.proof("POST", "\(one.issuer)/token"))
    #expect(foreign.text("error") == "invalid_dpop_proof")
  }

  @Test("the address of a proof is compared in one spelling, and thumbprints are those of RFC 7638 and RFC 9449")
  func spelling() throws {
    let uri = try #require(TargetURI("https://server.example/a%2fb/c"))
    for same in [
      "HTTPS://SERVER.example/a%2Fb/c", "https://server.example:443/a%2fb/%63", "https://server.example/a%2fb/c?x#y",
    ] { #expect(TargetURI(same) == uri, "\(same)") }
    for other in [
      "https://server.example/a/b/c", "http://server.example/a%2fb/c", "https://server.example:444/a%2fb/c",
      "https://server.example/a%2fb/c/", "https://server.example/A%2fb/c", "/a%2fb/c", "https://server.example/a%2",
    ] { #expect(TargetURI(other) != uri, "\(other)") }
    #expect(TargetURI("https://server.example") == TargetURI("https://server.example/"))
    let key = JSONObject([
      ("kty", .string("EC")), ("x", .string("l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs")),
      ("y", .string("9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA")), ("crv", .string("P-256")),
    ])
    #expect(PublicSigningKey.thumbprint(key) == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I")
  }
}
