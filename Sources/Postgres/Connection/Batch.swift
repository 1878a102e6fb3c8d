import Query
import Synchronization

/// The statements of one transaction and the caller who waits for them.
///
/// Built by the caller, then owned by the loop's thread until `finish`, which hands it back.
final class Batch: @unchecked Sendable {
  // Unchecked: passed from the caller's task to the loop thread and back; never used by both at once.

  let slots: [any Slot]
  let deadline: ContinuousClock.Instant
  let isRepeatable: Bool
  var attempts = 0
  /// The first error of the current attempt.
  var error: DatabaseError?
  /// Waiting for the outcome; `nil` once told.
  private var waiter: UnsafeContinuation<DatabaseError?, Never>?

  init(_ slots: [any Slot], deadline: ContinuousClock.Instant, isRepeatable: Bool) {
    self.slots = slots
    self.deadline = deadline
    self.isRepeatable = isRepeatable
  }

  var isFinished: Bool { waiter == nil }

  func wait(_ waiter: UnsafeContinuation<DatabaseError?, Never>) {
    self.waiter = waiter
  }

  /// Tells the caller, once.
  func finish(_ error: DatabaseError?) {
    guard let waiter else { return }
    self.waiter = nil
    waiter.resume(returning: error)
  }

  /// Makes the batch as good as new for another attempt.
  func reset() {
    error = nil
    for slot in slots { slot.reset() }
  }
}

/// One statement of a batch and the rows it yielded.
protocol Slot: AnyObject {
  /// The number of the statement's type, the same in the whole process.
  var name: Int { get }
  var sql: SQL { get }
  var binder: Binder { get }
  func decode(_ row: inout Row) throws(DecodingFault)
  func reset()
}

/// A slot of statements of type `S`.
final class StatementSlot<S: Statement>: Slot {
  let name: Int
  let binder: Binder
  private(set) var rows: [S.Output] = []

  init(_ statement: S) {
    name = StatementNames.number(of: S.self)
    var binder = Binder()
    statement.bind(to: &binder)
    self.binder = binder
  }

  var sql: SQL { S.sql }

  func decode(_ row: inout Row) throws(DecodingFault) {
    rows.append(try S.decode(&row))
  }

  func reset() { rows.removeAll() }
}

/// Numbers the statement types of the process; a prepared statement is called `q` and the number.
enum StatementNames {
  private static let numbers = Mutex<[ObjectIdentifier: Int]>([:])

  static func number(of type: Any.Type) -> Int {
    numbers.withLock { numbers in
      if let number = numbers[ObjectIdentifier(type)] { return number }
      let number = numbers.count + 1
      numbers[ObjectIdentifier(type)] = number
      return number
    }
  }
}
