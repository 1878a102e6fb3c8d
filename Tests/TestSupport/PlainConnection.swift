import CLibpq
import Foundation

/// A plain libpq connection for what the pool is not made for: several statements as text, databases, another role.
///
/// Blocks the thread it is used on, so it is used on one of its own.
final class PlainConnection {
  private let handle: OpaquePointer

  private init(uri: String) throws {
    guard let handle = PQconnectdb(uri) else { throw TestDatabase.Failure(description: "libpq is out of memory") }
    self.handle = handle
    guard PQstatus(handle) == CONNECTION_OK else {
      throw TestDatabase.Failure(description: "no test database: \(String(cString: PQerrorMessage(handle)))")
    }
    PQsetNoticeReceiver(handle, { _, _ in }, nil)
  }

  deinit { PQfinish(handle) }

  /// Connects on a thread of its own, runs `body` there and closes.
  @discardableResult
  static func run<Value: Sendable>(
    _ uri: String, _ body: @escaping @Sendable (PlainConnection) throws -> Value
  ) async throws -> Value {
    try await withCheckedThrowingContinuation { done in
      Thread {
        done.resume(with: Result { try body(PlainConnection(uri: uri)) })
      }.start()
    }
  }

  /// Runs one or more statements and gives back the rows of the last, `nil` for NULL.
  /// - Throws: `TestDatabase.Failure` with the server's message.
  @discardableResult
  func execute(_ sql: String) throws -> [[String?]] {
    let result = PQexec(handle, sql)
    defer { PQclear(result) }
    guard [PGRES_COMMAND_OK, PGRES_TUPLES_OK].contains(PQresultStatus(result)) else {
      throw TestDatabase.Failure(description: String(cString: PQerrorMessage(handle)))
    }
    return (0..<PQntuples(result)).map { row in
      (0..<PQnfields(result)).map { column in
        PQgetisnull(result, row, column) == 1 ? nil : String(cString: PQgetvalue(result, row, column))
      }
    }
  }
}
