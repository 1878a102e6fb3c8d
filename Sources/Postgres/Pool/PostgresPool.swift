import EventLoop
import Logging
import Query

/// Connections to PostgreSQL, shared by pipelining: many batches are in flight on each at the same time.
///
/// One batch is one implicit transaction and one round trip: its statements, prepared once per connection, then a sync (libpq
/// chapter 34.5). Nothing here blocks a thread of Swift's pool. It knows nothing of tenants. Shut the pool down before its loop.
public final class PostgresPool: Sendable {
  let configuration: PostgresConfiguration
  let core: PoolCore
  let loop: EventLoop

  /// A pool that opens its connections at once and keeps opening lost ones, with a back-off from 50 ms to 2 s.
  public init(_ configuration: PostgresConfiguration, loop: EventLoop, logger: Logger) {
    self.configuration = configuration
    self.loop = loop
    let core = PoolCore(configuration: configuration, loop: loop, logger: logger)
    self.core = core
    loop.execute { core.start() }
  }

  deinit {
    loop.execute { [core] in core.stop() }
  }

  /// How busy the pool is.
  public var gauges: PostgresGauges { core.gauges }

  /// Why there is no connection; `nil` while there is or was none to be opened.
  public var lastFailure: String? { core.lastFailure }

  /// Keeps the pool until the task is cancelled or `shutdown` is called, then returns when all batches in flight are answered.
  public func run() async {
    await withTaskCancellationHandler {
      await stopped()
    } onCancel: {
      loop.execute { [core] in core.stop() }
    }
  }

  /// Refuses new batches, waits for those in flight, closes the connections.
  public func shutdown() async {
    loop.execute { [core] in core.stop() }
    await stopped()
  }

  /// Runs statements in one transaction and one round trip.
  ///
  /// - Parameters:
  ///   - statement: in the order of execution; a failing one rolls all back.
  ///   - deadline: how long it may take, waiting included; `nil` for the configured one.
  ///   - repeatable: true when running it twice is as good as once. Then it is sent again, until the deadline, when the server
  ///     rolled it back for reasons of its own (40001, 40P01, 57P01 to 57P03, 25006) or the connection was lost.
  /// - Returns: all rows of each statement.
  /// - Throws: `DatabaseError`; `.unknownOutcome` when the connection was lost before the commit was seen, `.timeout` after the
  ///   deadline and when the task is cancelled.
  public func run<each S: Statement>(
    _ statement: repeat each S, deadline: Duration? = nil, repeatable: Bool = false
  ) async throws(DatabaseError) -> (repeat [(each S).Output]) {
    let slots = (repeat StatementSlot(each statement))
    var list: [any Slot] = []
    repeat list.append(each slots)
    try await perform(
      Batch(list, deadline: .now + (deadline ?? configuration.defaultDeadline), isRepeatable: repeatable))
    return (repeat (each slots).rows)
  }

  /// Runs one statement in a transaction of its own; the same as the other `run`, for the compiler's type inference.
  ///
  /// - Returns: all rows.
  /// - Throws: `DatabaseError`, as the other `run`.
  public func run<S: Statement>(
    _ statement: S, deadline: Duration? = nil, repeatable: Bool = false
  ) async throws(DatabaseError) -> [S.Output] {
    let slot = StatementSlot(statement)
    try await perform(
      Batch([slot], deadline: .now + (deadline ?? configuration.defaultDeadline), isRepeatable: repeatable))
    return slot.rows
  }

  /// Hands a batch to the loop and waits until it is told, or the task is cancelled.
  func perform(_ batch: Batch) async throws(DatabaseError) {
    let error = await withTaskCancellationHandler {
      await untilTold(batch)
    } onCancel: {
      batch.isCancelled.store(true, ordering: .relaxed)
      loop.execute { [core] in core.cancel(batch) }
    }
    if let error { throw error }
  }

  /// The same, whatever becomes of the task.
  func untilTold(_ batch: Batch) async -> DatabaseError? {
    await withUnsafeContinuation { waiter in
      batch.wait(waiter)
      let isTaken = loop.execute { [core] in core.submit(batch) }
      if !isTaken { batch.finish(.unavailable(reason: "the loop was shut down")) }
    }
  }

  private func stopped() async {
    await withUnsafeContinuation { (waiter: UnsafeContinuation<Void, Never>) in
      let isTaken = loop.execute { [core] in core.whenStopped { waiter.resume() } }
      if !isTaken { waiter.resume() }
    }
  }
}
