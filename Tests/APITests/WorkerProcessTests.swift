import Foundation
import Simulator
import TestSupport
import Testing

/// `qiao-session-expirer` and `qiao-profile-reconciler` as processes of their own.
@Suite("expirer and reconciler processes")
struct WorkerProcessTests {
  @Test("an expirer that is killed in the middle is followed by another, and --once leaves nothing past behind")
  func expirer() async throws {
    let server = try await TestServer.start(on: TestDatabase.separate(), refreshesTokens: false)
    try await server.database.administer(Expiry.insert(into: "sessions", rows: 200_000, moment: "now()"))
    let doomed = try Self.start("qiao-session-expirer", server)
    _ = try await eventually("a batch") {
      try await Self.number("SELECT max(next_block) FROM sweeps", server) > 0 ? true : nil
    }
    doomed.signal(SIGKILL)
    _ = try await doomed.ended()
    #expect(try await Self.number("SELECT count(*) FROM sessions", server) > 0)
    // As if 30 s had passed.
    try await server.database.administer("UPDATE sweeps SET lease_until = now() WHERE lease_until > now()")
    let once = try await Self.start("qiao-session-expirer", server, ["--once"]).ended(limit: .seconds(30))
    #expect(once.status == 0, "\(once.errors)")
    #expect(try await Self.number("SELECT count(*) FROM sessions", server) == 0)
    #expect(try await Self.number("SELECT count(*) FROM sweeps WHERE lease_owner IS NOT NULL", server) == 0)
  }

  @Test("an expirer that was frozen in a sweep past its lease and wakes up finds that it lost it")
  func frozenExpirer() async throws {
    let server = try await TestServer.start(on: TestDatabase.separate(), refreshesTokens: false)
    let sleeper = try await Self.expirerInTheMiddle(server)
    defer { sleeper.signal(SIGKILL) }
    sleeper.signal(SIGSTOP)
    try await server.database.administer(
      "UPDATE sweeps SET lease_until = now() - interval '1 second' WHERE lease_until > now()")
    let heir = try await Self.start("qiao-session-expirer", server, ["--once"]).ended(limit: .seconds(30))
    #expect(heir.status == 0, "\(heir.errors)")
    #expect(try await Self.number("SELECT count(*) FROM sessions", server) == 0)
    // Nothing is due any more, so what changes from now on is what the sleeper had begun.
    try await server.database.administer("UPDATE sweeps SET run_at = now() + interval '1 hour'")
    let state = "SELECT relation, next_block, fence, run_at FROM sweeps ORDER BY 1"
    let before = try await server.database.administer(state)
    sleeper.signal(SIGCONT)
    // It finds the lease lost, or, if it slept for long, that its statement came to nothing.
    _ = try await eventually("it to notice", limit: .seconds(30)) {
      try await Self.leasesLost(sleeper, ["qiao_worker_lease_lost_total", "qiao_worker_failed_total"]) > 0 ? true : nil
    }
    #expect(try await server.database.administer(state) == before)
    sleeper.signal(SIGTERM)
    #expect(try await sleeper.ended().status == 0)
  }

  @Test("SIGTERM in the middle of a sweep hands it back where it is, due at once")
  func sweepHandedBack() async throws {
    let server = try await TestServer.start(on: TestDatabase.separate(), refreshesTokens: false)
    let leaver = try await Self.expirerInTheMiddle(server)
    leaver.signal(SIGTERM)
    #expect(try await leaver.ended(limit: .seconds(10)).status == 0)
    let middle = "SELECT count(*) FROM sweeps WHERE next_block > 0 AND lease_owner IS NULL AND run_at <= now()"
    #expect(try await Self.number(middle, server) == 1)
    #expect(try await Self.number("SELECT count(*) FROM sweeps WHERE lease_owner IS NOT NULL", server) == 0)
    let left = try await Self.number("SELECT count(*) FROM sessions", server)
    #expect(left > 0 && left < 200_000)
  }

  @Test("a reconciler with --once does what is due and ends")
  func onceReconciler() async throws {
    let server = try await TestServer.start(on: TestDatabase.separate(), refreshesTokens: false)
    let world = try await TestReconciliation.make(on: server)
    _ = try await world.person("once")
    try await world.silent(10)
    let run = try await world.queue("apply")
    let once = try await Self.start("qiao-profile-reconciler", server, ["--once"]).ended(limit: .seconds(30))
    #expect(once.status == 0, "\(once.errors)")
    let done = try await world.tenant.send("GET", "reconciliations/\(run)")
    #expect(done.text("status") == "succeeded" && done["progress"]?.object?["done"]?.integer == 11)
  }

  /// An expirer that has begun with 200 000 sessions that are past.
  private static func expirerInTheMiddle(_ server: TestServer) async throws -> Program {
    try await server.database.administer(Expiry.insert(into: "sessions", rows: 200_000, moment: "now()"))
    let expirer = try start("qiao-session-expirer", server)
    _ = try await eventually("a batch") {
      try await number("SELECT max(next_block) FROM sweeps", server) > 0 ? true : nil
    }
    return expirer
  }

  @Test("an expirer and a reconciler end within ten seconds of SIGTERM and say so with 0")
  func terminated() async throws {
    let server = try await TestServer.start(on: TestDatabase.separate(), refreshesTokens: false)
    let workers = try ["qiao-session-expirer", "qiao-profile-reconciler"].map { try Self.start($0, server) }
    for worker in workers {
      _ = try await eventually("it to listen") { worker.log.contains("listening") ? true : nil }
      worker.signal(SIGTERM)
      let ended = try await worker.ended(limit: .seconds(10))
      #expect(ended.status == 0, "\(ended.errors)")
    }
  }

  @Test("a killed reconciler's run is finished by another when its lease ends")
  func killed() async throws {
    let (server, world) = try await Self.slowRun(delay: 20_000)
    let doomed = try Self.start("qiao-profile-reconciler", server)
    _ = try await eventually("its calls") { server.wechat.count(endpoint: "sns/userinfo") == 4 ? true : nil }
    doomed.signal(SIGKILL)
    _ = try await doomed.ended()
    server.wechat.clearFaults()
    #expect(try await Self.number("SELECT count(*) FROM reconciliation_items", server) == 0)
    try await server.database.administer("UPDATE reconciliation_claims SET lease_until = now()")
    let heir = try Self.start("qiao-profile-reconciler", server)
    defer { heir.signal(SIGKILL) }
    try await Self.finished(world)
    #expect(try await Self.number("SELECT count(*) FROM reconciliation_items", server) == 4)
  }

  @Test("a reconciler that was frozen past its lease and wakes up writes nothing")
  func frozen() async throws {
    let (server, world) = try await Self.slowRun(delay: 1500)
    let sleeper = try Self.start("qiao-profile-reconciler", server)
    defer { sleeper.signal(SIGKILL) }
    _ = try await eventually("its calls") { server.wechat.count(endpoint: "sns/userinfo") == 4 ? true : nil }
    sleeper.signal(SIGSTOP)
    server.wechat.clearFaults()
    try await server.database.administer("UPDATE reconciliation_claims SET lease_until = now()")
    let other = try Self.start("qiao-profile-reconciler", server)
    try await Self.finished(world)
    other.signal(SIGTERM)
    #expect(try await other.ended().status == 0)
    let before = try await world.dump()
    let items = try await server.database.administer("SELECT i::text FROM reconciliation_items i ORDER BY 1")
    sleeper.signal(SIGCONT)
    _ = try await eventually("it to notice") { try await Self.leasesLost(sleeper) > 0 ? true : nil }
    #expect(try await world.dump() == before)
    sleeper.signal(SIGTERM)
    #expect(try await sleeper.ended().status == 0)
    #expect(try await world.dump() == before)
    #expect(try await server.database.administer("SELECT i::text FROM reconciliation_items i ORDER BY 1") == items)
  }

  @Test("SIGTERM in the middle of a run hands it back, due at once")
  func handedBack() async throws {
    let (server, _) = try await Self.slowRun(delay: 2500)
    let leaver = try Self.start("qiao-profile-reconciler", server)
    _ = try await eventually("its calls") { server.wechat.count(endpoint: "sns/userinfo") == 4 ? true : nil }
    leaver.signal(SIGTERM)
    #expect(try await leaver.ended(limit: .seconds(10)).status == 0)
    let due = "SELECT count(*) FROM reconciliation_claims WHERE lease_owner IS NULL AND run_at <= now()"
    #expect(try await Self.number(due, server) == 1)
  }

  /// A queued run over four people, about whom WeChat answers late.
  private static func slowRun(delay: Int) async throws -> (TestServer, TestReconciliation) {
    let server = try await TestServer.start(on: TestDatabase.separate(), refreshesTokens: false)
    let world = try await TestReconciliation.make(on: server)
    for index in 0..<4 { _ = try await world.person("slow\(index)") }
    server.wechat.inject(Fault(.delay, delay: delay), at: "sns/userinfo")
    _ = try await world.queue("apply")
    return (server, world)
  }

  private static func finished(_ world: TestReconciliation) async throws {
    _ = try await eventually("the run to end", limit: .seconds(20)) {
      let runs = try await world.tenant.send("GET", "reconciliations").items
      return runs.first?["status"]?.string == "succeeded" ? true : nil
    }
  }

  private static func start(_ name: String, _ server: TestServer, _ arguments: [String] = []) throws -> Program {
    var environment = server.environment()
    environment["QIAO_DATABASE_URL"] = server.database.workerURI
    return try Program(name, arguments, environment: environment)
  }

  /// What a process says of leases it lost, or the sum of other metrics.
  private static func leasesLost(
    _ program: Program, _ names: [String] = ["qiao_worker_lease_lost_total"]
  ) async throws -> Double {
    let port = program.log.firstMatch(of: /"listening":"127\.0\.0\.1:(\d+)","what":"metrics"/)?.output.1
    let answer = try await TestServer.shared().reaching(port.flatMap { Int($0) } ?? 0).send("GET", "/metrics")
    return answer.text.split(separator: "\n").filter { line in names.contains { line.hasPrefix($0) } }
      .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }.reduce(0, +)
  }

  private static func number(_ sql: String, _ server: TestServer) async throws -> Int {
    try await server.database.administer(sql)[0][0].flatMap { Int($0) } ?? -1
  }
}
