import Federation
import Foundation
import JSON
import Observability
import Simulator
import Testing

@testable import Identity

@Suite("reconciliation", .serialized)
struct ReconciliationTests {
  /// Everybody there can be, in one directory, after WeChat changed.
  private func everybody() async throws -> (world: TestReconciliation, users: [String: String]) {
    let world = try await TestReconciliation.make()
    let mark = world.app.id
    var users: [String: String] = [:]
    for name in ["same", "renamed", "joined", "taken"] {
      world.wechat.register(Person(id: "\(name)-\(mark)", nickname: name))
      users[name] = try await world.person("\(name)-\(mark)")
    }
    users["gone"] = try await world.person("gone-\(mark)", openid: "o-of-somebody-else")
    users["base"] = try await world.person("base-\(mark)", scope: "snsapi_base")
    users["dead"] = try await world.person("dead-\(mark)") { token in
      token = OAuthUserToken(
        access: Secret("never"), refresh: Secret("never"), expiresIn: .seconds(7200), scope: token.scope)
    }
    users["other"] = try await world.tenant.user(of: world.application, #""name":"Other""#)
    // All are as WeChat says, and then WeChat says something else.
    _ = try await world.run("apply")
    for name in ["same", "renamed", "joined", "taken"] {
      world.wechat.register(Person(id: "\(name)-\(mark)", nickname: name == "renamed" ? "Neu 名字" : name))
    }
    return (world, users)
  }

  private func situations(_ items: [JSONObject]) -> [String: String] {
    Dictionary(uniqueKeysWithValues: items.map { ($0["user_id"]?.string ?? "", $0["situation"]?.string ?? "") })
  }

  @Test("each identity ends in its situation; report says the same as apply and changes no row")
  func everySituation() async throws {
    let (world, users) = try await everybody()
    let id = { (name: String) in users[name] ?? "" }
    // The app joins an Open Platform account, in which one of them is somebody else already.
    let account = "acc-\(world.app.id)"
    let mark = world.app.id
    world.wechat.change(world.app.id) { $0.openPlatformAccount = account }
    let probe = world.wechat.register(App(kind: .web, openPlatformAccount: account))
    let taken = try await unionid("taken-\(mark)", app: probe, world)
    try await world.administer(
      """
      INSERT INTO unified_identities VALUES ('\(world.tenant.id)', '\(world.application)', 'open', '\(taken)', '\(id("other"))')
      """)
    let before = try await world.dump()
    let report = try await world.run("report")
    #expect(try await world.dump() == before)
    #expect(report.run["status"]?.string == "succeeded")
    #expect(report.run["progress"]?.object?["done"]?.integer == 7)
    #expect(report.run["progress"]?.object?["total"]?.integer == 7)
    let applied = try await world.run("apply")
    #expect(situations(report.items) == situations(applied.items))
    let found = situations(applied.items)
    #expect(found[id("joined")] == "FOUND")
    #expect(found[id("renamed")] == "FOUND")
    #expect(found[id("taken")] == "AMBIGUOUS")
    #expect(found[id("gone")] == "SOURCE_MISSING")
    #expect(found[id("base")] == "UNQUALIFIED")
    #expect(found[id("dead")] == "UNQUALIFIED")
    let ambiguous = try await world.tenant.send(
      "GET", "reconciliations/\(applied.run.text("id"))/items?situation=AMBIGUOUS")
    #expect(ambiguous.items.count == 1)
    #expect(ambiguous.items.first?["user_id"]?.string == id("taken"))
    #expect(ambiguous.items.first?["other_user_id"]?.string == id("other"))
    let counts = try #require(applied.run["situations"]?.object)
    #expect(counts["FOUND"]?.integer == 3 && counts["AMBIGUOUS"]?.integer == 1 && counts["UNQUALIFIED"]?.integer == 2)
    #expect(try await world.tenant.send("GET", "users/\(id("renamed"))").text("name") == "Neu 名字")
    let owner = try await world.administer(
      "SELECT user_id::text FROM unified_identities WHERE tenant_id = '\(world.tenant.id)' AND unionid = '\(taken)'")
    #expect(owner == [[id("other")]])
    let again = situations(try await world.run("apply").items)
    #expect(again[id("joined")] == "CONFIRMED" && again[id("renamed")] == "CONFIRMED")
    #expect(again[id("taken")] == "AMBIGUOUS")
    let events = try await world.administer(
      """
      SELECT action, count(*) FROM audit_events WHERE tenant_id = '\(world.tenant.id)' AND actor_type = 'worker'
        AND action LIKE 'identity.%' GROUP BY action ORDER BY action
      """)
    #expect(events == [["identity.ambiguous", "1"], ["identity.unionid_added", "3"]])
  }

  @Test(
    "a new nickname is UPDATED with the names of the fields, an old one CONFIRMED, an anonymous one changes nothing")
  func profiles() async throws {
    let (world, users) = try await everybody()
    let mark = world.app.id
    world.wechat.register(Person(id: "same-\(mark)", nickname: "微信用户"))
    let run = try await world.run("apply")
    let item = run.items.first { $0["user_id"]?.string == users["renamed"] }
    #expect(item?["situation"]?.string == "UPDATED")
    #expect(item?["fields"]?.array == [.string("name")])
    #expect(situations(run.items)[users["same"] ?? ""] == "CONFIRMED")
    let kept = try await world.tenant.send("GET", "users/\(users["same"] ?? "")")
    #expect(kept.text("name") == "same")
    #expect(kept["attributes"]?.object?["headimgurl"]?.string?.hasPrefix("https://") == true)
    let one = try await world.run("report", user: users["same"])
    #expect(one.items.count == 1 && one.run["progress"]?.object?["total"]?.integer == 1)
  }

  @Test("the rule `if_empty` fills what is empty and leaves what is not; a username that somebody has gives way")
  func rules() async throws {
    let world = try await TestReconciliation.make()
    let map = #"""
      {"property_map":[{"source":"nickname","target":"username","when":"always"},
       {"source":"nickname","target":"name","when":"if_empty"},{"source":"headimgurl","target":"picture"}]}
      """#
    #expect(try await world.tenant.send("PATCH", "third-party-authz-clients/\(world.client)", map).status == 200)
    _ = try await world.tenant.user(of: world.application, #""username":"wanted""#)
    world.wechat.register(Person(id: "rule-\(world.app.id)", nickname: "wanted"))
    let named = try await world.person("rule-\(world.app.id)", fields: #","name":"Mine""#)
    _ = try await world.run("apply")
    let user = try await world.tenant.send("GET", "users/\(named)")
    #expect(user.text("name") == "Mine")
    #expect(user["username"] == .null)
    #expect(user.text("picture").hasPrefix("https://"))
  }

  @Test("a grant past its time is renewed and kept; a dead one is asked once and then not any more")
  func renewal() async throws {
    let world = try await TestReconciliation.make()
    let expired = { (token: inout OAuthUserToken) in
      token = OAuthUserToken(
        access: Secret("old"), refresh: token.refresh, expiresIn: .seconds(1), scope: token.scope)
    }
    let user = try await world.person("renew-\(world.app.id)", change: expired)
    _ = try await world.person("dead-\(world.app.id)") { token in
      token = OAuthUserToken(access: Secret("x"), refresh: Secret("x"), expiresIn: .seconds(1), scope: token.scope)
    }
    let before = try await world.dump()
    let report = try await world.run("report")
    #expect(try await world.dump() == before)
    #expect(situations(report.items)[user] == "UPDATED")
    _ = try await world.run("apply")
    let asked = world.wechat.count(endpoint: "sns/oauth2/refresh_token", appID: world.app.id)
    let again = try await world.run("apply")
    #expect(situations(again.items).values.sorted() == ["CONFIRMED", "UNQUALIFIED"])
    #expect(world.wechat.count(endpoint: "sns/oauth2/refresh_token", appID: world.app.id) == asked)
    let sealed = try await world.administer(
      """
      SELECT count(oauth_token_sealed), count(*) FILTER (WHERE encode(oauth_token_sealed, 'escape') LIKE '%access_token%')
      FROM federated_identities WHERE tenant_id = '\(world.tenant.id)'
      """)
    #expect(sealed == [["1", "0"]])
  }

  private func unionid(_ person: String, app: App, _ world: TestReconciliation) async throws -> String {
    let miniapp = try await TestMiniapp.make(
      settings: #"{"enrollment":"automatic"}"#, openPlatformAccount: app.openPlatformAccount)
    _ = try await miniapp.profile(person)
    let rows = try await world.administer(
      "SELECT unionid FROM federated_identities WHERE tenant_id = '\(miniapp.tenant.id)'")
    return try #require(rows.first?[0])
  }
}
