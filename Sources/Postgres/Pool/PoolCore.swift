import CLibpq
import Collections
import EventLoop
import Logging
import Query
import Synchronization

/// The pool on the loop's thread: gives batches to connections, opens lost connections again, tells callers who waited too long.
final class PoolCore: @unchecked Sendable {
  // Unchecked: `shared` has its lock; every other variable belongs to the loop's thread.

  private struct Shared {
    var gauges = PostgresGauges()
    var lastFailure: String?
  }

  /// Longest pause between attempts to connect.
  private static let longestPause = Duration.seconds(2)
  /// A batch that a server does not answer this long after its deadline ends its connection.
  private static let margin = Duration.seconds(1)
  private static let mostAttempts = 5

  private let configuration: PostgresConfiguration
  private let loop: EventLoop
  private let logger: Logger
  private let shared = Mutex(Shared())
  private var connections: [ObjectIdentifier: Connection] = [:]
  private var connecting = 0
  private var pause = Duration.milliseconds(50)
  private var pending: Deque<Batch> = []
  private var isTicking = false
  private var isStopping = false
  private var onStopped: (() -> Void)?

  init(configuration: PostgresConfiguration, loop: EventLoop, logger: Logger) {
    self.configuration = configuration
    self.loop = loop
    self.logger = logger
  }

  /// A reading from any thread.
  var gauges: PostgresGauges { shared.withLock { $0.gauges } }

  /// Why the last attempt to connect failed, from any thread; `nil` while connected.
  var lastFailure: String? { shared.withLock { $0.lastFailure } }

  func start() {
    loop.atTurnEnd { [weak self] in self?.endTurn() }
    for _ in 0..<configuration.connections { connect() }
  }

  /// Takes a batch; answers it sooner or later.
  func submit(_ batch: Batch) {
    guard !isStopping else { return batch.finish(.unavailable(reason: "the pool is shutting down")) }
    guard pending.count < configuration.queueLimit else {
      return batch.finish(.unavailable(reason: "too many requests wait for the database"))
    }
    pending.append(batch)
    startTicking()
  }

  /// Refuses new batches, answers those under way, closes the connections, then calls `done`.
  func stop(_ done: @escaping () -> Void) {
    isStopping = true
    onStopped = done
    settle()
  }

  private func endTurn() {
    place()
    for connection in connections.values { connection.flush() }
    settle()
    shared.withLock { shared in
      shared.gauges.busy = connections.values.count { $0.inFlight > 0 }
      shared.gauges.idle = connections.count - shared.gauges.busy
      shared.gauges.connecting = connecting
      shared.gauges.waiters = pending.count
    }
  }

  /// Gives waiting batches to the connections with the fewest in flight.
  private func place() {
    while !pending.isEmpty {
      guard let connection = connections.values.min(by: { $0.inFlight < $1.inFlight }),
        connection.inFlight < configuration.pipelineDepth
      else { return }
      let batch = pending.removeFirst()
      guard !batch.isFinished else { continue }
      batch.attempts += 1
      connection.send(batch)
    }
  }

  private func settle() {
    guard isStopping, pending.isEmpty, connections.values.allSatisfy({ $0.inFlight == 0 }) else { return }
    for connection in Array(connections.values) { connection.close() }
    onStopped?()
    onStopped = nil
  }

  private func took(_ batch: Batch, _ outcome: Connection.Outcome) {
    switch outcome {
    case .committed: batch.finish(nil)
    case .failed(let error) where error.wasRolledBackByServer: again(batch, or: error)
    case .failed(let error): batch.finish(error)
    case .lost(let mayHaveCommitted):
      if batch.isRepeatable || !mayHaveCommitted {
        again(batch, or: .unavailable(reason: "the connection to the database was lost"))
      } else {
        batch.finish(.unknownOutcome)
      }
    }
  }

  private func again(_ batch: Batch, or error: DatabaseError) {
    guard !batch.isFinished else { return }
    guard batch.attempts < Self.mostAttempts, ContinuousClock.now < batch.deadline, !isStopping else {
      return batch.finish(error)
    }
    batch.reset()
    let backOff = Duration.milliseconds(5 * (1 << batch.attempts) + Int.random(in: 0...10))
    loop.schedule(after: backOff) { [weak self] in
      self?.pending.prepend(batch)
      self?.startTicking()
    }
  }

  // MARK: Connecting

  private func connect() {
    guard !isStopping else { return }
    connecting += 1
    Connecting.start(uri: configuration.uri, applicationName: configuration.applicationName) { [self, loop] result in
      loop.execute { self.connected(result) }
    }
  }

  private func connected(_ result: Connecting.Result) {
    connecting -= 1
    switch result {
    case .failed(let reason):
      let isNews = shared.withLock { shared in
        defer { shared.lastFailure = reason }
        return shared.lastFailure != reason
      }
      if isNews { logger.warning("cannot connect to the database", metadata: ["reason": "\(reason)"]) }
      connectLater()
    case .open(let handle):
      guard !isStopping else { return PQfinish(handle) }
      var identity: ObjectIdentifier?
      let connection = Connection(
        handle: handle, loop: loop, onOutcome: { [unowned self] batch, outcome in took(batch, outcome) },
        onClose: { [unowned self] in
          if let identity { connections.removeValue(forKey: identity) }
          connectLater()
        })
      guard let connection else { return connectLater() }
      identity = ObjectIdentifier(connection)
      connections[ObjectIdentifier(connection)] = connection
      pause = .milliseconds(50)
      if shared.withLock({ $0.lastFailure.take() }) != nil { logger.notice("connected to the database again") }
    }
  }

  private func connectLater() {
    guard !isStopping else { return settle() }
    connecting += 1
    let jitter = Double.random(in: 0.5...1)
    loop.schedule(after: pause * jitter) { [weak self] in
      self?.connecting -= 1
      self?.connect()
    }
    pause = min(pause * 2, Self.longestPause)
  }

  // MARK: Deadlines

  private func startTicking() {
    guard !isTicking else { return }
    isTicking = true
    loop.schedule(after: .milliseconds(50)) { [weak self] in self?.tick() }
  }

  /// One timer for all deadlines: a batch may be told up to 50 ms late.
  private func tick() {
    isTicking = false
    let now = ContinuousClock.now
    for batch in pending where batch.deadline <= now {
      let reason = connections.isEmpty ? "the database cannot be reached" : "the database is too busy"
      batch.finish(.unavailable(reason: reason))
    }
    pending.removeAll { $0.isFinished }
    for connection in Array(connections.values) {
      connection.tellLate(now)
      if let oldest = connection.oldest, oldest.deadline + Self.margin <= now { connection.close() }
    }
    if !pending.isEmpty || connections.values.contains(where: { $0.inFlight > 0 }) { startTicking() }
  }
}
