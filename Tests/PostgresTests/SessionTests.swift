import Query
import Testing

@testable import Postgres

private struct Notify: Statement {
  static let sql: SQL = "SELECT pg_notify($1, $2)"
  typealias Output = Void
  let channel: String
  let payload: String
  func bind(to binder: inout Binder) {
    binder.bind(channel)
    binder.bind(payload)
  }
}

/// Scripts and notifications.
@Suite(.cluster, .timeLimit(.minutes(3)))
struct SessionTests {
  @Test("a script runs all its statements or none, and says what was wrong")
  func script() async throws {
    struct Exists: Statement {
      static let sql: SQL = "SELECT to_regclass('scripted') IS NOT NULL"
      static func decode(_ row: inout Row) throws(DecodingFault) -> Bool { try row.next() }
    }
    try await withPool { pool in
      await #expect(throws: DatabaseError.server(sqlstate: "42P01", message: "relation \"absent\" does not exist")) {
        try await pool.script("CREATE TABLE scripted (id bigint); SELECT * FROM absent")
      }
      try await pool.expect(Exists(), [false])
      try await pool.script(
        "CREATE TABLE scripted (id bigint); INSERT INTO scripted VALUES (1); SELECT * FROM scripted")
      try await pool.expect(Exists(), [true])
      try await pool.script("")
      await #expect(throws: DatabaseError.self) { try await pool.script("COPY scripted FROM STDIN") }
    }
  }

  @Test("a script without a server is unavailable")
  func scriptDown() async throws {
    let port = try PrivateCluster.freePort()
    try await withPool(uri: cluster.uri(host: "127.0.0.1", port: port)) { pool in
      await #expect { try await pool.script("SELECT 1") } throws: { error in
        guard case .unavailable? = error as? DatabaseError else { return false }
        return true
      }
    }
  }

  @Test("notifications arrive in order, and a loss of the connection is told", arguments: ["plain", "with \"quotes\""])
  func notifications(channel: String) async throws {
    try await withPool(name: "listener \(channel.count)") { pool in
      var stream = pool.notifications(channel).makeAsyncIterator()
      #expect(await stream.next() == .listening)
      for number in 0..<5 { _ = try await pool.run(Notify(channel: channel, payload: "\(number)")) }
      _ = try await pool.run(Notify(channel: "other", payload: "x"))
      for number in 0..<5 { #expect(await stream.next() == .payload("\(number)")) }
      try await withPool(name: "killer", connections: 1) { killer in
        _ = try await killer.run(Terminate(name: "listener \(channel.count)"))
      }
      #expect(await stream.next() == .reconnected)
      _ = try await pool.run(Notify(channel: channel, payload: "again"), repeatable: true)
      #expect(await stream.next() == .payload("again"))
      await pool.shutdown()
      #expect(await stream.next() == nil)
    }
  }

  @Test("a stream nobody reads any more closes its connection")
  func dropped() async throws {
    try await withPool(connections: 1) { pool in
      try await withPool(name: "listens", connections: 1) { listening in
        do {
          var stream = listening.notifications("c").makeAsyncIterator()
          #expect(await stream.next() == .listening)
          try await pool.expect(CountConnections(name: "listens"), [2])
        }
        try await pool.until { try await pool.run(CountConnections(name: "listens")) == [1] }
      }
    }
  }

  @Test("a reader that is too slow is told that it missed something")
  func slowReader() async throws {
    struct NotifyMany: Statement {
      static let sql: SQL = "SELECT count(pg_notify('flood', n::text)) FROM generate_series(1, 6000) n"
      static func decode(_ row: inout Row) throws(DecodingFault) -> Int { try row.next() }
    }
    try await withPool { pool in
      var stream = pool.notifications("flood").makeAsyncIterator()
      #expect(await stream.next() == .listening)
      try await pool.expect(NotifyMany(), [6000])
      _ = try await pool.run(Sleep(milliseconds: 300))
      for number in 1...4096 { #expect(await stream.next() == .payload("\(number)")) }
      #expect(await stream.next() == .reconnected)
    }
  }
}
