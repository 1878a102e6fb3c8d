import EventLoop
import Logging
import Query
import Synchronization

/// Connections to PostgreSQL, shared by pipelining: many batches are in flight on each at the same time.
///
/// One batch is one implicit transaction and one round trip: its statements, prepared once per connection, then a sync (libpq
/// chapter 34.5). Nothing here blocks a thread of Swift's pool. It knows nothing of tenants.
public final class PostgresPool: Sendable {
  private let configuration: PostgresConfiguration
  private let core: PoolCore
  private let loop: EventLoop

  /// A pool that opens its connections at once and keeps opening lost ones, with a back-off from 50 ms to 2 s.
  public init(_ configuration: PostgresConfiguration, loop: EventLoop, logger: Logger) {
    self.configuration = configuration
    self.loop = loop
    let core = PoolCore(configuration: configuration, loop: loop, logger: logger)
    self.core = core
    loop.execute { core.start() }
  }

  /// How busy the pool is.
  public var gauges: PostgresGauges { core.gauges }

  /// Why there is no connection; `nil` while there is or was none to be opened.
  public var lastFailure: String? { core.lastFailure }

  /// Refuses new batches, waits for those in flight, closes the connections.
  public func shutdown() async {
    await withUnsafeContinuation { (done: UnsafeContinuation<Void, Never>) in
      loop.execute { [core] in core.stop { done.resume() } }
    }
  }

  /// Runs one statement in a transaction of its own.
  /// - Parameters:
  ///   - deadline: how long it may take, waiting included; `nil` for the configured one.
  ///   - repeatable: true when running it twice is as good as once. Then a lost connection is not the caller's affair. What the
  ///     server rolled back for reasons of its own (deadlock, shutdown) is tried again in any case.
  /// - Returns: its rows.
  /// - Throws: `DatabaseError`; `.unknownOutcome` when the connection was lost before the commit was seen.
  public func run<S: Statement>(
    _ statement: S, deadline: Duration? = nil, repeatable: Bool = false
  ) async throws(DatabaseError) -> [S.Output] {
    let slot = StatementSlot(statement)
    try await run([slot], deadline: deadline, repeatable: repeatable)
    return slot.rows
  }

  /// Runs two statements in one transaction and one round trip.
  /// - Throws: as for one statement.
  public func run<A: Statement, B: Statement>(
    _ first: A, _ second: B, deadline: Duration? = nil, repeatable: Bool = false
  ) async throws(DatabaseError) -> ([A.Output], [B.Output]) {
    let slots = (StatementSlot(first), StatementSlot(second))
    try await run([slots.0, slots.1], deadline: deadline, repeatable: repeatable)
    return (slots.0.rows, slots.1.rows)
  }

  /// Runs three statements in one transaction and one round trip.
  /// - Throws: as for one statement.
  public func run<A: Statement, B: Statement, C: Statement>(
    _ first: A, _ second: B, _ third: C, deadline: Duration? = nil, repeatable: Bool = false
  ) async throws(DatabaseError) -> ([A.Output], [B.Output], [C.Output]) {
    let slots = (StatementSlot(first), StatementSlot(second), StatementSlot(third))
    try await run([slots.0, slots.1, slots.2], deadline: deadline, repeatable: repeatable)
    return (slots.0.rows, slots.1.rows, slots.2.rows)
  }

  private func run(_ slots: [any Slot], deadline: Duration?, repeatable: Bool) async throws(DatabaseError) {
    let batch = Batch(slots, deadline: .now + (deadline ?? configuration.deadline), isRepeatable: repeatable)
    let error = await withUnsafeContinuation { (waiter: UnsafeContinuation<DatabaseError?, Never>) in
      batch.wait(waiter)
      loop.execute { [core] in core.submit(batch) }
    }
    if let error { throw error }
  }
}
