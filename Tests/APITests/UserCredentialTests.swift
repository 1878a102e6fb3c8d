import Foundation
import JSON
import Testing

@Suite("identities and sessions of a user")
struct UserCredentialTests {
  @Test("a sign-in shows as an identity and as a session whose id is the sid of its tokens")
  func list() async throws {
    let miniapp = try await TestMiniapp.make()
    let signedIn = try await miniapp.register("alice")
    let identities = try await miniapp.tenant.send("GET", "users/\(signedIn.sub)/identities")
    #expect(identities.items.count == 1)
    let identity = try #require(identities.items.first)
    #expect(identity["app_id"]?.string == miniapp.app.id)
    #expect(identity["third_party_authz_client_id"]?.string == miniapp.clientID)
    #expect(identity["unionid"]?.string != nil)
    #expect(!identities.text.contains("session_key"))
    let sessions = try await miniapp.tenant.send("GET", "users/\(signedIn.sub)/sessions")
    #expect(sessions.items.map { $0["id"]?.string } == [signedIn.claims("id_token")["sid"]?.string])
    #expect(sessions.items.first?["amr"]?.array == [.string("wechat")])
    #expect(try await miniapp.tenant.send("GET", "users/\(UUID().uuidString.lowercased())/sessions").status == 404)
  }

  @Test("an ended session leaves the list, and its access and refresh tokens die at once")
  func end() async throws {
    let miniapp = try await TestMiniapp.make()
    let first = try await miniapp.register("bob")
    let second = try await miniapp.profile("bob")
    let sid = first.claims("id_token")["sid"]?.string ?? ""
    #expect(try await miniapp.tenant.send("DELETE", "users/\(first.sub)/sessions/\(sid)").status == 204)
    #expect(try await miniapp.userinfo(first.text("access_token")).status == 401)
    #expect(try await miniapp.refresh(first.text("refresh_token")).text("error") == "invalid_grant")
    #expect(try await miniapp.userinfo(second.text("access_token")).status == 200)
    let left = try await miniapp.tenant.send("GET", "users/\(first.sub)/sessions").items.map { $0["id"]?.string }
    #expect(left == [second.claims("id_token")["sid"]?.string])
    #expect(try await miniapp.tenant.send("DELETE", "users/\(first.sub)/sessions/\(sid)").status == 404)
    let events = try await miniapp.tenant.send("GET", "audit-events?action=session.ended&target=\(sid)")
    #expect(events.items.count == 1)
  }

  @Test("the last credential of a user is not unlinked; with a password it is")
  func lastCredential() async throws {
    let miniapp = try await TestMiniapp.make()
    let sub = try await miniapp.register("carol").sub
    let id = try await identities(miniapp, sub)[0]
    let refused = try await miniapp.tenant.send("DELETE", "users/\(sub)/identities/\(id)")
    #expect(refused.status == 409)
    #expect(refused["code"]?.string == "last_credential")
    #expect(try await miniapp.tenant.send("PATCH", "users/\(sub)", #"{"password":"correct horse"}"#).status == 200)
    #expect(try await miniapp.tenant.send("DELETE", "users/\(sub)/identities/\(id)").status == 204)
    #expect(try await identities(miniapp, sub).isEmpty)
    // Nobody now: the person registers anew and becomes another user.
    #expect(try await miniapp.register("carol").sub != sub)
  }

  @Test("of two identities unlinked at once one stays")
  func unlinkRace() async throws {
    let miniapp = try await TestMiniapp.make()
    let other = miniapp.server.wechat.register(.init(openPlatformAccount: "open"))
    let second = try await miniapp.client(other, label: "open")
    for round in 0..<8 {
      let person = "dave\(round)"
      let sub = try await miniapp.register(person).sub
      #expect(try await second.profile(person).sub == sub)
      let ids = try await identities(miniapp, sub)
      #expect(ids.count == 2)
      let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
        for id in ids {
          group.addTask { try await miniapp.tenant.send("DELETE", "users/\(sub)/identities/\(id)").status }
        }
        return try await group.reduce(into: [Int]()) { $0.append($1) }.sorted()
      }
      #expect(statuses == [204, 409])
    }
  }

  @Test("an identity or session of another user is not found")
  func foreign() async throws {
    let miniapp = try await TestMiniapp.make()
    let (one, other) = (try await miniapp.register("erin"), try await miniapp.register("frank"))
    let id = try await identities(miniapp, other.sub)[0]
    let sid = other.claims("id_token")["sid"]?.string ?? ""
    #expect(try await miniapp.tenant.send("DELETE", "users/\(one.sub)/identities/\(id)").status == 404)
    #expect(try await miniapp.tenant.send("DELETE", "users/\(one.sub)/sessions/\(sid)").status == 404)
    #expect(try await miniapp.userinfo(other.text("access_token")).status == 200)
  }

  private func identities(_ miniapp: TestMiniapp, _ user: String) async throws -> [String] {
    try await miniapp.tenant.send("GET", "users/\(user)/identities").items.compactMap { $0["id"]?.string }
  }
}
