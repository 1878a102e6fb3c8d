import Query
import Synchronization

/// A transaction under way on a connection of its own; get one from `PostgresPool.transaction`.
public final class PostgresTransaction: Sendable {
  private struct State {
    var hasBegun = false
    var failure: DatabaseError?
  }

  private let pool: PostgresPool
  let lease: Lease
  private let state = Mutex(State())

  init(pool: PostgresPool, lease: Lease) {
    self.pool = pool
    self.lease = lease
  }

  /// Runs statements in the transaction, in one round trip; the first brings BEGIN along.
  ///
  /// - Returns: all rows of each statement.
  /// - Throws: `DatabaseError`. The transaction is of no use after that and will be rolled back.
  public func run<each S: Statement>(
    _ statement: repeat each S
  ) async throws(DatabaseError) -> (repeat [(each S).Output]) {
    let slots = (repeat StatementSlot(each statement))
    var list: [any Slot] = []
    let mustBegin = state.withLock { state in
      defer { state.hasBegun = true }
      return !state.hasBegun
    }
    if mustBegin { list.append(StatementSlot(Begin())) }
    repeat list.append(each slots)
    do throws(DatabaseError) {
      try await pool.perform(Batch(list, deadline: lease.deadline, isRepeatable: false, lease: lease))
    } catch {
      // Whatever was executed, its COMMIT was not even sent.
      let known = error == .unknownOutcome ? .unavailable(reason: "the connection was lost before the commit") : error
      state.withLock { $0.failure = $0.failure ?? known }
      throw known
    }
    return (repeat (each slots).rows)
  }

  /// Commits, unless a statement failed.
  func commit() async throws(DatabaseError) {
    let (hasBegun, failure) = state.withLock { ($0.hasBegun, $0.failure) }
    // COMMIT of a failed transaction succeeds and rolls back: the caller must not take it for a commit.
    if let failure { throw failure }
    guard hasBegun else { return }
    let batch = Batch([StatementSlot(Commit())], deadline: lease.deadline, isRepeatable: false, lease: lease)
    try await pool.perform(batch)
  }

  /// Rolls back, whatever became of the task.
  ///
  /// - Returns: true when the connection is as it was before.
  func rollback() async -> Bool {
    guard state.withLock({ $0.hasBegun }) else { return true }
    let batch = Batch([StatementSlot(Rollback())], deadline: .now + .seconds(1), isRepeatable: false, lease: lease)
    return await pool.untilTold(batch) == nil
  }
}

private struct Begin: Statement {
  static let sql: SQL = "BEGIN"
  typealias Output = Void
}

private struct Commit: Statement {
  static let sql: SQL = "COMMIT"
  typealias Output = Void
}

private struct Rollback: Statement {
  static let sql: SQL = "ROLLBACK"
  typealias Output = Void
}
