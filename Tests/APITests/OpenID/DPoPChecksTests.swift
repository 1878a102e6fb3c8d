import Foundation
import JSON
import Secrets
import Testing

/// `fapi2-security-profile-final-dpop-negative-tests`: the 31 sub-checks at the resource, and the twelve of RFC 9449 section 4.3.
@Suite("DPoP, proof by proof")
struct DPoPChecksTests {
  /// A request that is made of the shared party's token.
  struct Check: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let isAccepted: Bool
    let headers: @Sendable (Bound) throws -> [(String, String)]

    init(
      _ description: String, accepted: Bool = false, _ headers: @escaping @Sendable (Bound) throws -> [(String, String)]
    ) {
      testDescription = description
      isAccepted = accepted
      self.headers = headers
    }

    /// A check that changes claims or header of a good proof.
    init(
      _ description: String, accepted: Bool = false, claims: [String: JSONValue] = [:],
      header: [String: JSONValue] = [:]
    ) {
      self.init(description, accepted: accepted) { try $0.request($0.proof(claims, header)) }
    }
  }

  /// A signed-in party whose token is bound to a key.
  struct Bound: Sendable {
    let party: TestRelyingParty
    let signer: TestSigner
    let token: String
    var uri: String { "\(party.issuer)/userinfo" }

    func proof(_ claims: [String: JSONValue] = [:], _ header: [String: JSONValue] = [:]) throws -> String {
      try signer.proof("GET", uri, token: token, claims, header: header)
    }

    func request(_ proof: String, name: String = "DPoP", scheme: String = "DPoP") -> [(String, String)] {
      [("Authorization", "\(scheme) \(token)"), (name, proof)]
    }

    static let shared = Task {
      let party = try await TestRelyingParty.make()
      let signer = try TestSigner()
      let code = try await party.signIn(TestBrowser(party.server)).redirect.parameters["code"] ?? ""
      let tokens = try await party.redeem(code, with: signer)
      guard tokens.status == 200 else { throw TestFailure(description: "no tokens: \(tokens.text)") }
      return Bound(party: party, signer: signer, token: tokens.text("access_token"))
    }
  }

  private static func seconds(_ offset: Int) -> JSONValue {
    .number(String(Int(Date().timeIntervalSince1970) + offset))
  }

  static let checks: [Check] = [
    Check("header name in capitals", accepted: true) { try $0.request($0.proof(), name: "DPOP") },
    Check("two headers") { try $0.request($0.proof()) + [("DPoP", $0.proof())] },
    Check("not a JWT") { $0.request("not-a-jwt") },
    Check("without typ", header: ["typ": .null]),
    Check("without alg", header: ["alg": .null]),
    Check("without jwk", header: ["jwk": .null]),
    Check("without jti", claims: ["jti": .null]),
    Check("without htm", claims: ["htm": .null]),
    Check("without htu", claims: ["htu": .null]),
    Check("without iat", claims: ["iat": .null]),
    Check("without ath", claims: ["ath": .null]),
    Check("wrong typ", header: ["typ": .string("JWT")]),
    Check("RS256") { bound in
      let rsa = try TestSigner("RS256")
      return bound.request(try rsa.proof("GET", bound.uri, token: bound.token))
    },
    Check("alg none") { bound in
      let parts = try bound.proof([:], ["alg": .string("none")]).split(separator: ".")
      return bound.request("\(parts[0]).\(parts[1]).")
    },
    Check("bad signature") { bound in
      let (one, two) = (try bound.proof().split(separator: "."), try bound.proof().split(separator: "."))
      return bound.request("\(one[0]).\(one[1]).\(two[2])")
    },
    Check("a private key in jwk") { bound in
      var jwk = try bound.signer.publicJWK()
      jwk["d"] = .string(Base64URL.string(RandomBytes.make(32)))
      return bound.request(try bound.proof([:], ["jwk": .object(jwk)]))
    },
    Check("wrong htm", claims: ["htm": .string("POST")]),
    Check("htu with query and fragment", accepted: true) {
      try $0.request($0.proof(["htu": .string($0.uri + "?a=b#c")]))
    },
    Check("htu as it is", accepted: true) { try $0.request($0.proof(["htu": .string($0.uri)])) },
    Check("another htu") { try $0.request($0.proof(["htu": .string($0.uri + "/x")])) },
    Check("iat an hour ahead") { try $0.request($0.proof(["iat": seconds(3600)])) },
    Check("iat an hour ago") { try $0.request($0.proof(["iat": seconds(-3600)])) },
    Check("wrong ath") { try $0.request($0.proof(["ath": .string(Base64URL.string(Digest.sha256("x".utf8)))])) },
    Check("another key") { bound in
      bound.request(try TestSigner().proof("GET", bound.uri, token: bound.token))
    },
    Check(
      "unknown header and claims", accepted: true, claims: ["x": .number("1")], header: ["x5t": .string("y")]),
    Check("upper-case scheme and host in htu", accepted: true) {
      try $0.request($0.proof(["htu": .string($0.uri.replacing("http://", with: "HTTP://"))]))
    },
    Check("no proof") { [("Authorization", "DPoP \($0.token)")] },
    Check("no proof with scheme Bearer") { [("Authorization", "Bearer \($0.token)")] },
    Check("a good proof with scheme Bearer") { try $0.request($0.proof(), scheme: "Bearer") },
    Check("a good proof", accepted: true) { try $0.request($0.proof()) },
    Check("access-token-type-header-case-sensitivity: dPoP", accepted: true) {
      try $0.request($0.proof(), scheme: "dPoP")
    },
    Check("access-token-type-header-case-sensitivity: DPOP", accepted: true) {
      try $0.request($0.proof(), scheme: "DPOP")
    },
    Check("iat 10 s ahead", accepted: true) { try $0.request($0.proof(["iat": seconds(10)])) },
    Check("iat 10 s ago", accepted: true) { try $0.request($0.proof(["iat": seconds(-10)])) },
    Check("past its exp") { try $0.request($0.proof(["exp": seconds(-3600)])) },
    Check("before its nbf") { try $0.request($0.proof(["nbf": seconds(3600)])) },
    Check("iat that is text", claims: ["iat": .string("now")]),
    Check("an empty jti", claims: ["jti": .string("")]),
    Check("a header that must be understood", header: ["crit": .array([.string("x")]), "x": .number("1")]),
    Check("a symmetric key", header: ["jwk": .object(JSONObject([("kty", .string("oct")), ("k", .string("AAAA"))]))]),
  ]

  @Test("P24: dpop-negative-tests", arguments: checks)
  func check(_ check: Check) async throws {
    let bound = try await Bound.shared.value
    let answer = try await bound.party.server.send(
      "GET", "\(bound.party.issuerPath)/userinfo", headers: try check.headers(bound))
    guard !check.isAccepted else {
      #expect(answer.status == 200, "\(answer.text)")
      return
    }
    #expect(answer.status == 401 || answer.status == 400, "\(answer.status) \(answer.text)")
    #expect(answer["sub"] == nil)
    let challenge = answer.headers["www-authenticate"] ?? ""
    #expect(challenge.hasPrefix("DPoP") || challenge.hasPrefix("Bearer"))
  }

  @Test("P24: the first use of a jti is accepted, the second refused; another key may use the same jti")
  func replay() async throws {
    let bound = try await Bound.shared.value
    let proof = try bound.proof()
    #expect(try await bound.party.userinfo(bound.token, proof).status == 200)
    let again = try await bound.party.userinfo(bound.token, proof)
    #expect(again.status == 401 && again.text("error") == "invalid_dpop_proof")
    let id = UUID().uuidString
    #expect(try await bound.party.userinfo(bound.token, bound.proof(["jti": .string(id)])).status == 200)
    let other = try TestSigner()
    let code = try await bound.party.signIn(TestBrowser(bound.party.server)).redirect.parameters["code"] ?? ""
    let token = try await bound.party.redeem(code, with: other).text("access_token")
    let theirs = try other.proof("GET", bound.uri, token: token, ["jti": .string(id)])
    #expect(try await bound.party.userinfo(token, theirs).status == 200)
  }

  @Test("PS256 and EdDSA prove as ES256 does; RSA keys under 2048 bits do not", arguments: ["ES256", "PS256", "EdDSA"])
  func algorithms(_ algorithm: String) async throws {
    let party = try await Bound.shared.value.party
    let signer = try TestSigner(algorithm)
    let code = try await party.signIn(TestBrowser(party.server)).redirect.parameters["code"] ?? ""
    let tokens = try await party.redeem(code, with: signer)
    #expect(tokens.text("token_type") == "DPoP", "\(tokens.text)")
    let token = tokens.text("access_token")
    let proof = try signer.proof("GET", "\(party.issuer)/userinfo", token: token)
    #expect(try await party.userinfo(token, proof).status == 200)
    guard algorithm == "PS256" else { return }
    let weak = try TestSigner("PS256", bits: 1024).proof("POST", "\(party.issuer)/token")
    #expect(
      try await party.token(["grant_type": "authorization_code"], proof: weak).text("error") == "invalid_dpop_proof")
  }
}
