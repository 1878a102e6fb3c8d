import Foundation
import TestSupport
import Testing

/// What was made under one master key and comes back under another, while servers with both orders of the ring answer.
@Suite struct RolledKeysTests {
  private static let newKey = "t2:\(Data(repeating: 9, count: 32).base64EncodedString())"

  @Test("a refresh token rotated across a rotation of the master keys is answered again, and a replay ends the family")
  func refreshTokens() async throws {
    let database = try await TestDatabase.separate()
    let old = try await TestServer.start(on: database, masterKeys: "\(TestServer.masterKey),\(Self.newKey)")
    let new = try await TestServer.start(
      on: database, masterKeys: "\(Self.newKey),\(TestServer.masterKey)", refreshesTokens: false)
    let miniapp = try await TestMiniapp.make(on: old)
    func refresh(_ token: String, at server: TestServer) async throws -> TestServer.Answer {
      try await server.send(
        "POST", "\(miniapp.issuerPath)/token",
        "grant_type=refresh_token&client_id=\(miniapp.clientID)&refresh_token=\(token)",
        headers: [("Content-Type", "application/x-www-form-urlencoded")])
    }
    let first = try await miniapp.register("ulla").text("refresh_token")
    var tokens = [first]
    for server in [old, old, new, old, new] {
      let answer = try await refresh(try #require(tokens.last), at: server)
      #expect(answer.status == 200, "\(answer.text)")
      tokens.append(answer.text("refresh_token"))
    }
    // Rotated under the new key a moment ago; the node whose first key is the old one gives the same successor.
    let again = try await refresh(tokens[4], at: old)
    #expect(again.status == 200, "\(again.text)")
    #expect(again.text("refresh_token") == tokens[5])
    let replayed = try await refresh(first, at: new)
    #expect(replayed.text("error") == "invalid_grant")
    let ended = try await refresh(tokens[5], at: new)
    #expect(ended.text("error") == "invalid_grant")
    let families = try await database.administer("SELECT revoked_at IS NOT NULL FROM grants")
    #expect(families.map { $0[0] } == ["t"])
  }

  @Test("a cursor made before a rotation of the master keys goes on after it")
  func cursors() async throws {
    let database = try await TestDatabase.separate()
    let old = try await TestServer.start(on: database, masterKeys: TestServer.masterKey, refreshesTokens: false)
    let new = try await TestServer.start(
      on: database, masterKeys: "\(Self.newKey),\(TestServer.masterKey)", refreshesTokens: false)
    let tenant = try await old.tenant()
    for _ in 0..<3 { _ = try await tenant.application() }
    let page = try await tenant.send("GET", "identity-applications?limit=2")
    let cursor = page.text("next_cursor")
    let rest = try await new.send(
      "GET", "/t/\(tenant.slug)/v1/identity-applications?limit=2&cursor=\(cursor)", key: tenant.key)
    #expect(rest.status == 200, "\(rest.text)")
    #expect(rest.items.count == 1)
  }
}
