import EventLoop
import Foundation
import Query
import Testing

@testable import Postgres

/// What a real server says when it cannot or will not, and what becomes of the batch and its connection.
@Suite(.cluster) struct ServerStateTests {
  /// Fails with a serialisation failure until it was called three times.
  private struct Conflicting: Statement {
    static let sql: SQL = "SELECT conflicting()"
    static func decode(_ row: inout Row) throws(DecodingFault) -> Int { try row.next() }
  }

  private struct Lock: Statement {
    static let sql: SQL = "SELECT id FROM locked FOR UPDATE NOWAIT"
    static func decode(_ row: inout Row) throws(DecodingFault) -> Int { try row.next() }
  }

  private struct Write: Statement {
    static let sql: SQL = "INSERT INTO kept VALUES ($1) RETURNING n"
    let number: Int
    func bind(to binder: inout Binder) { binder.bind(number) }
    static func decode(_ row: inout Row) throws(DecodingFault) -> Int { try row.next() }
  }

  private struct Count: Statement {
    static let sql: SQL = "SELECT count(*) FROM kept"
    static func decode(_ row: inout Row) throws(DecodingFault) -> Int { try row.next() }
  }

  @Test("a repeatable batch that meets a conflict is sent again (40001), another one is told")
  func conflict() async throws {
    try await withPool { pool in
      try await pool.script(
        """
        CREATE SEQUENCE tries;
        CREATE FUNCTION conflicting() RETURNS bigint LANGUAGE plpgsql AS $$
          BEGIN
            IF nextval('tries') % 3 <> 0 THEN RAISE 'conflict' USING ERRCODE = 'serialization_failure'; END IF;
            RETURN currval('tries');
          END $$
        """)
      #expect(try await pool.run(Conflicting(), repeatable: true) == [3])
      let told = await pool.failure(Conflicting())
      #expect(told?.sqlstate == "40001")
      #expect(told?.isTransient == true)
    }
  }

  @Test("a statement that the server cuts short is told so (57014), and the connection goes on")
  func cutShort() async throws {
    let uri = try cluster.uri + "?options=-c%20statement_timeout%3D100"
    try await withPool(uri: uri, connections: 1) { pool in
      let backend = try await pool.run(BackendID())
      let told = await pool.failure(Sleep(milliseconds: 5000))
      #expect(told?.sqlstate == "57014")
      #expect(told?.isTransient == true)
      try await pool.expect(Echo(7), [7])
      #expect(try await pool.run(BackendID()) == backend)
    }
  }

  @Test("a lock that somebody holds is told (55P03), and is had when it is free")
  func locked() async throws {
    try await withPool(connections: 2) { pool in
      try await pool.script("CREATE TABLE locked (id bigint); INSERT INTO locked VALUES (1)")
      try await pool.transaction { transaction in
        try await transaction.expect(Lock(), [1])
        let told = await pool.failure(Lock())
        #expect(told?.sqlstate == "55P03")
        #expect(told?.isTransient == true)
      }
      try await pool.expect(Lock(), [1])
    }
  }

  @Test("a transaction that stays idle too long loses its connection (25P03), and the pool replaces it")
  func idle() async throws {
    let uri = try cluster.uri + "?options=-c%20idle_in_transaction_session_timeout%3D100"
    try await withPool(uri: uri, connections: 2) { pool in
      await #expect(throws: (any Error).self) {
        try await pool.transaction { transaction in
          try await transaction.expect(Echo(1), [1])
          try await pool.expect(Sleep(milliseconds: 400), [1])
          try await transaction.expect(Echo(2), [2])
        }
      }
      for number in 1...20 { try await pool.expect(Echo(number), [number]) }
    }
  }

  @Test("a server that has no room for all connections (53300) is used through those it gives")
  func noRoom() async throws {
    try await withPool { try await $0.script("CREATE ROLE narrow LOGIN CONNECTION LIMIT 1") }
    let uri = try "postgresql://narrow@127.0.0.1:\(cluster.port)/postgres"
    try await withPool(uri: uri, connections: 4) { pool in
      let answers = try await withThrowingTaskGroup(of: [Int].self) { group in
        for number in 0..<100 { group.addTask { try await pool.run(Echo(number), repeatable: true) } }
        return try await group.reduce(into: [Int]()) { $0 += $1 }
      }
      #expect(answers.sorted() == Array(0..<100))
    }
  }

  @Test("when a standby is promoted, writes go on there and nothing acknowledged is lost")
  func promotion() async throws {
    let primary = try await PrivateCluster.start()
    let standby: PrivateCluster
    do {
      standby = try await primary.standby()
    } catch {
      try await primary.remove()
      throw error
    }
    let hosts = "127.0.0.1:\(standby.port),127.0.0.1:\(primary.port)"
    do {
      try await withPool(uri: "postgresql://postgres@\(hosts)/postgres?target_session_attrs=read-write") { pool in
        try await pool.script("CREATE TABLE kept (n bigint)")
        for number in 1...10 { try await pool.expect(Write(number: number), [number]) }
        try await withPool(uri: standby.uri) { reader in
          try await reader.until { (try? await reader.run(Count())) == [10] }
        }
        try await primary.stop(.immediate)
        #expect(await pool.failure(Write(number: 0), deadline: .milliseconds(300)) != nil)
        try await standby.promote()
        try await pool.until {
          await pool.failure(Write(number: 11), deadline: .seconds(2)) == nil
        }
        #expect(try await pool.run(Count())[0] >= 11)
      }
    } catch {
      try await standby.remove()
      try await primary.remove()
      throw error
    }
    try await standby.remove()
    try await primary.remove()
  }
}
