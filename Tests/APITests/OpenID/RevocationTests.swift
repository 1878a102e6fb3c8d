import Foundation
import JSON
import TestSupport
import Testing

/// F19 to F25: revocation and introspection (RFC 7009, RFC 7662).
@Suite("OpenID provider, revocation and introspection")
struct RevocationTests {
  private static let inactive = #"{"active":false}"#

  @Test("F19, F20: another client's token is left alone, and every answer is 200 with an empty body")
  func otherClient() async throws {
    let party = try await TestRelyingParty.make()
    let other = try await party.client()
    let tokens = try await party.tokens()
    for name in ["access_token", "refresh_token"] {
      for hint in ["", name, "nonsense"] {
        let answer = try await other.post("revoke", ["token": tokens.text(name), "token_type_hint": hint])
        #expect(answer.status == 200 && answer.text.isEmpty, "\(answer.text)")
      }
    }
    #expect(try await party.userinfo(tokens.text("access_token")).status == 200)
    for token in ["nonsense", "qrt_x", tokens.text("id_token")] {
      let answer = try await party.post("revoke", ["token": token])
      #expect(answer.status == 200 && answer.text.isEmpty)
    }
    let again = try await party.token(["grant_type": "refresh_token", "refresh_token": tokens.text("refresh_token")])
    #expect(again.status == 200, "\(again.text)")
    // A wrong hint is a hint only.
    let own = try await party.post(
      "revoke", ["token": again.text("refresh_token"), "token_type_hint": "access_token"])
    #expect(own.status == 200 && own.text.isEmpty)
    #expect(try await party.userinfo(again.text("access_token")).status == 401, "F21")
    let bare = try await party.post("revoke", [:])
    #expect(bare.status == 400 && bare.text("error") == "invalid_request")
  }

  @Test("F24: unknown, expired, revoked, foreign and of another kind: exactly {\"active\":false}")
  func inactive() async throws {
    let party = try await TestRelyingParty.make()
    let tokens = try await party.tokens()
    let live = tokens.text("access_token")
    #expect(try await party.post("introspect", ["token": live])["active"] == .boolean(true))
    let expired = try await party.resigned(live, as: .accessToken) { claims in
      for name in ["iat", "exp"] { claims[name] = claims[name]?.integer.map { .number("\($0 - 86_400)") } }
    }
    let foreign = try await TestRelyingParty.make().tokens().text("access_token")
    let sibling = try await TestRelyingParty.make(in: party.tenant).tokens().text("access_token")
    let gone = try await party.tokens().text("access_token")
    #expect(try await party.post("revoke", ["token": gone]).status == 200)
    for token in ["x", expired, foreign, sibling, gone, tokens.text("id_token"), live + "x", "a.b.c"] {
      let answer = try await party.post("introspect", ["token": token])
      #expect(answer.status == 200 && answer.text == Self.inactive, "\(answer.text)")
    }
  }

  @Test("F25: a client sees its own tokens, a resource server of the application all, and any other client none")
  func audience() async throws {
    let party = try await TestRelyingParty.make()
    let tokens = try await party.tokens()
    let live = tokens.text("access_token")
    let other = try await party.client()
    #expect(try await other.post("introspect", ["token": live]).text == Self.inactive)
    let made = try await party.tenant.send(
      "POST", "oauth-clients", #"{"name":"S","identity_application_id":"\#(party.applicationID)","type":"service"}"#)
    let service = TestRelyingParty(
      tenant: party.tenant, applicationID: party.applicationID, issuerPath: party.issuerPath, clientID: made.text("id"),
      secret: made.text("client_secret"), username: party.username, userID: party.userID)
    let shown = try await service.post("introspect", ["token": live])
    #expect(shown["active"] == .boolean(true) && shown.text("client_id") == party.clientID, "\(shown.text)")
    let spa = try await party.client(type: "spa")
    #expect(try await spa.post("introspect", ["token": live]).text("error") == "invalid_client", "F23")
    #expect(try await party.form("introspect", [("token", live)]).status == 401, "F23")
  }

  @Test("F22: while the database is away a revocation is 503 and not \"revoked\"; the token still lives afterwards")
  func databaseAway() async throws {
    let database = try await TestDatabase.separate()
    let server = try await TestServer.start(on: database, refreshesTokens: false)
    let party = try await TestRelyingParty.make(on: server)
    let tokens = try await party.tokens()
    try await database.cut()
    for name in ["access_token", "refresh_token"] {
      let answer = try await party.post("revoke", ["token": tokens.text(name)])
      #expect(answer.status == 503, "\(answer.text)")
      #expect(answer.headers["retry-after"].flatMap { Int($0) } != nil)
    }
    try await database.mend()
    let found = try await eventually("the database to be back", limit: .seconds(20)) {
      let answer = try await party.userinfo(tokens.text("access_token"))
      return answer.status == 503 ? nil : answer
    }
    #expect(found.status == 200, "\(found.text)")
    let again = try await party.token(["grant_type": "refresh_token", "refresh_token": tokens.text("refresh_token")])
    #expect(again.status == 200, "\(again.text)")
    #expect(try await party.post("revoke", ["token": again.text("refresh_token")]).status == 200)
    #expect(try await party.userinfo(again.text("access_token")).status == 401)
  }
}

extension TestDatabase {
  /// Takes the database away from everybody but the superuser.
  func cut() async throws {
    try await limit(connections: 0)
    try await administer(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
  }

  /// Gives it back.
  func mend() async throws { try await limit(connections: -1) }

  private func limit(connections: Int) async throws {
    try await administer(
      "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT \(connections)', current_database()); END $$")
  }
}
