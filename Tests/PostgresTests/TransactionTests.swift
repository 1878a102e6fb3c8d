import Query
import Testing

@testable import Postgres

private struct Add: Statement {
  static let sql: SQL = "INSERT INTO steps (id) VALUES ($1)"
  typealias Output = Void
  let id: Int
  func bind(to binder: inout Binder) { binder.bind(id) }
}

private struct Has: Statement {
  static let sql: SQL = "SELECT EXISTS (SELECT FROM steps WHERE id = $1)"
  let id: Int
  func bind(to binder: inout Binder) { binder.bind(id) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> Bool { try row.next() }
}

private struct Stop: Error {}

/// Transactions that read before they write.
@Suite(.cluster, .timeLimit(.minutes(3)))
struct TransactionTests {
  private func withSteps(connections: Int = 2, _ body: (PostgresPool) async throws -> Void) async throws {
    try await withPool(connections: connections) { pool in
      // IF NOT EXISTS alone does not bear two at the same time.
      try await pool.script(
        """
        SELECT pg_advisory_xact_lock(1);
        CREATE TABLE IF NOT EXISTS steps (id bigint CONSTRAINT steps_pkey PRIMARY KEY)
        """)
      try await body(pool)
    }
  }

  @Test("a transaction is committed when its body returns, and is seen by nobody before")
  func commits() async throws {
    try await withSteps { pool in
      let value = try await pool.transaction { transaction in
        _ = try await transaction.run(Add(id: 1), Echo(1))
        try await transaction.expect(Has(id: 1), [true])
        try await pool.expect(Has(id: 1), [false])
        return 5
      }
      #expect(value == 5)
      try await pool.expect(Has(id: 1), [true])
    }
  }

  @Test("a body that throws takes everything back, and the connection is used again")
  func rollsBack() async throws {
    try await withSteps(connections: 1) { pool in
      let backend = try await pool.run(BackendID())
      await #expect(throws: Stop.self) {
        try await pool.transaction { transaction in
          _ = try await transaction.run(Add(id: 2))
          throw Stop()
        }
      }
      try await pool.expect(Has(id: 2), [false])
      try await pool.expect(BackendID(), backend)
    }
  }

  @Test("a body that overlooks a failed statement commits nothing and throws the failure")
  func overlooked() async throws {
    try await withSteps { pool in
      await #expect(throws: DatabaseError.unique(constraint: "steps_pkey")) {
        try await pool.transaction { transaction in
          _ = try await transaction.run(Add(id: 3))
          _ = try? await transaction.run(Add(id: 3))
        }
      }
      try await pool.expect(Has(id: 3), [false])
    }
  }

  @Test("a transaction whose connection is lost is told so and nothing of it stays")
  func lost() async throws {
    try await withSteps { pool in
      do {
        try await pool.transaction { transaction in
          let backend = try await transaction.run(Add(id: 4), BackendID()).1
          struct End: Statement {
            static let sql: SQL = "SELECT pg_terminate_backend($1::integer)"
            let id: Int
            func bind(to binder: inout Binder) { binder.bind(id) }
            static func decode(_ row: inout Row) throws(DecodingFault) -> Bool { try row.next() }
          }
          _ = try await pool.run(End(id: backend[0]))
          _ = try await transaction.run(Echo(1))
        }
        Issue.record("it was committed")
      } catch let error as DatabaseError {
        #expect(error.isTransient && error != .unknownOutcome)
      }
      try await pool.expect(Has(id: 4), [false])
    }
  }

  @Test("transactions beyond the connections wait their turn, and batches go on meanwhile")
  func turns() async throws {
    try await withSteps(connections: 3) { pool in
      try await withThrowingTaskGroup { group in
        for number in 100..<130 {
          group.addTask {
            try await pool.transaction { transaction in
              _ = try await transaction.run(Add(id: number))
              // Needs a connection while this transaction and others have theirs.
              try await pool.expect(Has(id: number), [false])
              try await transaction.expect(Has(id: number), [true])
            }
          }
        }
        try await group.waitForAll()
      }
      try await pool.expect(Has(id: 129), [true])
      try await pool.until { pool.gauges == PostgresGauges(idle: 3, busy: 0, connecting: 0, waiters: 0) }
    }
  }

  @Test("waiting for a connection has the deadline of the transaction")
  func waitsNoLonger() async throws {
    try await withSteps(connections: 1) { pool in
      let (taken, release) = (Gate(), Gate())
      try await withThrowingTaskGroup { group in
        group.addTask {
          try await pool.transaction { transaction in
            _ = try await transaction.run(Echo(1))
            taken.open()
            await release.wait()
          }
        }
        await taken.wait()
        await #expect(throws: DatabaseError.timeout(sent: false)) {
          try await pool.transaction(deadline: .milliseconds(80)) { _ in }
        }
        release.open()
        try await group.waitForAll()
      }
      try await pool.expect(Echo(2), [2])
    }
  }

  @Test("a transaction that is not over long after its deadline loses its connection")
  func heldTooLong() async throws {
    try await withSteps(connections: 1) { pool in
      let (taken, ended) = (Gate(), Gate())
      try await withThrowingTaskGroup { group in
        group.addTask {
          await #expect(throws: DatabaseError.self) {
            try await pool.transaction(deadline: .milliseconds(100)) { transaction in
              _ = try await transaction.run(Add(id: 5))
              taken.open()
              await ended.wait()
              _ = try await transaction.run(Add(id: 6))
            }
          }
        }
        await taken.wait()
        // The only connection: this is answered once the pool has taken it from the transaction.
        try await pool.expect(Has(id: 5), [false])
        ended.open()
        try await group.waitForAll()
      }
      try await pool.expect(Has(id: 6), [false])
    }
  }

  @Test("a cancelled transaction is rolled back")
  func cancelled() async throws {
    try await withSteps(connections: 1) { pool in
      let started = Gate()
      let task = Task {
        try await pool.transaction { transaction in
          _ = try await transaction.run(Add(id: 7))
          started.open()
          _ = try await transaction.run(Sleep(milliseconds: 100))
        }
      }
      await started.wait()
      task.cancel()
      await #expect(throws: (any Error).self) { try await task.value }
      try await pool.expect(Has(id: 7), [false])
    }
  }
}
