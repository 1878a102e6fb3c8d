import Collections

/// What a connection in pipeline mode still owes, in the order it was sent (libpq chapter 34.5).
///
/// Pure: it is told what was sent and what arrived, and says what that means. Each statement yields a result and then an end;
/// a sync yields itself alone. After a failure the rest of the batch arrives as aborted until its sync.
struct PipelineState<Batch> {
  /// What arrived.
  enum Arrival {
    /// A result without error.
    case success
    /// An error, with its SQLSTATE (empty when the connection died).
    case failure
    /// Skipped because of an earlier failure of the batch.
    case aborted
    /// The end of one statement's results.
    case end
    /// A sync.
    case sync
  }

  /// What to do with what arrived.
  enum Action {
    /// The result belongs to statement `index` of the batch.
    case rows(Batch, index: Int)
    /// The statement is prepared.
    case prepared(Batch, name: Int)
    /// The batch failed before its commit: nothing of it took effect.
    case failed(Batch, preparing: Int?)
    /// The batch is over: committed, unless it failed before.
    case finished(Batch)
    /// The commit itself failed.
    case commitFailed(Batch)
    /// Nothing.
    case none
    /// The server answers something else than was asked: the connection is of no use any more.
    case lost
  }

  private enum Step {
    case prepare(Int)
    case statement(Int)
    case sync
  }

  private var steps: Deque<(batch: Batch, step: Step)> = []
  /// Batches whose sync has not arrived.
  private(set) var batches: Deque<Batch> = []

  /// Notes a batch: the names it prepares, each before the statement that needs it, its statements, and a sync.
  mutating func sent(_ batch: Batch, statements: [(prepare: Int?, index: Int)]) {
    for statement in statements {
      if let name = statement.prepare { steps.append((batch, .prepare(name))) }
      steps.append((batch, .statement(statement.index)))
    }
    steps.append((batch, .sync))
    batches.append(batch)
  }

  /// True while something is owed.
  var isExpecting: Bool { !steps.isEmpty }

  /// Takes what arrived.
  mutating func receive(_ arrival: Arrival) -> Action {
    guard let (batch, step) = steps.first else { return arrival == .end ? .none : .lost }
    switch (arrival, step) {
    case (.end, .sync): return .none
    case (.end, _):
      steps.removeFirst()
      return .none
    case (.sync, .sync):
      steps.removeFirst()
      batches.removeFirst()
      return .finished(batch)
    case (.failure, .sync): return .commitFailed(batch)
    case (.failure, .prepare(let name)): return .failed(batch, preparing: name)
    case (.failure, .statement): return .failed(batch, preparing: nil)
    case (.aborted, .prepare(let name)): return .failed(batch, preparing: name)
    case (.aborted, _): return .none
    case (.success, .prepare(let name)): return .prepared(batch, name: name)
    case (.success, .statement(let index)): return .rows(batch, index: index)
    case (.success, .sync), (.sync, _): return .lost
    }
  }

  /// True while the oldest batch still has statements to answer, so that it cannot have been committed.
  var oldestIsBeforeCommit: Bool {
    guard let (_, step) = steps.first else { return false }
    if case .sync = step { return false }
    return true
  }
}
