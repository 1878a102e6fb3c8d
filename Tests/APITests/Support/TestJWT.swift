import Crypto
import CryptoExtras
import Foundation
import JSON
import Secrets

/// A JWT of an issuer, taken apart.
struct TestJWT: Sendable {
  let header: JSONObject
  let claims: JSONObject
  private let signed: String
  private let signature: [UInt8]

  /// - Throws: `TestFailure` for what is no compact JWS of JSON.
  init(_ text: String) throws {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    let decoded = parts.compactMap { Base64URL.decode($0.utf8) }
    guard parts.count == 3, decoded.count == 3,
      let header = (try? JSONValue(parsing: decoded[0]))?.object,
      let claims = (try? JSONValue(parsing: decoded[1]))?.object
    else { throw TestFailure(description: "not a JWS: \(text)") }
    self.header = header
    self.claims = claims
    signed = parts[..<2].joined(separator: ".")
    signature = decoded[2]
  }

  /// True when the key of the set that the header names signed it with the algorithm of the header.
  func isSigned(byOneOf set: JSONObject) -> Bool {
    let keys = set["keys"]?.array?.compactMap(\.object) ?? []
    guard header["kid"] != nil, let key = keys.first(where: { $0["kid"] == header["kid"] }) else { return false }
    return isSigned(by: key)
  }

  private func isSigned(by key: JSONObject) -> Bool {
    func number(_ name: String) -> [UInt8] { Base64URL.decode((key[name]?.string ?? "").utf8) ?? [] }
    let bytes = Array(signed.utf8)
    switch header["alg"]?.string {
    case "ES256":
      guard let point = try? P256.Signing.PublicKey(x963Representation: [4] + number("x") + number("y")),
        let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signature)
      else { return false }
      return point.isValidSignature(signature, for: bytes)
    case "RS256":
      guard let modulus = try? _RSA.Signing.PublicKey(n: number("n"), e: number("e")) else { return false }
      return modulus.isValidSignature(
        _RSA.Signing.RSASignature(rawRepresentation: signature), for: bytes, padding: .insecurePKCS1v1_5)
    case "EdDSA":
      guard let point = try? Curve25519.Signing.PublicKey(rawRepresentation: number("x")) else { return false }
      return point.isValidSignature(signature, for: bytes)
    default: return false
    }
  }
}

extension TestRelyingParty {
  /// The issuer's published keys.
  func keySet() async throws -> JSONObject { try await server.send("GET", "\(issuerPath)/jwks.json").json }

  /// The issuer's published metadata.
  func discovery() async throws -> TestServer.Answer {
    try await server.send("GET", "\(issuerPath)/.well-known/openid-configuration")
  }

  /// Tokens of a sign-in in a new browser.
  func tokens(_ changes: [String: String] = [:]) async throws -> TestServer.Answer {
    let answer = try await redeem(signIn(TestBrowser(server), changes).redirect.parameters["code"] ?? "")
    guard answer.status == 200 else { throw TestFailure(description: "no tokens: \(answer.text)") }
    return answer
  }
}
