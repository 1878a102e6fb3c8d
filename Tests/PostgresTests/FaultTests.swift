import Glibc
import Query
import Synchronization
import Testing

@testable import Postgres

/// What writers were told.
private struct Account: Sendable {
  var acknowledged: [Int] = []
  /// Told that nothing was committed.
  var refused: [Int] = []
  /// Told that nobody knows.
  var unknown: [Int] = []
}

/// What all writers share.
private final class Writing: Sendable {
  let account = Mutex(Account())
  private let state = Mutex((last: 0, isOver: false))

  /// A number nobody had; `nil` when it is over.
  func next() -> Int? {
    state.withLock { state in
      state.last += 1
      return state.isOver ? nil : state.last
    }
  }

  func end() { state.withLock { $0.isOver = true } }

  func took(_ id: Int, _ error: DatabaseError?) {
    account.withLock { account in
      switch error {
      case nil: account.acknowledged.append(id)
      case .unknownOutcome, .timeout(sent: true): account.unknown.append(id)
      default: account.refused.append(id)
      }
    }
  }

  /// Waits until so many more inserts were acknowledged.
  func progress(by count: Int) async throws {
    let goal = account.withLock { $0.acknowledged.count } + count
    let limit = ContinuousClock.now + .seconds(30)
    while account.withLock({ $0.acknowledged.count }) < goal {
      guard ContinuousClock.now < limit else { throw NeverHappened() }
      await Task.yield()
    }
  }
}

private struct Insert: Statement {
  static let sql: SQL = "INSERT INTO ledger (id) VALUES ($1)"
  typealias Output = Void
  let id: Int
  func bind(to binder: inout Binder) { binder.bind(id) }
}

private struct InsertOnce: Statement {
  static let sql: SQL = "INSERT INTO ledger (id) VALUES ($1) ON CONFLICT DO NOTHING"
  typealias Output = Void
  let id: Int
  func bind(to binder: inout Binder) { binder.bind(id) }
}

private struct Ledger: Statement {
  static let sql: SQL = "SELECT id FROM ledger"
  static func decode(_ row: inout Row) throws(DecodingFault) -> Int { try row.next() }
}

/// A server that is killed, frozen and restarted under the pool.
@Suite(.cluster, .serialized, .timeLimit(.minutes(5)))
struct FaultTests {
  /// Lets 32 writers insert until `fault` returns, and accounts for what they were told.
  private func write(
    on pool: PostgresPool, repeatable: Bool = false, during fault: @Sendable @escaping (Writing) async throws -> Void
  ) async throws -> Account {
    let writing = Writing()
    try await withThrowingTaskGroup { group in
      for _ in 0..<32 {
        group.addTask {
          while let id = writing.next() {
            writing.took(
              id,
              repeatable
                ? await pool.failure(InsertOnce(id: id), repeatable: true) : await pool.failure(Insert(id: id)))
          }
        }
      }
      group.addTask {
        defer { writing.end() }
        try await fault(writing)
      }
      try await group.waitForAll()
    }
    return writing.account.withLock { $0 }
  }

  private func check(_ account: Account, _ pool: PostgresPool) async throws {
    // Repeatable: the last fault may still be under way.
    let ledger = Set(try await pool.run(Ledger(), repeatable: true))
    #expect(account.acknowledged.filter { !ledger.contains($0) } == [], "acknowledged and lost")
    #expect(account.refused.filter { ledger.contains($0) } == [], "refused and there all the same")
    try await pool.until { pool.gauges == PostgresGauges(idle: 4, busy: 0, connecting: 0, waiters: 0) }
  }

  @Test("connections that are terminated under a stream of inserts lose no acknowledged one, and come back")
  func terminated() async throws {
    try await withPool(connections: 1) { admin in
      try await admin.script("DROP TABLE IF EXISTS ledger; CREATE TABLE ledger (id bigint PRIMARY KEY)")
      try await withPool(name: "victim", connections: 4) { pool in
        let account = try await write(on: pool) { writing in
          for _ in 0..<25 {
            try await writing.progress(by: 40)
            _ = try await admin.run(Terminate(name: "victim"))
          }
        }
        try await check(account, pool)
        #expect(account.acknowledged.count >= 1000)
      }
    }
  }

  @Test("a connection that ends in a commit leaves that batch in doubt, and those behind it certainly undone")
  func endsInCommit() async throws {
    struct InsertLast: Statement {
      static let sql: SQL = "INSERT INTO last_words (id) VALUES (1)"
      typealias Output = Void
    }
    try await withPool(connections: 1) { admin in
      try await admin.script(
        """
        CREATE TABLE last_words (id bigint);
        CREATE FUNCTION end_backend() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER last_words_end AFTER INSERT ON last_words
          DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION end_backend();
        """)
      try await withPool(connections: 1) { pool in
        try await pool.until { pool.gauges.idle == 1 }
        let tasks = try await admin.transaction { transaction in
          _ = try await transaction.run(TakeLock(number: 9))
          let first = Task { await pool.failure(PassLock(lock: 9, number: 1), InsertLast()) }
          while !Task.isCancelled, await pool.inspect({ $0.connections.values.first?.inFlight }) != 1 {
            await Task.yield()
          }
          let second = Task { await pool.failure(Echo(2)) }
          let third = Task { await pool.failure(Echo(3), repeatable: true) }
          while !Task.isCancelled, await pool.inspect({ $0.connections.values.first?.inFlight }) != 3 {
            await Task.yield()
          }
          return (first, second, third)
        }
        // The transaction is over and has given the lock back.
        #expect(await tasks.0.value == .unknownOutcome)
        #expect(await tasks.1.value?.sqlstate == "57P01")
        #expect(await tasks.2.value == nil)
      }
    }
  }

  @Test("repeatable batches do not even notice that connections are terminated")
  func repeated() async throws {
    try await withPool(connections: 1) { admin in
      try await admin.script("DROP TABLE IF EXISTS ledger; CREATE TABLE ledger (id bigint PRIMARY KEY)")
      try await withPool(name: "victim", connections: 4) { pool in
        let account = try await write(on: pool, repeatable: true) { writing in
          for _ in 0..<15 {
            try await writing.progress(by: 40)
            _ = try await admin.run(Terminate(name: "victim"))
          }
        }
        try await check(account, pool)
        #expect(account.refused.isEmpty)
        #expect(account.unknown.isEmpty)
      }
    }
  }

  @Test(
    "a server that crashes and starts again loses no acknowledged insert",
    arguments: [PrivateCluster.StopMode.immediate, .fast])
  func restarted(mode: PrivateCluster.StopMode) async throws {
    let cluster = try cluster
    try await withPool(name: "victim", connections: 4, deadline: .seconds(10)) { pool in
      try await pool.script("DROP TABLE IF EXISTS ledger; CREATE TABLE ledger (id bigint PRIMARY KEY)")
      let account = try await write(on: pool) { writing in
        for _ in 0..<2 {
          try await writing.progress(by: 200)
          try await cluster.restart(mode)
        }
        try await writing.progress(by: 200)
      }
      try await check(account, pool)
    }
  }

  @Test("while the server is down a batch waits for its deadline and is told that nothing was sent")
  func down() async throws {
    let cluster = try cluster
    try await withPool(connections: 2) { pool in
      _ = try await pool.run(Echo(1))
      try await cluster.stop(.fast)
      while pool.gauges.idle > 0 { await Task.yield() }
      guard case .unavailable = await pool.failure(Echo(2), deadline: .milliseconds(200)) else {
        Issue.record("it was not refused")
        return
      }
      while pool.lastFailure == nil { await Task.yield() }
      async let waiting = pool.run(Echo(3))
      try await cluster.start()
      #expect(try await waiting == [3])
      try await pool.until { pool.lastFailure == nil }
    }
  }

  @Test("shutdown does not wait for a server that is down")
  func shutdownWhileDown() async throws {
    let port = try PrivateCluster.freePort()
    try await withPool(uri: cluster.uri(host: "127.0.0.1", port: port)) { pool in
      async let waiting = pool.failure(Echo(1))
      while pool.gauges.waiters == 0 { await Task.yield() }
      let start = ContinuousClock.now
      await pool.shutdown()
      #expect(ContinuousClock.now - start < .seconds(5))
      guard case .unavailable = await waiting else {
        Issue.record("it was not told")
        return
      }
    }
  }

  @Test("a connection that is silent beyond a deadline is replaced")
  func frozen() async throws {
    try await withPool(connections: 1) { pool in
      let backend = try await pool.run(BackendID())[0]
      #expect(kill(pid_t(backend), SIGSTOP) == 0)
      defer { kill(pid_t(backend), SIGCONT) }
      async let late = pool.failure(Echo(1), deadline: .milliseconds(200))
      #expect(await late == .timeout(sent: true))
      let next = try await pool.run(BackendID())[0]
      #expect(next != backend)
    }
  }

  @Test("several hosts: one that refuses and one that is silent are passed over")
  func hosts() async throws {
    let dead = try PrivateCluster.freePort()
    let live = try cluster.port
    let refusing = "postgresql://postgres@127.0.0.1:\(dead),127.0.0.1:\(live)/postgres?target_session_attrs=read-write"
    try await withPool(uri: refusing) { try await $0.expect(Echo(1), [1]) }

    let silent = try PrivateCluster.listener(backlog: 16)
    defer { close(silent.descriptor) }
    let mixed = "postgresql://postgres@127.0.0.1:\(silent.port),127.0.0.1:\(live)/postgres"
    try await withPool(uri: mixed, connections: 4, connectTimeout: .milliseconds(300)) { pool in
      try await pool.expect(Echo(2), [2])
      try await pool.until { pool.gauges.idle == 4 }
    }
    let unknown = "postgresql://postgres@nowhere.invalid:1,127.0.0.1:\(live)/postgres"
    try await withPool(uri: unknown) { try await $0.expect(Echo(3), [3]) }
  }
}
