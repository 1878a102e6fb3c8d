import Foundation
import JSON
import Secrets
import TestSupport
import Testing

/// Rotations of signing keys as relying parties see them: security.md O11, O17.
@Suite("OpenID provider, rotation of signing keys")
struct SigningKeyRotationTests {
  /// A client that gets tokens for itself, on two nodes of one database.
  private struct Nodes {
    let service: TestRelyingParty
    let other: TestServer

    /// One for all tests: a server takes connections as long as the process lives.
    private static let second = Task {
      try await TestServer.start(on: TestDatabase.shared(), refreshesTokens: false)
    }

    static func make() async throws -> Nodes {
      let (one, other) = (try await TestServer.shared(), try await second.value)
      let party = try await TestRelyingParty.make(on: one)
      let made = try await party.tenant.send(
        "POST", "oauth-clients", #"{"name":"S","identity_application_id":"\#(party.applicationID)","type":"service"}"#)
      let service = TestRelyingParty(
        tenant: party.tenant, applicationID: party.applicationID, issuerPath: party.issuerPath,
        clientID: made.text("id"), secret: made.text("client_secret"), username: "", userID: "")
      return Nodes(service: service, other: other)
    }

    /// The key of a new token.
    func signer() async throws -> String {
      let answer = try await service.token(["grant_type": "client_credentials"])
      let header = Base64URL.decode(answer.text("access_token").prefix { $0 != "." }.utf8) ?? []
      return try JSONValue(parsing: header).object?["kid"]?.string ?? ""
    }

    /// The keys that the other node publishes.
    func published() async throws -> [String] {
      let answer = try await other.send("GET", "\(service.issuerPath)/jwks.json")
      return answer["keys"]?.array?.compactMap { $0.object?["kid"]?.string } ?? []
    }

    func rotate() async throws -> TestServer.Answer {
      try await service.tenant.send("POST", "identity-applications/\(service.applicationID)/rotate-signing-key")
    }

    func keys() async throws -> [[String?]] {
      try await service.server.database.administer(
        "SELECT alg, status FROM signing_keys WHERE identity_application_id = '\(service.applicationID)' ORDER BY id")
    }
  }

  @Test("O11: a client that asks any node for the keys once, because a token names a new one, finds it there")
  func published() async throws {
    let nodes = try await Nodes.make()
    let first = try await nodes.signer()
    #expect(try await nodes.published() == [first])
    async let rotated = nodes.rotate()
    // The other node is asked all the time, so that it always has something it could answer with.
    var seen = first
    while seen == first {
      seen = try await nodes.signer()
      #expect(try await nodes.published().contains(seen))
    }
    #expect(try await rotated.status == 200)
    for _ in 0..<20 {
      let signer = try await nodes.signer()
      #expect(try await nodes.published().contains(signer) && signer != first)
    }
    #expect(try await nodes.published().contains(first), "tokens of the old one live")
  }

  @Test("a rotation that was cut short leaves a key that waits, and the next one lets that key sign")
  func resumed() async throws {
    let nodes = try await Nodes.make()
    let first = try await nodes.signer()
    #expect(try await nodes.rotate().status == 200)
    let second = try await nodes.signer()
    #expect(second != first)
    // As a crash between publishing and signing leaves it.
    _ = try await nodes.service.server.database.administer(
      """
      BEGIN;
      UPDATE signing_keys SET status = 'next' WHERE id = '\(second)';
      UPDATE signing_keys SET status = 'active', expires_at = NULL WHERE id = '\(first)';
      COMMIT
      """)
    #expect(try await nodes.signer() == first)
    #expect(try await nodes.published().contains(second))
    #expect(try await nodes.rotate().status == 200)
    #expect(try await nodes.signer() == second)
    #expect(try await nodes.keys() == [["ES256", "retired"], ["ES256", "active"]])
    // Another algorithm, with an old key in the way that nobody waits for.
    _ = try await nodes.service.server.database.administer(
      """
      UPDATE signing_keys SET status = 'next', activates_at = now() - interval '1 hour' WHERE id = '\(first)'
      """)
    let application = "identity-applications/\(nodes.service.applicationID)"
    let patched = try await nodes.service.tenant.send("PATCH", application, #"{"signing_alg":"EdDSA"}"#)
    #expect(patched.text("signing_alg") == "EdDSA", "\(patched.text)")
    #expect(try await nodes.keys() == [["ES256", "retired"], ["EdDSA", "active"]])
  }

  @Test("two rotations at once leave one key that signs, and a stale change of the algorithm none new")
  func concurrent() async throws {
    let nodes = try await Nodes.make()
    async let one = nodes.rotate()
    async let two = nodes.rotate()
    #expect(try await [one.status, two.status] == [200, 200])
    #expect(try await nodes.keys().count(where: { $0[1] == "active" }) == 1)
    #expect(try await !nodes.keys().contains(where: { $0[1] == "next" }))
    let application = "identity-applications/\(nodes.service.applicationID)"
    let before = try await nodes.keys()
    let stale = try await nodes.service.tenant.send(
      "PATCH", application, #"{"signing_alg":"RS256"}"#, headers: [("If-Match", "\"99\"")])
    #expect(stale.status == 412, "\(stale.text)")
    #expect(try await nodes.keys() == before)
  }
}
