import Foundation
import JSON
import RawServer
import Secrets
import Synchronization
import TestSupport
import Testing

/// `private_key_jwt`: security.md 1.7, 1.8 "client and code", O15, R16, F05.
@Suite("OpenID provider, client assertions")
struct ClientAssertionTests {
  /// A confidential client with a key of its own.
  private struct Party {
    let party: TestRelyingParty
    let signer: TestSigner

    static func make(_ algorithm: String = "ES256", grants: String = "") async throws -> Party {
      let signer = try TestSigner(algorithm)
      let settings = """
        "require_consent":false,"token_endpoint_auth_method":"private_key_jwt","jwks":\(try TestSigner.set([signer]))\(grants)
        """
      return Party(party: try await TestRelyingParty.make(settings: settings), signer: signer)
    }

    /// The claims of a good assertion, with changes; `null` takes one out.
    func claims(_ changes: [String: JSONValue] = [:], of party: TestRelyingParty? = nil) -> JSONObject {
      let party = party ?? self.party
      var claims = JSONObject([
        ("iss", .string(party.clientID)), ("sub", .string(party.clientID)), ("aud", .string(party.issuer)),
        ("jti", .string(UUID().uuidString)), ("exp", Self.seconds(60)), ("iat", Self.seconds(0)),
      ])
      for (name, value) in changes { claims[name] = value == .null ? nil : value }
      return claims
    }

    static func seconds(_ from: Int) -> JSONValue { .number(String(Int(Date().timeIntervalSince1970) + from)) }

    func send(_ path: String, _ fields: [String: String], _ assertion: String) async throws -> TestServer.Answer {
      let proof = [
        "client_assertion": assertion,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      ]
      let all = fields.merging(proof) { first, _ in first }.filter { !$0.value.isEmpty }
      return try await party.server.send(
        "POST", "\(party.issuerPath)/\(path)", TestBrowser.form(all.map { ($0.key, $0.value) }),
        headers: [("Content-Type", "application/x-www-form-urlencoded")])
    }

    /// Signs in and redeems the code; the assertion is as young as a client makes it.
    func redeem() async throws -> TestServer.Answer {
      let code = try await party.signIn(TestBrowser(party.server)).redirect.parameters["code"] ?? ""
      let fields = [
        "grant_type": "authorization_code", "code": code, "redirect_uri": TestRelyingParty.callback,
        "code_verifier": TestRelyingParty.verifier,
      ]
      return try await send("token", fields, try signer.sign(claims()))
    }

    /// Whether an assertion authenticates: revoking what does not exist needs nothing else.
    func authenticates(_ assertion: String) async throws -> Bool {
      let answer = try await send("revoke", ["token": "x"], assertion)
      guard answer.status != 200 else { return true }
      guard answer.status == 401, answer.text("error") == "invalid_client" else {
        throw TestFailure(description: "neither accepted nor refused: \(answer.text)")
      }
      return false
    }
  }

  @Test(
    "R16, ensure-client-assertion-in-token-endpoint: code, refresh, introspection and revocation without client_id",
    arguments: ["ES256", "PS256", "EdDSA"])
  func happy(algorithm: String) async throws {
    let client = try await Party.make(algorithm)
    let tokens = try await client.redeem()
    #expect(tokens.status == 200, "\(tokens.text)")
    #expect(tokens.claims("id_token")["aud"]?.string == client.party.clientID)
    let refreshed = try await client.send(
      "token", ["grant_type": "refresh_token", "refresh_token": tokens.text("refresh_token")],
      try client.signer.sign(client.claims()))
    #expect(refreshed.status == 200, "\(refreshed.text)")
    let live = ["token": refreshed.text("access_token")]
    let told = try await client.send("introspect", live, try client.signer.sign(client.claims()))
    #expect(told["active"] == .boolean(true))
    #expect(try await client.send("revoke", live, try client.signer.sign(client.claims())).status == 200)
    #expect(try await client.party.userinfo(refreshed.text("access_token")).status == 401)
  }

  @Test("O15: an assertion is used once, in sequence and at once, on all nodes")
  func once() async throws {
    let client = try await Party.make()
    let assertion = try client.signer.sign(client.claims())
    #expect(try await client.authenticates(assertion))
    #expect(try await !client.authenticates(assertion))
    let other = try client.signer.sign(client.claims())
    let accepted = try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 0..<10 { group.addTask { try await client.authenticates(other) } }
      return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(accepted == 1)
    let second = try await TestServer.start(on: client.party.server.database, refreshesTokens: false)
    let third = try client.signer.sign(client.claims())
    #expect(try await client.authenticates(third))
    let body = TestBrowser.form([
      ("token", "x"), ("client_assertion", third),
      ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
    ])
    let elsewhere = try await second.send(
      "POST", "\(client.party.issuerPath)/revoke", body,
      headers: [("Content-Type", "application/x-www-form-urlencoded")])
    #expect(elsewhere.text("error") == "invalid_client")
  }

  @Test(
    """
    ensure-client-assertion-with-wrong-aud-fails, -no-sub-, -exp-is-5-minutes-in-past-, test-array-as-audience-fails, \
    token and PAR endpoint as audience, nbf over 60 s ahead: each claim that is not as it must be
    """)
  func claims() async throws {
    let client = try await Party.make()
    let issuer = client.party.issuer
    let bad: [[String: JSONValue]] = [
      ["aud": .array([.string(issuer)])], ["aud": .string("\(issuer)/token")], ["aud": .string("\(issuer)/par")],
      ["aud": .string("\(issuer)/")], ["aud": .string("https://evil.test")], ["aud": .null],
      ["sub": .null], ["iss": .null], ["iss": .string("other")], ["sub": .string(client.party.userID)],
      ["exp": .null], ["exp": Party.seconds(-300)], ["exp": Party.seconds(-1)], ["exp": Party.seconds(7200)],
      ["exp": .string("soon")], ["exp": .number("1e999")], ["nbf": Party.seconds(61)], ["iat": Party.seconds(90)],
      ["nbf": .string("x")], ["jti": .null], ["jti": .string("")], ["jti": .number("1")],
      ["jti": .string(String(repeating: "j", count: 257))],
    ]
    for changes in bad {
      #expect(try await !client.authenticates(try client.signer.sign(client.claims(changes))), "\(changes)")
    }
    for good: [String: JSONValue] in [["nbf": Party.seconds(8)], ["iat": .null], ["exp": Party.seconds(3600)]] {
      #expect(try await client.authenticates(try client.signer.sign(client.claims(good))), "\(good)")
    }
  }

  @Test("ensure-signed-client-assertion-with-RS256-fails; none, HS256, a foreign key, a cut signature and crit too")
  func signatures() async throws {
    let client = try await Party.make()
    let foreign = try TestSigner("ES256")
    #expect(try await !client.authenticates(try foreign.sign(client.claims())))
    let good = try client.signer.sign(client.claims())
    #expect(try await !client.authenticates(String(good.dropLast(4))))
    #expect(try await !client.authenticates("x.y.z"))
    for header: [String: JSONValue] in [
      ["alg": .string("none")], ["alg": .string("HS256")], ["alg": .string("PS256")], ["alg": .null],
      ["kid": .string("other")], ["crit": .array([.string("exp")])],
    ] {
      #expect(try await !client.authenticates(try client.signer.sign(client.claims(), header: header)), "\(header)")
    }
    #expect(try await client.authenticates(try client.signer.sign(client.claims(), header: ["kid": .null])))
    let unsigned = good.split(separator: ".").dropLast().joined(separator: ".") + "."
    #expect(try await !client.authenticates(unsigned))
    let rsa = try await Party.make("RS256")
    #expect(try await !rsa.authenticates(try rsa.signer.sign(rsa.claims())))
    let short = try TestSigner("PS256", bits: 1024)
    let weak = try await client.party.client(
      settings: #""token_endpoint_auth_method":"private_key_jwt","jwks":\#(try TestSigner.set([short]))"#)
    let weakly = Party(party: weak, signer: short)
    #expect(try await !weakly.authenticates(try short.sign(weakly.claims())))
  }

  @Test("F05: one way of client authentication a request, and only the registered one")
  func oneWay() async throws {
    let client = try await Party.make()
    let secret = try await client.party.client()
    for more in [["client_secret": "x"], ["client_id": client.party.clientID, "client_secret": "x"]] {
      let answer = try await client.send(
        "revoke", ["token": "x"].merging(more) { $1 }, try client.signer.sign(client.claims()))
      #expect(answer.status == 400 && answer.text("error") == "invalid_request", "\(answer.text)")
    }
    let alone = try await client.send("revoke", ["token": "x", "client_assertion_type": ""], "")
    #expect(alone.text("error") == "invalid_client", "no authentication at all")
    for fields in [["client_assertion_type": "urn:x"], ["client_id": secret.clientID]] {
      let assertion = try client.signer.sign(client.claims())
      let all = [
        "token": "x", "client_assertion": assertion,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      ].merging(fields) { $1 }
      let answer = try await client.send("revoke", all, assertion)
      #expect(answer.text("error") == "invalid_client", "\(fields)")
    }
    let basic = Data("\(client.party.clientID):x".utf8).base64EncodedString()
    let both = try await client.party.server.send(
      "POST", "\(client.party.issuerPath)/revoke",
      TestBrowser.form([
        ("token", "x"), ("client_assertion", try client.signer.sign(client.claims())),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
      ]),
      headers: [("Content-Type", "application/x-www-form-urlencoded"), ("Authorization", "Basic \(basic)")])
    #expect(both.text("error") == "invalid_request")
    // A client with a secret does not become one with a key, nor one with a key one that only names itself.
    let crossed = Party(party: secret, signer: client.signer)
    #expect(try await !crossed.authenticates(try client.signer.sign(crossed.claims())))
    let named = try await client.send("revoke", ["token": "x", "client_id": client.party.clientID], "")
    #expect(named.text("error") == "invalid_request" || named.text("error") == "invalid_client")
  }

  @Test("two issuers crossed: an assertion for A authenticates nobody at B, and a refused one is not spent")
  func crossed() async throws {
    let (one, two) = (try await Party.make(), try await Party.make())
    let assertion = try one.signer.sign(one.claims())
    #expect(try await !two.authenticates(assertion))
    let forB = try one.signer.sign(two.claims())
    #expect(try await !two.authenticates(forB))
    #expect(try await one.authenticates(assertion))
  }

  @Test("oidcc-refresh-token-rp-key-rotation: keys at jwks_uri are read once for many, and again for a new kid")
  func rotation() async throws {
    let (old, new) = (try TestSigner(id: "old"), try TestSigner("EdDSA", id: "new"))
    let published = Mutex(try TestSigner.set([old]))
    let reads = Atomic(0)
    let server = try RawServer { exchange in
      reads.add(1, ordering: .relaxed)
      exchange.send(answer(Array(published.withLock { $0 }.utf8)))
    }
    let party = try await TestRelyingParty.make(
      settings: #""token_endpoint_auth_method":"private_key_jwt","jwks_uri":"\#(server.url)/jwks""#)
    let client = Party(party: party, signer: old)
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 0..<8 { group.addTask { try await client.authenticates(try old.sign(client.claims())) } }
      for try await isGood in group { #expect(isGood) }
    }
    #expect(reads.load(ordering: .relaxed) == 1)
    // Unknown keys are asked for at most every five seconds, however many assertions name one.
    for _ in 0..<5 { #expect(try await !client.authenticates(try new.sign(client.claims()))) }
    #expect(reads.load(ordering: .relaxed) == 1)
    published.withLock { $0 = (try? TestSigner.set([old, new])) ?? "" }
    try await eventually("the new key to be read", limit: .seconds(20)) {
      try await client.authenticates(try new.sign(client.claims())) ? () : nil
    }
    #expect(reads.load(ordering: .relaxed) == 2)
    #expect(try await client.authenticates(try old.sign(client.claims())))
  }

  @Test("a jwks_uri that is gone, too large or not JSON authenticates nobody and delays nobody for long")
  func brokenKeys() async throws {
    let signer = try TestSigner()
    for body in ["{", String(repeating: " ", count: 1 << 17), #"{"keys":{}}"#] {
      let server = try RawServer(answering: answer(Array(body.utf8)))
      let party = try await TestRelyingParty.make(
        settings: #""token_endpoint_auth_method":"private_key_jwt","jwks_uri":"\#(server.url)/jwks""#)
      let client = Party(party: party, signer: signer)
      #expect(try await !client.authenticates(try signer.sign(client.claims())))
    }
    let silent = try RawServer { _ in }
    let party = try await TestRelyingParty.make(
      settings: #""token_endpoint_auth_method":"private_key_jwt","jwks_uri":"\#(silent.url)/jwks""#)
    let client = Party(party: party, signer: signer)
    let begun = ContinuousClock.now
    #expect(try await !client.authenticates(try signer.sign(client.claims())))
    #expect(ContinuousClock.now - begun < .seconds(6))
  }

  @Test("the metadata names private_key_jwt and its algorithms")
  func metadata() async throws {
    let client = try await Party.make()
    let metadata = try await client.party.server.send(
      "GET", "\(client.party.issuerPath)/.well-known/openid-configuration")
    for endpoint in ["token", "introspection", "revocation"] {
      let methods = metadata["\(endpoint)_endpoint_auth_methods_supported"]?.array ?? []
      #expect(methods.contains(.string("private_key_jwt")), "\(endpoint)")
      let algorithms = metadata["\(endpoint)_endpoint_auth_signing_alg_values_supported"]
      #expect(algorithms == .array([.string("ES256"), .string("PS256"), .string("EdDSA")]), "\(endpoint)")
    }
  }
}
