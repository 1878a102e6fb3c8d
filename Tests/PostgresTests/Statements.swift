import FoundationEssentials
import Query

/// What it was given.
struct Echo: Statement {
  static let sql: SQL = "SELECT $1"
  let number: Int
  init(_ number: Int) { self.number = number }
  func bind(to binder: inout Binder) { binder.bind(number) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> Int { try row.next() }
}

/// The numbers from 1.
struct Series: Statement {
  static let sql: SQL = "SELECT n::bigint FROM generate_series(1, $1) n"
  let count: Int
  func bind(to binder: inout Binder) { binder.bind(count) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> Int { try row.next() }
}

/// Waits in the server.
struct Sleep: Statement {
  static let sql: SQL = "SELECT 1::bigint FROM pg_sleep($1 / 1000.0)"
  let milliseconds: Int
  func bind(to binder: inout Binder) { binder.bind(milliseconds) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> Int { try row.next() }
}

/// The server's process of the connection.
struct BackendID: Statement {
  static let sql: SQL = "SELECT pg_backend_pid()"
  static func decode(_ row: inout Row) throws(DecodingFault) -> Int { try row.next() }
}

/// Connections of a name that are open.
struct CountConnections: Statement {
  static let sql: SQL = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1"
  let name: String
  func bind(to binder: inout Binder) { binder.bind(name) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> Int { try row.next() }
}

/// Statements of a name that wait for a lock.
struct CountBlocked: Statement {
  static let sql: SQL = """
    SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'
    """
  let name: String
  func bind(to binder: inout Binder) { binder.bind(name) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> Int { try row.next() }
}

/// Ends the connections of a name.
struct Terminate: Statement {
  static let sql: SQL = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND pid <> pg_backend_pid()
    """
  let name: String
  func bind(to binder: inout Binder) { binder.bind(name) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> Bool { try row.next() }
}

/// Takes the lock of a number for the transaction, waiting for it.
struct TakeLock: Statement {
  static let sql: SQL = "SELECT $1 FROM pg_advisory_xact_lock($1)"
  let number: Int
  func bind(to binder: inout Binder) { binder.bind(number) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> Int { try row.next() }
}

/// Waits for the lock that `holder` has, then says what it was given.
struct PassLock: Statement {
  static let sql: SQL = "SELECT $2 FROM pg_advisory_xact_lock_shared($1)"
  let lock: Int
  let number: Int
  func bind(to binder: inout Binder) {
    binder.bind(lock)
    binder.bind(number)
  }
  static func decode(_ row: inout Row) throws(DecodingFault) -> Int { try row.next() }
}

/// A statement the server cannot prepare.
struct Nonsense: Statement {
  static let sql: SQL = "SELECT nothing FROM nowhere"
  typealias Output = Void
}
