import CLibpq
import Collections
import EventLoop
import Logging
import Query
import Synchronization

/// The pool on the loop's thread: gives batches to connections, opens lost connections again, tells callers who waited too long.
///
/// ```
/// submit ─▶ pending ─▶ sent on a connection ─▶ told
///              ▲             │ repeatable and lost or rolled back
///              └── delayed ◀─┘
/// ```
final class PoolCore: @unchecked Sendable {
  // Unchecked: `shared` has its lock; every other variable belongs to the loop's thread.

  struct Shared {
    var gauges = PostgresGauges()
    var lastFailure: String?
  }

  /// Longest pause before a batch is sent again.
  private static let longestBackOff = Duration.milliseconds(500)
  /// Meeting a stale prepared statement more often than this is no accident.
  private static let mostStalePlans = 3

  let configuration: PostgresConfiguration
  let loop: EventLoop
  let logger: Logger
  let shared = Mutex(Shared())
  var connections: [ObjectIdentifier: Connection] = [:]
  /// Attempts under way, and pauses between attempts.
  var connectors: [ObjectIdentifier: Connector] = [:]
  var reconnectTimers: Set<EventLoop.TimerID> = []
  /// Where in the list of hosts the next attempt begins.
  var rotation = 0
  var pending: Deque<Batch> = []
  /// Waiting for their back-off to end.
  var delayed: [ObjectIdentifier: Batch] = [:]
  var waitingLeases: Deque<Lease> = []
  var listeners: [ObjectIdentifier: Listener] = [:]
  var isTicking = false
  private var isStarted = false
  private(set) var isStopping = false
  private var turnEnd: EventLoop.TurnEndID?
  private var stopWaiters: [() -> Void] = []
  private var isStopped = false

  init(configuration: PostgresConfiguration, loop: EventLoop, logger: Logger) {
    self.configuration = configuration
    self.loop = loop
    self.logger = logger
  }

  /// A reading from any thread.
  var gauges: PostgresGauges { shared.withLock { $0.gauges } }

  /// Why the last attempt to connect failed, from any thread; `nil` while connected.
  var lastFailure: String? { shared.withLock { $0.lastFailure } }

  // MARK: Life

  func start() {
    guard !isStarted, !isStopping else { return }
    isStarted = true
    turnEnd = loop.atTurnEnd { [weak self] in self?.endTurn() }
    for _ in 0..<configuration.connections { connect(failures: 0) }
  }

  /// Refuses new batches, answers those under way, closes the connections.
  func stop() {
    guard !isStopping else { return }
    isStopping = true
    for listener in listeners.values { listener.stop() }
    listeners.removeAll()
    cancelConnecting()
    settle()
  }

  /// Calls `done` when the pool has stopped.
  func whenStopped(_ done: @escaping () -> Void) {
    guard !isStopped else { return done() }
    stopWaiters.append(done)
  }

  private func settle() {
    guard isStopping, !isStopped else { return }
    if connections.isEmpty { refuseWaiting() }
    guard pending.isEmpty, delayed.isEmpty, waitingLeases.isEmpty,
      connections.values.allSatisfy({ $0.inFlight == 0 && $0.lease == nil })
    else { return }
    isStopped = true
    for connection in Array(connections.values) { connection.close() }
    if let turnEnd { loop.cancel(turnEnd) }
    updateGauges()
    for done in stopWaiters { done() }
    stopWaiters.removeAll()
  }

  private func refuseWaiting() {
    let error = DatabaseError.unavailable(reason: "the pool was shut down")
    for batch in pending { batch.finish(error) }
    pending.removeAll()
    for batch in delayed.values { batch.finish(error) }
    delayed.removeAll()
    for lease in waitingLeases { lease.finish(error) }
    waitingLeases.removeAll()
  }

  // MARK: Batches

  /// Takes a batch; answers it sooner or later.
  func submit(_ batch: Batch) {
    batch.isSubmitted = true
    guard !batch.isCancelled.load(ordering: .relaxed) else { return batch.finish(.timeout(sent: false)) }
    guard batch.slots.allSatisfy({ $0.binder.parameters.count <= Connection.mostParameters }) else {
      return batch.finish(.server(sqlstate: "54023", message: "a statement has more than 65535 parameters"))
    }
    if let lease = batch.lease { return submit(batch, on: lease) }
    guard !isStopping else { return batch.finish(.unavailable(reason: "the pool was shut down")) }
    start()
    guard hasRoom() else { return batch.finish(.unavailable(reason: "too many requests wait for the database")) }
    pending.append(batch)
    startTicking()
  }

  /// The caller does not wait any more; what was sent is answered and dropped in its turn.
  func cancel(_ batch: Batch) {
    guard batch.isSubmitted else { return }
    batch.finish(.timeout(sent: batch.sentAt != nil))
  }

  /// True when one more may wait.
  func hasRoom() -> Bool {
    guard pending.count + waitingLeases.count >= configuration.queueLimit else { return true }
    pending.removeAll { $0.isFinished }
    waitingLeases.removeAll { $0.isFinished }
    return pending.count + waitingLeases.count < configuration.queueLimit
  }

  private func endTurn() {
    placeLeases()
    place()
    for connection in Array(connections.values) { connection.flush() }
    settle()
    updateGauges()
  }

  /// Gives waiting batches to the connections with the fewest in flight, those that answer fast first.
  private func place() {
    guard !pending.isEmpty else { return }
    let now = ContinuousClock.now
    let (slow, fast) = (connections.values.filter { $0.isSlow(now) }, connections.values.filter { !$0.isSlow(now) })
    for group in [fast, slow] {
      while let batch = pending.first {
        guard !batch.isFinished else {
          pending.removeFirst()
          continue
        }
        let free = group.lazy.filter { $0.isAcceptable && $0.inFlight < self.configuration.pipelineDepth }
        guard let connection = free.min(by: { $0.inFlight < $1.inFlight }) else { break }
        pending.removeFirst()
        connection.send(batch)
      }
    }
  }

  private func updateGauges() {
    let busy = connections.values.count { $0.inFlight > 0 || $0.lease != nil }
    shared.withLock { shared in
      shared.gauges.busy = busy
      shared.gauges.idle = connections.count - busy
      shared.gauges.connecting = connectors.count + reconnectTimers.count
      shared.gauges.waiters = pending.count + delayed.count + waitingLeases.count
    }
  }

  // MARK: Outcomes

  func took(_ batch: Batch, _ outcome: Connection.Outcome) {
    switch outcome {
    case .committed: batch.finish(nil)
    case .failed(let error) where batch.isStale && batch.stalePlans < Self.mostStalePlans && batch.lease == nil:
      batch.stalePlans += 1
      again(batch, after: .zero, or: error)
    case .failed(let error) where batch.isRepeatable && error.isWorthRepeating: again(batch, after: nil, or: error)
    case .failed(let error): batch.finish(error)
    case .lost where batch.isRepeatable: again(batch, after: nil, or: .unknownOutcome)
    case .lost: batch.finish(.unknownOutcome)
    }
  }

  private func again(_ batch: Batch, after given: Duration?, or error: DatabaseError) {
    guard !batch.isFinished else { return }
    let doubled = min(Duration.milliseconds(5) * (1 << min(batch.attempts, 8)), Self.longestBackOff)
    let pause = given ?? doubled * Double.random(in: 0.5...1)
    guard !isStopping, .now + pause < batch.deadline else { return batch.finish(error) }
    batch.reset()
    startTicking()
    guard pause > .zero else { return pending.prepend(batch) }
    delayed[ObjectIdentifier(batch)] = batch
    loop.schedule(after: pause) { [weak self] in
      guard let batch = self?.delayed.removeValue(forKey: ObjectIdentifier(batch)) else { return }
      self?.pending.prepend(batch)
    }
  }
}
