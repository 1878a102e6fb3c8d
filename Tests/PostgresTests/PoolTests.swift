import EventLoop
import Logging
import Query
import Testing

@testable import Postgres

private struct Insert: Statement {
  static let sql: SQL = "INSERT INTO isolation (id) VALUES ($1)"
  typealias Output = Void
  let id: Int
  func bind(to binder: inout Binder) { binder.bind(id) }
}

private struct Ids: Statement {
  static let sql: SQL = "SELECT id FROM isolation ORDER BY id"
  static func decode(_ row: inout Row) throws(DecodingFault) -> Int { try row.next() }
}

private struct SetTenant: Statement {
  static let sql: SQL = "SELECT set_config('app.tenant_id', $1, true)"
  let tenant: String
  func bind(to binder: inout Binder) { binder.bind(tenant) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> String { try row.next() }
}

private struct CurrentTenant: Statement {
  static let sql: SQL = "SELECT nullif(current_setting('app.tenant_id', true), '')"
  static func decode(_ row: inout Row) throws(DecodingFault) -> String? { try row.next() }
}

/// The pool where nothing breaks.
@Suite(.cluster, .timeLimit(.minutes(3)))
struct PoolTests {
  @Test("64 callers over 4 connections are in flight together, and each gets its own answer")
  func pipelined() async throws {
    try await withPool(connections: 4) { pool in
      try await pool.until { pool.gauges.idle == 4 }
      try await withPool(connections: 1) { holder in
        let (taken, release) = (Gate(), Gate())
        try await withThrowingTaskGroup { group in
          group.addTask {
            try await holder.transaction { transaction in
              _ = try await transaction.run(TakeLock(number: 64))
              taken.open()
              await release.wait()
            }
          }
          await taken.wait()
          for number in 0..<64 {
            group.addTask { try await pool.expect(PassLock(lock: 64, number: number), [number]) }
          }
          // Nobody can be answered before the lock is given back, so whoever is sent stays in flight.
          var inFlight: [Int] = []
          let limit = ContinuousClock.now + .seconds(10)
          while inFlight.reduce(0, +) < 64, ContinuousClock.now < limit {
            inFlight = await pool.inspect { $0.connections.values.map(\.inFlight) }
          }
          #expect(inFlight == [16, 16, 16, 16])
          #expect(pool.gauges == PostgresGauges(idle: 0, busy: 4, connecting: 0, waiters: 0))
          release.open()
          try await group.waitForAll()
        }
      }
    }
  }

  @Test("several statements are one transaction, and each gives its rows")
  func severalStatements() async throws {
    try await withPool { pool in
      let (numbers, echo, none) = try await pool.run(Series(count: 3), Echo(9), Series(count: 0))
      #expect(numbers == [1, 2, 3])
      #expect(echo == [9])
      #expect(none == [])
      let five = try await pool.run(Echo(1), Echo(2), Echo(3), Echo(4), Echo(5))
      #expect(five == ([1], [2], [3], [4], [5]))
      #expect(try await pool.run(Series(count: 20_000)).count == 20_000)
    }
  }

  @Test("a batch that fails rolls back alone among those pipelined around it")
  func rollsBackAlone() async throws {
    try await withPool(connections: 1) { pool in
      try await pool.script("CREATE TABLE isolation (id bigint CONSTRAINT isolation_pkey PRIMARY KEY)")
      let failures = await withTaskGroup(of: DatabaseError?.self) { group in
        for number in 0..<30 {
          group.addTask {
            // Every third batch takes its own key twice.
            await pool.failure(Insert(id: number), Insert(id: number % 3 == 0 ? number : number + 100))
          }
        }
        return await group.reduce(into: []) { $0.append($1) }
      }
      #expect(failures.count { $0 == .unique(constraint: "isolation_pkey") } == 10)
      #expect(failures.count { $0 == nil } == 20)
      let kept = (0..<30).filter { $0 % 3 != 0 }
      try await pool.expect(Ids(), kept + kept.map { $0 + 100 })
    }
  }

  @Test("a setting of one batch is gone in the next")
  func settings() async throws {
    try await withPool(connections: 1) { pool in
      try await withThrowingTaskGroup { group in
        for number in 0..<50 {
          group.addTask {
            let (_, tenant) = try await pool.run(SetTenant(tenant: "t\(number)"), CurrentTenant())
            #expect(tenant == ["t\(number)"])
          }
          group.addTask { try await pool.expect(CurrentTenant(), [nil]) }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test("a statement the server cannot prepare fails each time and harms nobody")
  func nonsense() async throws {
    try await withPool(connections: 1) { pool in
      let before = try await pool.run(BackendID())
      await withTaskGroup { group in
        for number in 0..<40 {
          group.addTask {
            let error = await pool.failure(Echo(number), Nonsense())
            #expect(["42P01", "26000"].contains(error?.sqlstate))
          }
          group.addTask { #expect(await pool.failure(Echo(number)) == nil) }
        }
      }
      #expect(await pool.failure(Nonsense())?.sqlstate == "42P01")
      try await pool.expect(BackendID(), before)
    }
  }
  @Test("a Unix socket and a name are reached too")
  func otherAddresses() async throws {
    try await withPool(uri: cluster.socketURI) { try await $0.expect(Echo(1), [1]) }
    let named = try cluster.uri(host: "localhost", port: cluster.port)
    try await withPool(uri: named) { try await $0.expect(Echo(2), [2]) }
  }

  @Test("shutdown answers what is in flight and refuses what comes later")
  func shutdown() async throws {
    try await withPool(name: "closing") { pool in
      let slow = Task { try await pool.run(Sleep(milliseconds: 200)) }
      while !Task.isCancelled, await pool.inspect({ $0.connections.values.map(\.inFlight).reduce(0, +) }) != 1 {
        await Task.yield()
      }
      await pool.shutdown()
      let rows = try await slow.value
      #expect(rows == [1])
      guard case .unavailable = await pool.failure(Echo(1)) else {
        Issue.record("it was not refused")
        return
      }
      #expect(pool.gauges == PostgresGauges())
      await pool.shutdown()
    }
    try await withPool { other in
      try await other.until { try await other.run(CountConnections(name: "closing")) == [0] }
    }
  }

  @Test("run returns when its task is cancelled, and the connections are closed")
  func runCancelled() async throws {
    try await withPool(name: "cancelled") { pool in
      let running = Task { await pool.run() }
      try await pool.expect(Echo(1), [1])
      running.cancel()
      await running.value
      #expect(pool.gauges == PostgresGauges())
    }
  }

  @Test("a loop that was shut down refuses instead of keeping callers waiting")
  func deadLoop() async throws {
    let loop = EventLoop(name: "test")
    let pool = PostgresPool(
      PostgresConfiguration(uri: try cluster.uri), loop: loop,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    await pool.shutdown()
    loop.shutdown()
    guard case .unavailable = await pool.failure(Echo(1)) else {
      Issue.record("it was not refused")
      return
    }
    await pool.shutdown()
    await pool.run()
  }

  @Test("a pool that is dropped closes its connections")
  func dropped() async throws {
    let loop = EventLoop(name: "test")
    defer { loop.shutdown() }
    do {
      let pool = PostgresPool(
        PostgresConfiguration(uri: try cluster.uri, applicationName: "dropped"), loop: loop,
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
      #expect(try await pool.run(CountConnections(name: "dropped")).first ?? 0 > 0)
    }
    try await withPool { other in
      try await other.until { try await other.run(CountConnections(name: "dropped")) == [0] }
    }
  }
}

extension PostgresGauges {
  init(idle: Int, busy: Int, connecting: Int, waiters: Int) {
    self.init()
    (self.idle, self.busy, self.connecting, self.waiters) = (idle, busy, connecting, waiters)
  }
}
