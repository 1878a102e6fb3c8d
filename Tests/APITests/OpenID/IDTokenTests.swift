import Foundation
import JSON
import RawServer
import Secrets
import Testing

/// Module `oidcc-idtoken-signature` and the assertions C2, C6 and C7 of every module, for each algorithm an issuer may have.
@Suite("OpenID provider, ID tokens and their keys")
struct IDTokenTests {
  private static let algorithms = ["ES256", "RS256", "EdDSA"]

  @Test(
    "oidcc-idtoken-signature: alg, kid and typ in the header, and the published key verifies it", arguments: algorithms)
  func signature(algorithm: String) async throws {
    let party = try await TestRelyingParty.make(signing: algorithm)
    let answer = try await party.tokens()
    let keys = try await party.keySet()
    for name in ["id_token", "access_token"] {
      let token = try TestJWT(answer.text(name))
      #expect(token.header["alg"]?.string == algorithm)
      #expect(token.header["typ"]?.string == (name == "id_token" ? "JWT" : "at+jwt"))
      #expect(token.isSigned(byOneOf: keys), "\(name)")
      #expect(token.header["jwk"] == nil && token.header["jku"] == nil && token.header["crit"] == nil)
    }
    let names = try await party.discovery()["id_token_signing_alg_values_supported"]
    #expect(names == .array([.string(algorithm)]))
    // The verifier of the tests is no yes-man: another issuer's key does not fit.
    let other = try await TestRelyingParty.make(signing: algorithm, in: party.tenant)
    var foreign = try #require(try await other.keySet()["keys"]?.array?.first?.object)
    foreign["kid"] = try TestJWT(answer.text("id_token")).header["kid"]
    let set = JSONObject([("keys", .array([.object(foreign)]))])
    #expect(try !TestJWT(answer.text("id_token")).isSigned(byOneOf: set))
  }

  @Test(
    "C2: every JWK has its kty's members, use, alg and a kid of its own, and nothing private", arguments: algorithms)
  func keys(algorithm: String) async throws {
    let party = try await TestRelyingParty.make(signing: algorithm)
    let path = "identity-applications/\(party.applicationID)/rotate-signing-key"
    #expect(try await party.tenant.send("POST", path).status == 200)
    let keys = try #require(try await party.keySet()["keys"]?.array?.compactMap(\.object))
    #expect(keys.count == 2)
    #expect(Set(keys.compactMap { $0["kid"]?.string }).count == 2)
    let shapes = [
      "ES256": ("EC", ["crv": "P-256"], ["x": 32, "y": 32]), "RS256": ("RSA", [:], ["n": 256, "e": 3]),
      "EdDSA": ("OKP", ["crv": "Ed25519"], ["x": 32]),
    ]
    let (type, words, numbers) = try #require(shapes[algorithm])
    for key in keys {
      #expect(key["kty"]?.string == type && key["alg"]?.string == algorithm && key["use"]?.string == "sig")
      for (name, word) in words { #expect(key[name]?.string == word) }
      for (name, length) in numbers {
        let text = key[name]?.string ?? ""
        #expect(Base64URL.decode(text.utf8)?.count == length && !text.contains("="), "\(name): \(text)")
      }
      let allowed = Set(["kty", "kid", "alg", "use"] + words.keys + numbers.keys)
      #expect(Set(key.members.map(\.name)).isSubset(of: allowed), "\(key.members.map(\.name))")
    }
  }

  @Test("C6, C7: expires_in is the life of the token, and the times of the ID token are right to the second")
  func times() async throws {
    let party = try await TestRelyingParty.make(application: #","access_token_ttl":700,"id_token_ttl":800"#)
    let before = Int(Date().timeIntervalSince1970)
    let answer = try await party.tokens()
    let after = Int(Date().timeIntervalSince1970)
    #expect(answer["expires_in"]?.integer == 700 && answer.text("token_type") == "Bearer")
    for (name, life) in [("access_token", 700), ("id_token", 800)] {
      let claims = answer.claims(name)
      let issued = try #require(claims["iat"]?.integer)
      #expect((before...after + 1).contains(issued), "\(name)")
      #expect(claims["exp"]?.integer == issued + life, "\(name)")
      let signedIn = try #require(claims["auth_time"]?.integer)
      #expect((before - 1...issued).contains(signedIn), "\(name)")
    }
    #expect(answer.claims("id_token")["acr"]?.string?.isEmpty == false)
  }

  @Test("oidcc-idtoken-unsigned, O14: an issuer signs with a private key, never with none or a secret")
  func unsigned() async throws {
    let tenant = try await TestServer.shared().tenant()
    let id = try await tenant.application()
    for algorithm in ["none", "HS256", "rs256", "ES384", ""] {
      let body = #"{"slug":"x","name":"X","signing_alg":"\#(algorithm)"}"#
      let made = try await tenant.send("POST", "identity-applications", body)
      #expect(made.status == 422 && made.pointers == ["/signing_alg"], "\(algorithm): \(made.text)")
      let patch = #"{"signing_alg":"\#(algorithm)"}"#
      let patched = try await tenant.send("PATCH", "identity-applications/\(id)", patch)
      #expect(patched.status == 422 && patched.pointers == ["/signing_alg"], "\(algorithm)")
    }
    for member in ["id_token_signed_response_alg", "userinfo_signed_response_alg", "request_object_signing_alg"] {
      let made = try await tenant.send(
        "POST", "oauth-clients",
        """
        {"name":"C","identity_application_id":"\(id)","type":"web","redirect_uris":["https://a.example/"],"\(member)":"none"}
        """)
      #expect(made.status == 422 && made.pointers == ["/\(member)"], "\(made.text)")
    }
  }

  @Test("oidcc-request-uri-unsigned: refused by name, and nobody is called at the address")
  func requestURI() async throws {
    let party = try await TestRelyingParty.make()
    let receiver = try RawServer(answering: answer(Array("{}".utf8)))
    for uri in ["\(receiver.url)/r.jwt", "\(receiver.url)/r.jwt#x"] {
      let refused = try await party.authorize(TestBrowser(party.server), ["request_uri": uri])
      #expect(refused.redirect.parameters["error"] == "request_uri_not_supported")
      #expect(refused.redirect.parameters["state"] == "s t&a")
    }
    let pushed = try await party.push(["request_uri": "\(receiver.url)/r.jwt"])
    #expect(pushed.status == 400, "\(pushed.text)")
    // Ours is the first connection there.
    #expect(try await party.server.visit("GET", receiver.url).status == 200)
    #expect(receiver.connections == 1)
  }
}
