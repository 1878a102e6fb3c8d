import Foundation
import JSON
import Secrets

@testable import Identity

extension TestSigner {
  /// A DPoP proof (RFC 9449 section 4.2); `claims` and `header` replace members of the usual one, `null` takes one out.
  func proof(
    _ method: String, _ uri: String, token: String? = nil, _ changes: [String: JSONValue] = [:],
    header: [String: JSONValue] = [:]
  ) throws -> String {
    var claims = JSONObject([
      ("jti", .string(UUID().uuidString)), ("htm", .string(method)), ("htu", .string(uri)),
      ("iat", .number(String(Int(Date().timeIntervalSince1970)))),
    ])
    if let token { claims["ath"] = .string(Base64URL.string(Digest.sha256(token.utf8))) }
    for (name, value) in changes { claims[name] = value == .null ? nil : value }
    let usual: [String: JSONValue] = ["typ": .string("dpop+jwt"), "jwk": .object(try publicJWK()), "kid": .null]
    return try sign(claims, header: usual.merging(header) { $1 })
  }

  /// The public key without its name.
  func publicJWK() throws -> JSONObject {
    var jwk = try jwk()
    jwk["kid"] = nil
    return jwk
  }

  /// Its `jkt`.
  func thumbprint() throws -> String { PublicSigningKey.thumbprint(try publicJWK()) ?? "" }
}

extension TestRelyingParty {
  /// Asks the token endpoint with a proof.
  func token(_ fields: [String: String], proof: String) async throws -> TestServer.Answer {
    try await post("token", fields, headers: [("DPoP", proof)])
  }

  /// Turns a code into tokens that are bound to a key.
  func redeem(_ code: String, with signer: TestSigner) async throws -> TestServer.Answer {
    let fields = [
      "grant_type": "authorization_code", "code": code, "redirect_uri": Self.callback, "code_verifier": Self.verifier,
    ]
    return try await token(fields, proof: signer.proof("POST", "\(issuer)/token"))
  }

  /// Asks userinfo with a bound token.
  func userinfo(_ token: String, _ proof: String, scheme: String = "DPoP") async throws -> TestServer.Answer {
    try await server.send(
      "GET", "\(issuerPath)/userinfo", headers: [("Authorization", "\(scheme) \(token)"), ("DPoP", proof)])
  }
}
