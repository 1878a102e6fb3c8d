import Foundation
import Identity
import JSON
import Jobs
import Simulator
import TestSupport
import Testing

/// How pushes are shared between workers and tenants, and what a tenant sees of them.
@Suite("work of pushes")
struct PushWorkTests {
  /// A database and a WeChat of their own, and no worker but the test.
  private static func server() async throws -> (TestServer, PushWork) {
    let server = try await TestServer.start(on: TestDatabase.separate(), refreshesTokens: false)
    let services = server.runtime.services
    return (server, PushWork(database: services.database, heartbeat: services.database, ring: services.ring))
  }

  @Test("a tenant with thousands of due pushes does not delay another's one")
  func fairness() async throws {
    let (server, work) = try await Self.server()
    let (crowd, other) = (try await PushedApp.make(on: server), try await PushedApp.make(on: server))
    try await crowd.leave(3000, dueAt: "now() - interval '1 day'")
    let mine = try await other.leave(dueAt: "now() - interval '1 second'")
    let lease = Lease()
    let first = try await work.claim(lease, limit: 10)
    let held = try await server.database.administer(
      "SELECT lease_owner = '\(lease.holder.uuidString)' FROM push_schedule WHERE push_id = '\(mine)'")
    #expect(first.count == 10 && held == [["t"]])
    try await work.release(lease)
    let left = try await server.database.administer(
      "SELECT count(*) FROM push_schedule WHERE lease_owner IS NOT NULL OR attempts > 0")
    #expect(left == [["0"]])
  }

  @Test("pushes of suspended tenants stand in nobody's way")
  func suspended() async throws {
    let (server, work) = try await Self.server()
    let (idle, other) = (try await PushedApp.make(on: server), try await PushedApp.make(on: server))
    try await idle.leave(300, dueAt: "now() - interval '1 day'")
    let path = "/v1/tenants/\(idle.miniapp.tenant.slug)"
    _ = try await server.send("PATCH", path, key: TestServer.operatorToken, #"{"status":"suspended"}"#)
    try await other.leave()
    var claimed = 0
    for _ in 0..<30 where claimed == 0 { claimed = try await work.claim(Lease(), limit: 10).count }
    #expect(claimed == 1)
  }

  @Test(
    "a push that cannot be applied is put off further each time, says why among the tenant's jobs, and can be run at once"
  )
  func failing() async throws {
    let (server, work) = try await Self.server()
    let app = try await PushedApp.make(on: server)
    let push = try await app.leave()
    var pauses: [Double] = []
    for attempt in 1...4 {
      let claim = try #require(try await work.claim(Lease(), limit: 1).first)
      #expect(try await work.handle(claim) == .failed)
      let rows = try await server.database.administer(
        """
        SELECT extract(epoch FROM run_at - now()), attempts, lease_owner IS NULL FROM push_schedule
        WHERE push_id = '\(push)'
        """)
      #expect(rows.first?[1] == "\(attempt)" && rows.first?[2] == "t")
      pauses.append(Double(rows.first?[0] ?? "") ?? 0)
      #expect(try await work.claim(Lease(), limit: 1).isEmpty)
      let job = try #require(try await app.miniapp.tenant.send("GET", "jobs?kind=wechat_push").items.first)
      #expect(job["id"]?.string == push && job["status"]?.string == "retrying")
      #expect(job["target"]?.object?["id"]?.string == app.miniapp.clientID)
      #expect(job["last_error"]?.string == "a sealed value does not open")
      #expect(try await app.miniapp.tenant.send("POST", "jobs/\(push)/run").status == 200)
    }
    #expect(pauses[3] > 3 && pauses[3] <= 8, "\(pauses)")
  }

  @Test("who lost the lease changes nothing, and what was applied is done once")
  func fence() async throws {
    let (server, work) = try await Self.server()
    let app = try await PushedApp.make(on: server)
    let user = try await app.person("hans", withPhone: false)
    try await app.revoke("6", of: user.openid)
    let first = try #require(try await work.claim(Lease(), limit: 1).first)
    #expect(try await work.claim(Lease(), limit: 1).isEmpty)
    // Killed: it says nothing any more.
    try await server.database.administer("UPDATE push_schedule SET lease_until = now() - interval '1 second'")
    let heir = try #require(try await work.claim(Lease(), limit: 1).first)
    #expect(try await work.handle(first) == .lost)
    #expect(try await app.miniapp.tenant.send("GET", "users/\(user.sub)")["name"] != .null)
    #expect(try await work.handle(heir) == .done(1))
    #expect(try await app.miniapp.tenant.send("GET", "users/\(user.sub)")["name"] == .null)
    #expect(try await work.handle(heir) == .lost)
    #expect(try await app.due() == 0)
  }

  @Test("SIGTERM and SIGKILL of a reconciler leave no push behind")
  func process() async throws {
    let (server, work) = try await Self.server()
    let app = try await PushedApp.make(on: server)
    let user = try await app.person("ida", withPhone: false)
    try await app.revoke("6", of: user.openid)
    // A worker that died with it in hand.
    #expect(try await work.claim(Lease(), limit: 1).count == 1)
    try await server.database.administer("UPDATE push_schedule SET lease_until = now() - interval '1 second'")
    let once = try await Program("qiao-profile-reconciler", ["--once"], environment: server.environment()).ended()
    #expect(once.status == 0, "\(once.errors)")
    #expect(try await app.miniapp.tenant.send("GET", "users/\(user.sub)")["name"] == .null)
    #expect(try await app.due() == 0)
  }
}
