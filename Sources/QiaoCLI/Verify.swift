import ArgumentParser
import Crypto
import CryptoExtras
import EventLoop
import Foundation
import JSON
import Observability
import Outbound
import Secrets

/// `qiao verify`: checks a token the way a relying party does, with nothing but the issuer's address.
struct Verify: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Verify a JWT from standard input against an issuer's published keys and print its claims.")

  @Option(help: "The issuer, as in the token's iss.")
  var issuer: String

  func run() async throws {
    guard let token = readLine()?.trimmingCharacters(in: .whitespaces), !token.isEmpty, token != "null" else {
      throw fail("there is no token on standard input")
    }
    let parts = token.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 3, let header = object(parts[0]), let claims = object(parts[1]),
      let signature = Base64URL.decode(parts[2]), let kid = header["kid"]?.string
    else { throw fail("this is not a JWT with a key id") }
    let metadata = try await fetch("\(issuer)/.well-known/openid-configuration")
    guard metadata["issuer"]?.string == issuer, let jwks = metadata["jwks_uri"]?.string else {
      throw fail("the discovery document is not one of this issuer")
    }
    let keys = try await fetch(jwks)["keys"]?.array ?? []
    guard let key = keys.compactMap(\.object).first(where: { $0["kid"]?.string == kid }) else {
      throw fail("the issuer does not publish the key of this token")
    }
    guard header["alg"] == key["alg"], isValid(signature, Array("\(parts[0]).\(parts[1])".utf8), key) else {
      throw fail("the signature is wrong")
    }
    guard claims["iss"]?.string == issuer else { throw fail("the token is of another issuer") }
    guard let expiry = claims["exp"]?.integer, Double(expiry) > Date().timeIntervalSince1970 else {
      throw fail("the token is expired")
    }
    let pretty = try JSONSerialization.jsonObject(with: Data(JSONValue.object(claims).text))
    let text = try JSONSerialization.data(
      withJSONObject: pretty, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    print(String(decoding: text, as: UTF8.self))
    FileHandle.standardError.write(Data("The token is good: signed by \(issuer).\n".utf8))
  }

  private func object(_ part: String) -> JSONObject? {
    Base64URL.decode(part).flatMap { try? JSONValue(parsing: $0) }?.object
  }

  private func fetch(_ url: String) async throws -> JSONObject {
    let loop = EventLoop(name: "qiao-verify")
    defer { loop.shutdown() }
    let response: HTTPResponse
    do {
      response = try await HTTPClient(loop: loop).send(HTTPRequest("GET", Secret(url)), deadline: .seconds(10))
    } catch {
      throw fail("the issuer cannot be reached (\(error))")
    }
    guard response.status == 200, let object = (try? JSONValue(parsing: response.body))?.object else {
      throw fail("the issuer answered with status \(response.status)")
    }
    return object
  }

  private func isValid(_ signature: [UInt8], _ input: [UInt8], _ key: JSONObject) -> Bool {
    func bytes(_ name: String) -> [UInt8] { key[name]?.string.flatMap { Base64URL.decode($0) } ?? [] }
    switch key["kty"]?.string {
    case "EC":
      guard let publicKey = try? P256.Signing.PublicKey(x963Representation: [4] + bytes("x") + bytes("y")),
        let parsed = try? P256.Signing.ECDSASignature(rawRepresentation: signature)
      else { return false }
      return publicKey.isValidSignature(parsed, for: input)
    case "OKP":
      guard let publicKey = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes("x")) else { return false }
      return publicKey.isValidSignature(signature, for: input)
    case "RSA":
      guard let publicKey = try? _RSA.Signing.PublicKey(n: bytes("n"), e: bytes("e")) else { return false }
      return publicKey.isValidSignature(
        _RSA.Signing.RSASignature(rawRepresentation: signature), for: input, padding: .insecurePKCS1v1_5)
    default: return false
    }
  }
}
