import Query
import Testing

@testable import Postgres

private struct InsertChild: Statement {
  static let sql: SQL = "INSERT INTO children (id, parent, age) VALUES ($1, $2, $3)"
  typealias Output = Void
  let id: Int
  var parent: Int?
  var age = 1
  func bind(to binder: inout Binder) {
    binder.bind(id)
    binder.bind(parent)
    binder.bind(age)
  }
}

private struct CountChildren: Statement {
  static let sql: SQL = "SELECT count(*) FROM children"
  static func decode(_ row: inout Row) throws(DecodingFault) -> Int { try row.next() }
}

private struct InsertDeferred: Statement {
  static let sql: SQL = "INSERT INTO deferred (parent) VALUES ($1)"
  typealias Output = Void
  let parent: Int
  func bind(to binder: inout Binder) { binder.bind(parent) }
}

private struct ParseUUID: Statement {
  static let sql: SQL = "SELECT $1::text::uuid::text"
  let text: String
  func bind(to binder: inout Binder) { binder.bind(text) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> String { try row.next() }
}

private struct Misread: Statement {
  static let sql: SQL = "SELECT 'secret'::text"
  static func decode(_ row: inout Row) throws(DecodingFault) -> Bool { try row.next() }
}

private struct TooMany: Statement {
  static let sql: SQL = "SELECT 1"
  typealias Output = Void
  func bind(to binder: inout Binder) { for number in 0..<65536 { binder.bind(number) } }
}

private struct ReadAll: Statement {
  static let sql: SQL = "SELECT * FROM altered"
  static func decode(_ row: inout Row) throws(DecodingFault) -> Int { try row.next() }
}

private struct DeallocateAll: Statement {
  static let sql: SQL = "DEALLOCATE ALL"
  typealias Output = Void
}

private struct Denied: Statement {
  static let sql: SQL = "SELECT pg_read_file('/etc/hostname')"
  typealias Output = Void
}

/// What the server refuses, and what that makes of the connection.
@Suite(.cluster, .timeLimit(.minutes(3)))
struct ErrorTests {
  @Test("constraints are told by name, those checked at the commit too")
  func constraints() async throws {
    try await withPool(connections: 1) { pool in
      try await pool.script(
        """
        CREATE TABLE parents (id bigint PRIMARY KEY);
        CREATE TABLE children (
          id bigint CONSTRAINT children_pkey PRIMARY KEY,
          parent bigint CONSTRAINT children_parent_fkey REFERENCES parents,
          age bigint CONSTRAINT children_age_check CHECK (age > 0));
        CREATE TABLE deferred (
          parent bigint CONSTRAINT deferred_parent_fkey REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
        """)
      _ = try await pool.run(InsertChild(id: 1))
      let backend = try await pool.run(BackendID())
      #expect(await pool.failure(InsertChild(id: 1)) == .unique(constraint: "children_pkey"))
      #expect(await pool.failure(InsertChild(id: 2, parent: 5)) == .foreignKey(constraint: "children_parent_fkey"))
      #expect(await pool.failure(InsertChild(id: 2, age: 0)) == .check(constraint: "children_age_check"))
      #expect(await pool.failure(InsertDeferred(parent: 5)) == .foreignKey(constraint: "deferred_parent_fkey"))
      let error = await pool.failure(InsertChild(id: 2), InsertDeferred(parent: 5), Echo(1))
      #expect(error == .foreignKey(constraint: "deferred_parent_fkey"))
      try await pool.expect(CountChildren(), [1])
      try await pool.expect(BackendID(), backend)
    }
  }

  @Test("commits that fail do not confuse the answers of the batches around them")
  func deferredInPipeline() async throws {
    try await withPool(connections: 1) { pool in
      try await pool.script(
        """
        CREATE TABLE IF NOT EXISTS others (id bigint PRIMARY KEY);
        DROP TABLE IF EXISTS deferred2;
        CREATE TABLE deferred2 (parent bigint CONSTRAINT d2 REFERENCES others DEFERRABLE INITIALLY DEFERRED)
        """)
      struct Insert: Statement {
        static let sql: SQL = "INSERT INTO deferred2 (parent) VALUES (1)"
        typealias Output = Void
      }
      await withTaskGroup { group in
        for number in 0..<40 {
          group.addTask { #expect(await pool.failure(Insert()) == .foreignKey(constraint: "d2")) }
          group.addTask { #expect(await pool.echoes(number)) }
        }
      }
    }
  }

  @Test("no error quotes a parameter or a column")
  func silent() async throws {
    try await withPool { pool in
      let error = try #require(await pool.failure(ParseUUID(text: "hunter2")))
      #expect(error.sqlstate == "22P02")
      #expect(!"\(error)".contains("hunter2"))
      let misread = try #require(await pool.failure(Misread()))
      #expect("\(misread)".contains("column 0 is not a Bool"))
      #expect(!"\(misread)".contains("secret"))
      try await pool.expect(Echo(1), [1])
    }
  }

  @Test("more parameters than the protocol can count are refused before they are sent")
  func tooMany() async throws {
    try await withPool(connections: 1) { pool in
      let backend = try await pool.run(BackendID())
      #expect(await pool.failure(TooMany(), repeatable: true)?.sqlstate == "54023")
      try await pool.expect(BackendID(), backend)
    }
  }

  @Test("a missing privilege is .denied")
  func denied() async throws {
    try await withPool { try await $0.script("CREATE ROLE nobody_special LOGIN") }
    let uri = try cluster.uri.replacing("postgres@", with: "nobody_special@")
    try await withPool(uri: uri) { #expect(await $0.failure(Denied()) == .denied) }
  }

  @Test("a table that was altered under a prepared statement is read without the caller noticing")
  func stalePlan() async throws {
    try await withPool(connections: 1) { pool in
      try await pool.script("CREATE TABLE altered (id bigint); INSERT INTO altered VALUES (4)")
      try await pool.expect(ReadAll(), [4])
      let backend = try await pool.run(BackendID())
      try await pool.script("ALTER TABLE altered ADD COLUMN other text")
      try await withThrowingTaskGroup { group in
        for _ in 0..<20 { group.addTask { try await pool.expect(ReadAll(), [4]) } }
        for number in 0..<20 { group.addTask { try await pool.expect(Echo(number), [number]) } }
        try await group.waitForAll()
      }
      try await pool.expect(BackendID(), backend)
    }
  }

  @Test("prepared statements that somebody deallocated are prepared again")
  func deallocated() async throws {
    try await withPool(connections: 1) { pool in
      let backend = try await pool.run(BackendID())
      _ = try await pool.run(DeallocateAll())
      try await withThrowingTaskGroup { group in
        for number in 0..<20 { group.addTask { try await pool.expect(Echo(number), [number]) } }
        try await group.waitForAll()
      }
      try await pool.expect(BackendID(), backend)
    }
  }

  @Test("a connection that may not write is replaced")
  func readOnly() async throws {
    try await withPool { try await $0.script("CREATE TABLE written (id bigint)") }
    struct Write: Statement {
      static let sql: SQL = "INSERT INTO written VALUES (1)"
      typealias Output = Void
    }
    let uri = try cluster.uri + "?options=-c%20default_transaction_read_only%3Don"
    try await withPool(uri: uri, connections: 1) { pool in
      let backend = try await pool.run(BackendID())
      #expect(await pool.failure(Write())?.sqlstate == "25006")
      #expect(try await pool.run(BackendID()) != backend)
      // Repeatable: again and again until the deadline, never on the same connection.
      #expect(await pool.failure(Write(), deadline: .milliseconds(500), repeatable: true) != nil)
    }
  }

  @Test("of two repeatable batches that wait for each other both succeed, unrepeatable ones are told")
  func deadlock() async throws {
    struct Touch: Statement {
      static let sql: SQL = "UPDATE duel SET n = n + 1 WHERE id = $1"
      typealias Output = Void
      let id: Int
      func bind(to binder: inout Binder) { binder.bind(id) }
    }
    try await withPool(connections: 2) { pool in
      try await pool.script(
        "CREATE TABLE duel (id bigint PRIMARY KEY, n bigint); INSERT INTO duel VALUES (1, 0), (2, 0)")
      @Sendable func touch(_ first: Int, _ second: Int, repeatable: Bool) async -> DatabaseError? {
        await pool.failure(Touch(id: first), Sleep(milliseconds: 150), Touch(id: second), repeatable: repeatable)
      }
      @Sendable func duel(repeatable: Bool) async -> [DatabaseError?] {
        await withTaskGroup { group in
          group.addTask { await touch(1, 2, repeatable: repeatable) }
          group.addTask { await touch(2, 1, repeatable: repeatable) }
          return await group.reduce(into: []) { $0.append($1) }
        }
      }
      #expect(await duel(repeatable: true) == [nil, nil])
      let told = await duel(repeatable: false).compactMap(\.self)
      #expect(told.map(\.sqlstate) == ["40P01"])
    }
  }
}
