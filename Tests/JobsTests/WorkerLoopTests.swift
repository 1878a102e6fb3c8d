import EventLoop
import Logging
import Observability
import Postgres
import ServiceLifecycle
import TestSupport
import Testing

@testable import Jobs

/// The loop of a worker, over work in memory and a real PostgreSQL that notifies.
@Suite("worker loop")
struct WorkerLoopTests {
  @Test("a worker that cannot renew stops its handlers before the lease ends, gives up, and begins as another holder")
  func cannotRenew() async throws {
    let work = ScriptedWork(due: 0..<2, isRenewable: false) { _ in
      try await Task.sleep(for: .seconds(60))
      return .done(1)
    }
    let began = ContinuousClock.now
    try await running(work, lease: 0.9) { metrics in
      _ = try await work.steps.next("a handler is cancelled") { if case .cancelled = $0 { true } else { false } }
      #expect(ContinuousClock.now - began < .seconds(5))
      _ = try await work.steps.next("the release") { if case .released = $0 { true } else { false } }
      _ = try await work.steps.next("a claim of the next holder") { if case .claimed = $0 { true } else { false } }
      #expect(work.holders >= 2)
      #expect(!metrics.exposition().contains(#"qiao_worker_lease_lost_total{kind="scripted"} 0"#))
    }
  }

  @Test("a worker that renews keeps its handlers past the first lease")
  func renews() async throws {
    let work = ScriptedWork(due: 0..<1) { _ in
      try await Task.sleep(for: .seconds(60))
      return .done(1)
    }
    try await running(work, lease: 3) { metrics in
      for _ in 0..<4 { _ = try await work.steps.next("a renewal") { if case .renewed = $0 { true } else { false } } }
      #expect(work.holders == 1 && work.due.isEmpty)
      #expect(metrics.exposition().contains(#"qiao_worker_lease_lost_total{kind="scripted"} 0"#))
    }
  }

  @Test("being stopped cancels the handlers and gives everything back")
  func stopped() async throws {
    let work = ScriptedWork(due: 0..<3) { _ in
      try await Task.sleep(for: .seconds(60))
      return .done(1)
    }
    try await running(work) { _ in
      for _ in 0..<3 { _ = try await work.steps.next("a handler") { if case .began = $0 { true } else { false } } }
    }
    _ = try await work.steps.next("the release") { if case .released = $0 { true } else { false } }
    #expect(work.due.sorted() == [0, 1, 2])
  }

  @Test("a notification of its kind wakes a worker long before it would look again, another kind's does not")
  func notified() async throws {
    let work = ScriptedWork(kind: "mine")
    try await running(work, interval: .seconds(3600)) { _ in
      let database = try await TestDatabase.shared()
      // It looks once by itself when it begins, and once when it begins to listen.
      for _ in 0..<2 {
        _ = try await work.steps.next("an empty claim") { if case .claimed(0, _) = $0 { true } else { false } }
      }
      try await database.administer("NOTIFY qiao_work, 'other'")
      work.add(1)
      try await database.administer("NOTIFY qiao_work, 'mine'")
      let woken = try await work.steps.next("a claim") { if case .claimed = $0 { true } else { false } }
      guard case .claimed(1, _) = woken else {
        Issue.record("\(woken)")
        return
      }
    }
  }

  @Test("a failing handler is counted and does not stop the others")
  func failing() async throws {
    let work = ScriptedWork(due: 0..<10) { row in
      switch row {
      case 0..<3: throw ScriptedWork.Unreachable()
      case 3..<5: .failed
      case 5: .lost
      default: .done(2)
      }
    }
    let metrics = Metrics()
    let handled = try await withLoop(work, metrics: metrics) { try await $0.drain() }
    #expect(handled == 10)
    let text = metrics.exposition()
    #expect(text.contains(#"qiao_worker_failed_total{kind="scripted"} 5"#), "\(text)")
    #expect(text.contains(#"qiao_worker_lease_lost_total{kind="scripted"} 1"#), "\(text)")
    #expect(text.contains(#"qiao_worker_done_total{kind="scripted"} 8"#), "\(text)")
  }

  @Test("a row whose handler threw is not renewed: new work is held under another name, and the old one runs out")
  func thrown() async throws {
    let work = ScriptedWork(due: 0..<1) { _ in throw ScriptedWork.Unreachable() }
    try await running(work, lease: 3) { _ in
      let first = try await work.steps.next("a claim") { if case .claimed(1, _) = $0 { true } else { false } }
      guard case .claimed(_, let old) = first else { return }
      var renewals = 0
      while renewals < 3 {
        switch try await work.steps.next("three renewals") {
        case .renewed(let holder):
          #expect(holder != old)
          renewals += 1
        case .claimed(_, let holder) where renewals > 0: #expect(holder != old)
        case .released(let holder): Issue.record("\(holder) was handed back")
        default: break
        }
      }
      #expect(work.holders == 2)
    }
  }

  @Test("draining handles everything that is due, never more at once than the kind allows, and gives the lease back")
  func drained() async throws {
    let work = ScriptedWork(due: 0..<100, concurrency: 7) { _ in
      await Task.yield()
      return .done(1)
    }
    let handled = try await withLoop(work, metrics: Metrics()) { try await $0.drain() }
    #expect(handled == 100 && work.due.isEmpty)
    #expect((1...7).contains(work.most), "\(work.most) at once")
    _ = try await work.steps.next("the release") { if case .released = $0 { true } else { false } }
  }

  @Test("pauses double up to the limit, half of them by chance", arguments: [1, 2, 5, 9, 40])
  func pause(attempts: Int) {
    let expected: Double = [1: 1.0, 2: 2, 5: 16, 9: 256, 40: 300][attempts] ?? 0
    let pauses = (0..<200).map { _ in Pause.backOff(attempts: attempts) }
    for pause in pauses { #expect(pause >= expected / 2 && pause <= expected) }
    #expect(Set(pauses).count > 100)
  }

  /// Runs a loop over `work` until `body` is through, then stops it as SIGTERM would.
  private func running(
    _ work: ScriptedWork, lease: Double = 30, interval: Duration = .milliseconds(50),
    _ body: @Sendable (Metrics) async throws -> Void
  ) async throws {
    let metrics = Metrics()
    try await withLoop(work, metrics: metrics, lease: lease, interval: interval) { loop in
      let group = ServiceGroup(
        configuration: ServiceGroupConfiguration(
          services: [.init(service: loop)], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
      async let ended: Void = group.run()
      let failure: (any Error)?
      do {
        try await body(metrics)
        failure = nil
      } catch {
        failure = error
      }
      await group.triggerGracefulShutdown()
      try await ended
      if let failure { throw failure }
    }
  }

  private func withLoop<Value: Sendable>(
    _ work: ScriptedWork, metrics: Metrics, lease: Double = 30, interval: Duration = .milliseconds(50),
    _ body: (WorkerLoop<ScriptedWork>) async throws -> Value
  ) async throws -> Value {
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let events = EventLoop(name: "jobs-tests")
    defer { events.shutdown() }
    let uri = try await TestDatabase.shared().workerURI
    let pool = PostgresPool(
      PostgresConfiguration(uri: uri, applicationName: "jobs-tests", connections: 1), loop: events, logger: logger)
    do {
      let value = try await body(
        WorkerLoop(work, pool: pool, metrics: metrics, logger: logger, leaseSeconds: lease, interval: interval))
      await pool.shutdown()
      return value
    } catch {
      await pool.shutdown()
      throw error
    }
  }
}
