import Collections

/// What a connection in pipeline mode still owes, in the order it was sent (libpq chapter 34.5).
///
/// Pure: it is told what was sent and what arrived, and says what that means. Each statement yields a result and then an end;
/// a sync yields itself alone. After a failure the rest of the batch arrives as aborted until its sync.
///
/// ```
/// sent:     prepare… statement… sync
/// arrives:  (success end)… (success end)… sync             committed
///           … failure end (aborted end)… sync              rolled back
///           … (success end)… failure [end] sync            rolled back by the commit itself
///           … nothing any more                             see `Connection.close`
/// ```
struct PipelineState<Batch> {
  /// What arrived.
  enum Arrival: Equatable {
    /// A result without error.
    case success
    /// An error.
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
    /// Nothing.
    case none
    /// The result belongs to statement `index` of the batch.
    case rows(Batch, index: Int)
    /// A statement failed: nothing of the batch took effect.
    case failed(Batch, name: StatementName)
    /// Preparing failed, or was skipped: the server does not know the name.
    case notPrepared(Batch, name: StatementName, isCause: Bool)
    /// The commit itself failed.
    case commitFailed(Batch)
    /// The batch is over: committed, unless it failed before.
    case finished(Batch)
    /// The server answers something else than was asked: the connection is of no use any more.
    case lost
  }

  private enum Step {
    case prepare(StatementName)
    case statement(Int, StatementName)
    case sync
  }

  private var steps: Deque<(batch: Batch, step: Step)> = []
  private var hasEndBeforeSync = false
  /// Batches whose sync has not arrived.
  private(set) var batches: Deque<Batch> = []

  /// Notes a batch: the names it prepares, its statements, and a sync.
  ///
  /// All preparing comes first, so that a statement that fails (a taken key) does not abort the preparing of the next.
  mutating func sent(_ batch: Batch, preparing: [StatementName], statements: [StatementName]) {
    for name in preparing { steps.append((batch, .prepare(name))) }
    for (index, name) in statements.enumerated() { steps.append((batch, .statement(index, name))) }
    steps.append((batch, .sync))
    batches.append(batch)
  }

  /// True while something is owed.
  var isExpecting: Bool { !steps.isEmpty }

  /// Takes what arrived.
  mutating func receive(_ arrival: Arrival) -> Action {
    guard let (batch, step) = steps.first else { return arrival == .end ? .none : .lost }
    switch (arrival, step) {
    case (.end, .sync):
      // One may follow a failed commit; libpq that has nothing more to say would repeat it for ever.
      defer { hasEndBeforeSync = true }
      return hasEndBeforeSync ? .lost : .none
    case (.end, _):
      steps.removeFirst()
      return .none
    case (.sync, .sync):
      steps.removeFirst()
      batches.removeFirst()
      hasEndBeforeSync = false
      return .finished(batch)
    case (.failure, .sync): return .commitFailed(batch)
    case (.failure, .prepare(let name)): return .notPrepared(batch, name: name, isCause: true)
    case (.failure, .statement(_, let name)): return .failed(batch, name: name)
    case (.aborted, .prepare(let name)): return .notPrepared(batch, name: name, isCause: false)
    case (.aborted, _), (.success, .prepare): return .none
    case (.success, .statement(let index, _)): return .rows(batch, index: index)
    case (.success, .sync), (.sync, _): return .lost
    }
  }
}
