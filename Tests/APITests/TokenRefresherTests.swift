import Foundation
import Identity
import JSON
import Jobs
import Simulator
import TestSupport
import Testing

/// `qiao-token-refresher` as processes of its own: how many share the work, and what becomes of it when one dies or freezes.
@Suite("token refresher processes")
struct TokenRefresherTests {
  private static let endpoint = "cgi-bin/stable_token"

  @Test("three refreshers and 200 clients of 20 tenants make exactly one call for each AppID")
  func oneCall() async throws {
    let server = try await Self.server()
    let apps = try await Self.clients(tenants: 20, each: 10, on: server)
    let workers = try (0..<3).map { _ in try Self.refresher(server) }
    try await Self.allHaveTokens(200, server)
    for worker in workers { worker.signal(SIGTERM) }
    for worker in workers {
      let ended = try await worker.ended(limit: .seconds(10))
      #expect(ended.status == 0, "\(ended.errors)")
    }
    for app in apps { #expect(server.wechat.count(endpoint: Self.endpoint, appID: app) == 1, "\(app)") }
    // `--once` finds nothing to do.
    let once = try await Program("qiao-token-refresher", ["--once"], environment: server.environment()).ended()
    #expect(once.status == 0 && once.errors.contains("\"handled\":\"0\""), "\(once.errors)")
    #expect(server.wechat.count(endpoint: Self.endpoint) == 200)
  }

  @Test("a killed refresher's work is done by another when its lease ends, in at most 30 s")
  func killed() async throws {
    let server = try await Self.server()
    _ = try await Self.clients(tenants: 3, each: 5, on: server)
    server.wechat.inject(Fault(.delay, delay: 20_000), at: Self.endpoint)
    let doomed = try Self.refresher(server)
    _ = try await eventually("its claims") { try await Self.held(server) == 15 ? true : nil }
    doomed.signal(SIGKILL)
    _ = try await doomed.ended()
    let lease = try await server.database.administer(
      "SELECT max(lease_until) <= now() + interval '30 seconds' FROM app_token_schedule")
    #expect(lease == [["t"]])
    server.wechat.clearFaults()
    let heir = try Self.refresher(server)
    defer { heir.signal(SIGKILL) }
    _ = try await eventually("the heir to listen") { heir.log.contains("listening") ? true : nil }
    #expect(try await Self.tokens(server) == 0)
    // As if 30 s had passed.
    _ = try await server.database.administer("UPDATE app_token_schedule SET lease_until = now() - interval '1 second'")
    try await Self.allHaveTokens(15, server)
  }

  @Test("a refresher that was frozen past its lease and wakes up writes nothing")
  func frozen() async throws {
    let server = try await Self.server()
    _ = try await Self.clients(tenants: 2, each: 3, on: server)
    server.wechat.inject(Fault(.delay, delay: 1500), at: Self.endpoint)
    let sleeper = try Self.refresher(server)
    defer { sleeper.signal(SIGKILL) }
    _ = try await eventually("its calls") { server.wechat.count(endpoint: Self.endpoint) == 6 ? true : nil }
    sleeper.signal(SIGSTOP)
    server.wechat.clearFaults()
    _ = try await server.database.administer("UPDATE app_token_schedule SET lease_until = now() - interval '1 second'")
    let other = try Self.refresher(server)
    try await Self.allHaveTokens(6, server)
    other.signal(SIGTERM)
    _ = try await other.ended()
    let before = try await Self.fingerprint(server)
    sleeper.signal(SIGCONT)
    // What it had asked arrives, it tries to store it, and finds that it lost the lease.
    _ = try await eventually("it to notice") {
      try await Self.metric(sleeper, "qiao_worker_lease_lost_total") >= 6 ? true : nil
    }
    #expect(try await Self.fingerprint(server) == before)
    sleeper.signal(SIGTERM)
    #expect(try await sleeper.ended().status == 0)
    #expect(try await Self.fingerprint(server) == before)
  }

  @Test("SIGTERM in the middle hands the work back, due at once")
  func terminated() async throws {
    let server = try await Self.server()
    _ = try await Self.clients(tenants: 2, each: 4, on: server)
    server.wechat.inject(Fault(.delay, delay: 20_000), at: Self.endpoint)
    let leaver = try Self.refresher(server)
    _ = try await eventually("its claims") { try await Self.held(server) == 8 ? true : nil }
    leaver.signal(SIGTERM)
    #expect(try await leaver.ended(limit: .seconds(10)).status == 0)
    let left = try await server.database.administer(
      "SELECT count(*) FROM app_token_schedule WHERE lease_owner IS NULL AND refresh_at <= now()")
    #expect(left == [["8"]])
  }

  @Test("a tenant with many due clients does not delay another's one")
  func fairness() async throws {
    let server = try await Self.server()
    _ = try await Self.clients(tenants: 1, each: 1, on: server)
    // Rows of clients that are not there: a claim gives them up at once, but they are due before the other one.
    _ = try await server.database.administer(
      """
      INSERT INTO tenants (id, slug, name) VALUES ('00000000-0000-7000-8000-000000000001', 'crowd', 'Crowd');
      INSERT INTO app_token_schedule (tenant_id, client_id, refresh_at)
      SELECT '00000000-0000-7000-8000-000000000001', gen_random_uuid(), now() - interval '1 day' + n * interval '1 second'
      FROM generate_series(1, 5000) n
      """)
    let runtime = server.runtime
    let work = AppTokenRefresh(
      database: runtime.services.database, heartbeat: runtime.services.database, fetch: runtime.services.appTokenFetch)
    let lease = Lease()
    let first = try await work.claim(lease, limit: 10)
    let slugs = try await server.database.administer(
      """
      SELECT t.slug FROM app_token_schedule s JOIN tenants t ON t.id = s.tenant_id
      WHERE s.lease_owner = '\(lease.holder.uuidString)' AND t.slug <> 'crowd'
      """)
    #expect(first.count == 10 && slugs.count == 1)
    try await work.release(lease)
  }

  @Test("a suspended tenant's clients are skipped")
  func suspended() async throws {
    let server = try await Self.server()
    let miniapp = try await TestMiniapp.make(on: server)
    _ = try await server.send(
      "PATCH", "/v1/tenants/\(miniapp.tenant.slug)", key: TestServer.operatorToken, #"{"status":"suspended"}"#)
    let once = try await Program("qiao-token-refresher", ["--once"], environment: server.environment()).ended()
    #expect(once.status == 0)
    #expect(server.wechat.count(endpoint: Self.endpoint) == 0)
  }

  /// A database and a WeChat of its own, and nobody who refreshes.
  private static func server() async throws -> TestServer {
    try await TestServer.start(on: TestDatabase.separate(), refreshesTokens: false)
  }

  private static func refresher(_ server: TestServer) throws -> Program {
    var environment = server.environment()
    environment["QIAO_DATABASE_URL"] = server.database.workerURI
    return try Program("qiao-token-refresher", environment: environment)
  }

  private static func clients(tenants: Int, each: Int, on server: TestServer) async throws -> [String] {
    try await withThrowingTaskGroup(of: [String].self) { group in
      for _ in 0..<tenants {
        group.addTask {
          let first = try await TestMiniapp.make(on: server)
          var apps = [first.app.id]
          for _ in 1..<each {
            let app = server.wechat.register(App(openPlatformAccount: nil))
            _ = try await first.client(app, label: nil)
            apps.append(app.id)
          }
          return apps
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
  }

  private static func allHaveTokens(_ count: Int, _ server: TestServer) async throws {
    _ = try await eventually("\(count) tokens", limit: .seconds(20)) { try await tokens(server) == count ? true : nil }
  }

  private static func tokens(_ server: TestServer) async throws -> Int {
    try await number("SELECT count(*) FROM wechat_app_tokens WHERE expires_at > now()", server)
  }

  private static func held(_ server: TestServer) async throws -> Int {
    try await number("SELECT count(*) FROM app_token_schedule WHERE lease_until > now()", server)
  }

  private static func number(_ sql: String, _ server: TestServer) async throws -> Int {
    try await server.database.administer(sql)[0][0].flatMap { Int($0) } ?? -1
  }

  private static func fingerprint(_ server: TestServer) async throws -> [String?] {
    try await server.database.administer(
      """
      SELECT (SELECT md5(string_agg(t::text, ',' ORDER BY client_id)) FROM wechat_app_tokens t),
        (SELECT md5(string_agg(s::text, ',' ORDER BY client_id)) FROM app_token_schedule s),
        (SELECT count(*) FROM audit_events)
      """)[0]
  }

  /// A metric of a process, added up over its labels.
  private static func metric(_ program: Program, _ name: String) async throws -> Double {
    guard let port = program.log.firstMatch(of: /"listening":"127\.0\.0\.1:(\d+)","what":"metrics"/)?.output.1 else {
      return 0
    }
    let answer = try await TestServer.shared().reaching(Int(port) ?? 0).send("GET", "/metrics")
    return answer.text.split(separator: "\n").filter { $0.hasPrefix(name) }
      .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }.reduce(0, +)
  }
}
