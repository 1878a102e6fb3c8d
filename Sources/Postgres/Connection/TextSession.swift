import CLibpq
import EventLoop
import Glibc
import Query

/// A connection of one user that runs SQL text, one call after the other: scripts, migrations, LISTEN.
final class TextSession: @unchecked Sendable {
  // Unchecked: everything belongs to the loop's thread; `query` hops to it.

  /// The rows of the last statement as text, `nil` for NULL.
  typealias Rows = [[String?]]

  private struct Call {
    var rows: Rows = []
    var error: DatabaseError?
    let done: (Result<Rows, DatabaseError>) -> Void
  }

  private let handle: OpaquePointer
  private let descriptor: Int32
  let loop: EventLoop
  private var call: Call?
  private var isOpen = true
  /// A notification's payload arrived.
  var onNotification: ((String) -> Void)?
  /// The connection was lost or closed.
  var onClose: (() -> Void)?

  /// Takes over a connected handle.
  ///
  /// Loop thread only.
  init(handle: OpaquePointer, loop: EventLoop) {
    self.handle = handle
    self.loop = loop
    descriptor = PQsocket(handle)
    PQsetnonblocking(handle, 1)
    loop.watch(descriptor, for: .read) { [self] ready in becameReady(ready) }
  }

  /// Sends text, several statements unless there are parameters; `done` is called once.
  ///
  /// Loop thread only.
  func send(_ text: String, _ parameters: [String] = [], done: @escaping (Result<Rows, DatabaseError>) -> Void) {
    guard isOpen, call == nil else {
      return done(.failure(.unavailable(reason: "the connection to the database was lost")))
    }
    call = Call(done: done)
    let isSent: Int32
    if parameters.isEmpty {
      isSent = PQsendQuery(handle, text)
    } else {
      let values = parameters.map { strdup($0) }
      defer { for value in values { free(value) } }
      isSent = PQsendQueryParams(handle, text, Int32(values.count), nil, values.map { UnsafePointer($0) }, nil, nil, 0)
    }
    guard isSent == 1 else { return close() }
    flush()
  }

  /// True inside BEGIN … COMMIT.
  ///
  /// Loop thread only, between calls.
  var isInTransaction: Bool { isOpen && PQtransactionStatus(handle) == PQTRANS_INTRANS }

  /// Ends the connection; a call under way learns that its outcome is unknown.
  ///
  /// Loop thread only.
  func close() {
    guard isOpen else { return }
    isOpen = false
    loop.unwatch(descriptor)
    PQfinish(handle)
    if let call = call.take() { call.done(.failure(call.error ?? .unknownOutcome)) }
    let onClose = onClose.take()
    onNotification = nil
    onClose?()
  }

  private func flush() {
    switch PQflush(handle) {
    case 0: loop.update(descriptor, to: .read)
    case 1: loop.update(descriptor, to: [.read, .write])
    default: close()
    }
  }

  private func becameReady(_ ready: EventLoop.Interest) {
    if ready.contains(.write) { flush() }
    guard isOpen, ready.contains(.read) else { return }
    drain()
    guard isOpen else { return }
    let isAlive = PQconsumeInput(handle) == 1
    drain()
    if isOpen, !isAlive || PQstatus(handle) == CONNECTION_BAD { close() }
  }

  private func drain() {
    while isOpen, PQisBusy(handle) == 0, call != nil {
      guard let result = PQgetResult(handle) else {
        if let call = call.take() { call.done(call.error.map { .failure($0) } ?? .success(call.rows)) }
        break
      }
      take(result)
      PQclear(result)
    }
    while isOpen, let notification = PQnotifies(handle) {
      onNotification?(String(cString: notification.pointee.extra))
      PQfreemem(notification)
    }
  }

  private func take(_ result: OpaquePointer) {
    switch PQresultStatus(result) {
    case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: call?.rows = []
    case PGRES_TUPLES_OK: call?.rows = Self.rows(of: result)
    case PGRES_FATAL_ERROR:
      let report = ServerReport(result)
      // Without SQLSTATE it is libpq's own word that the connection is gone.
      if !report.sqlstate.isEmpty, call?.error == nil { call?.error = report.outspokenError }
    default:
      call?.error = .server(sqlstate: "0A000", message: "COPY from the client is not supported")
      close()
    }
  }

  private static func rows(of result: OpaquePointer) -> Rows {
    (0..<PQntuples(result)).map { row in
      (0..<PQnfields(result)).map { column in
        PQgetisnull(result, row, column) == 1 ? nil : String(cString: PQgetvalue(result, row, column))
      }
    }
  }
}
