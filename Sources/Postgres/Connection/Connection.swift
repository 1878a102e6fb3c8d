import CLibpq
import EventLoop
import Query

/// One connection in pipeline mode, on the loop's thread only (libpq chapter 34.5).
///
/// ```
/// open ──retire──▶ answers what was sent ──▶ closed
///   └───────────lost, silent────────────────────▲
/// ```
final class Connection {
  /// What became of a batch that was sent here.
  enum Outcome {
    /// Committed.
    case committed
    /// Rolled back, for this reason.
    case failed(DatabaseError)
    /// The connection was lost, and the commit may have happened.
    case lost
  }

  let handle: OpaquePointer
  let descriptor: Int32
  private let loop: EventLoop
  private var state = PipelineState<Batch>()
  private var prepared = PreparedStatements()
  private var mustFlush = false
  private(set) var isOpen = true
  /// The socket took no more when last asked.
  private var isBlocked = false
  private var isRetired = false
  /// The server said it ends the connection; nothing sent behind the batch that met it was executed.
  private var farewell: DatabaseError?
  private var lastArrival = ContinuousClock.now
  /// Who has it for himself, or waits for it to fall idle.
  var lease: Lease?
  private let onOutcome: (Batch, Outcome) -> Void
  private let onClose: (Connection) -> Void

  /// Takes over a connected handle; `onOutcome` is called for each batch sent, `onClose` once.
  init?(
    handle: OpaquePointer, loop: EventLoop, onOutcome: @escaping (Batch, Outcome) -> Void,
    onClose: @escaping (Connection) -> Void
  ) {
    self.handle = handle
    self.loop = loop
    self.onOutcome = onOutcome
    self.onClose = onClose
    descriptor = PQsocket(handle)
    guard descriptor >= 0, PQsetnonblocking(handle, 1) == 0, PQenterPipelineMode(handle) == 1 else {
      PQfinish(handle)
      return nil
    }
    loop.watch(descriptor, for: .read) { [self] ready in becameReady(ready) }
  }

  /// Batches in flight.
  var inFlight: Int { state.batches.count }

  /// May be given another batch, or a lease.
  ///
  /// Not behind a batch whose caller has gone: the server is busy with it for nobody knows how long.
  var isAcceptable: Bool {
    isOpen && !isBlocked && !isRetired && lease == nil && state.batches.first?.isFinished != true
  }

  /// True where the oldest batch takes long, so that whatever is sent behind it waits too.
  func isSlow(_ now: ContinuousClock.Instant) -> Bool {
    guard let sentAt = state.batches.first?.sentAt else { return false }
    return sentAt + .milliseconds(50) < now
  }

  /// Queues a batch for the server; `flush` sends it.
  func send(_ batch: Batch) {
    var preparing: [StatementName] = []
    var statements: [StatementName] = []
    var isSent = true
    for slot in batch.slots {
      let (name, mustPrepare) = prepared.use(slot.number)
      statements.append(name)
      guard mustPrepare else { continue }
      preparing.append(name)
      isSent = isSent && prepare(slot, as: name)
    }
    for (slot, name) in zip(batch.slots, statements) { isSent = isSent && execute(slot, as: name) }
    isSent = isSent && PQpipelineSync(handle) == 1
    batch.attempts += 1
    batch.sentAt = .now
    state.sent(batch, preparing: preparing, statements: statements)
    mustFlush = true
    if !isSent { close() }
  }

  /// Hands what is queued to the socket; called at the end of a turn, so that many batches share one write.
  func flush() {
    guard mustFlush, isOpen else { return }
    switch PQflush(handle) {
    case 0:
      mustFlush = false
      isBlocked = false
      loop.update(descriptor, to: .read)
    case 1:
      isBlocked = true
      loop.update(descriptor, to: [.read, .write])
    default: close()
    }
  }

  /// Takes no further batch and closes when all are answered.
  func retire() {
    isRetired = true
    if inFlight == 0 { close() }
  }

  /// Tells the callers whose deadline passed; what the server still answers for them is dropped in its turn.
  ///
  /// - Returns: false when the server has been silent for `margin` beyond the deadline of the oldest: it will not answer.
  func checkDeadlines(_ now: ContinuousClock.Instant, margin: Duration) -> Bool {
    for batch in state.batches where batch.deadline <= now { batch.finish(.timeout(sent: true)) }
    guard let oldest = state.batches.first else { return true }
    return max(oldest.deadline, lastArrival) + margin > now
  }

  /// Ends the connection; every batch in flight learns what is known of it.
  func close() {
    guard isOpen else { return }
    isOpen = false
    loop.unwatch(descriptor)
    PQfinish(handle)
    let batches = state.batches
    state = PipelineState()
    for (index, batch) in batches.enumerated() {
      // The server works through a connection in order and stops at its farewell: what stood behind was not executed.
      if let error = batch.error ?? (index > 0 ? farewell : nil) {
        onOutcome(batch, .failed(error))
      } else {
        onOutcome(batch, .lost)
      }
    }
    onClose(self)
  }

  // MARK: Reading

  private func becameReady(_ ready: EventLoop.Interest) {
    if ready.contains(.write) { flush() }
    guard isOpen, ready.contains(.read) else { return }
    // What is buffered comes first: libpq may drop it when the next read finds the server gone.
    drain()
    guard isOpen else { return }
    lastArrival = .now
    let isAlive = PQconsumeInput(handle) == 1
    drain()
    if isOpen, !isAlive || PQstatus(handle) == CONNECTION_BAD { close() }
  }

  private func drain() {
    // `PQisBusy` also takes in what comes unasked: notices, changed settings.
    while isOpen, PQisBusy(handle) == 0, state.isExpecting {
      let result = PQgetResult(handle)
      if result == nil, PQstatus(handle) == CONNECTION_BAD { return close() }
      take(result)
      PQclear(result)
    }
  }

  private func take(_ result: OpaquePointer?) {
    switch state.receive(Self.arrival(result)) {
    case .none: break
    case .rows(let batch, let index):
      guard !batch.isFinished, batch.error == nil else { break }
      batch.error = batch.slots[index].decodeRows(of: result)
    case .failed(let batch, let name): failed(batch, ServerReport(result), name: name)
    case .notPrepared(let batch, let name, let isCause):
      prepared.forget(name)
      if isCause { failed(batch, ServerReport(result), name: name) }
    case .commitFailed(let batch): commitFailed(batch, ServerReport(result))
    case .finished(let batch): finished(batch)
    case .lost: close()
    }
  }

  private static func arrival(_ result: OpaquePointer?) -> PipelineState<Batch>.Arrival {
    guard let result else { return .end }
    switch PQresultStatus(result) {
    case PGRES_PIPELINE_SYNC: return .sync
    case PGRES_PIPELINE_ABORTED: return .aborted
    case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: return .success
    default: return .failure
    }
  }

  private func failed(_ batch: Batch, _ report: ServerReport, name: StatementName) {
    // libpq's own error, without SQLSTATE: the connection is gone, and nobody knows how far the server got.
    guard !report.sqlstate.isEmpty else { return close() }
    if report.isStalePlan {
      prepared.forget(name)
      batch.isStale = true
    }
    if report.isFatal { farewell = report.error }
    // Also when fatal: the statement did not complete, so the transaction did not either.
    batch.error = batch.error ?? report.error
  }

  private func commitFailed(_ batch: Batch, _ report: ServerReport) {
    guard !report.sqlstate.isEmpty else { return close() }
    guard !report.isFatal else {
      // The last word came after all statements: before or after the commit, nobody knows.
      farewell = report.error
      return
    }
    batch.error = batch.error ?? report.error
  }

  private func finished(_ batch: Batch) {
    let error = batch.error
    if error?.endsConnection == true { isRetired = true }
    onOutcome(batch, error.map(Outcome.failed) ?? .committed)
    if isRetired, inFlight == 0 { close() }
  }
}
