import CLibpq
import EventLoop
import Query

/// One connection in pipeline mode, on the loop's thread only.
final class Connection {
  /// What became of a batch that was sent here.
  enum Outcome {
    /// Committed.
    case committed
    /// Rolled back, for this reason.
    case failed(DatabaseError)
    /// The connection was lost; `mayHaveCommitted` when the commit was under way.
    case lost(mayHaveCommitted: Bool)
  }

  private let handle: OpaquePointer
  private let loop: EventLoop
  private let descriptor: Int32
  private var state = PipelineState<Batch>()
  private var prepared: Set<Int> = []
  private var mustFlush = false
  private var isOpen = true
  private let onOutcome: (Batch, Outcome) -> Void
  private let onClose: () -> Void

  /// Takes over a connected handle; `onOutcome` is called for each batch sent, `onClose` once.
  init?(
    handle: OpaquePointer, loop: EventLoop, onOutcome: @escaping (Batch, Outcome) -> Void, onClose: @escaping () -> Void
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
    loop.watch(descriptor, for: .read) { [weak self] ready in self?.becameReady(ready) }
  }

  /// Batches in flight.
  var inFlight: Int { state.batches.count }

  /// The oldest batch in flight.
  var oldest: Batch? { state.batches.first }

  /// Queues a batch for the server; `flush` sends it.
  func send(_ batch: Batch) {
    var statements: [(prepare: Int?, index: Int)] = []
    var isSent = true
    for (index, slot) in batch.slots.enumerated() {
      var preparing: Int?
      if prepared.insert(slot.name).inserted {
        preparing = slot.name
        isSent = isSent && prepare(slot)
      }
      isSent = isSent && execute(slot)
      statements.append((preparing, index))
    }
    isSent = isSent && PQpipelineSync(handle) == 1
    state.sent(batch, statements: statements)
    mustFlush = true
    if !isSent { close() }
  }

  /// Hands what is queued to the socket; called at the end of a turn, so that many batches share one write.
  func flush() {
    guard mustFlush, isOpen else { return }
    switch PQflush(handle) {
    case 0:
      mustFlush = false
      loop.update(descriptor, to: .read)
    case 1: loop.update(descriptor, to: [.read, .write])
    default: close()
    }
  }

  /// Tells the callers whose deadline passed; what the server still answers for them is dropped in its turn.
  func tellLate(_ now: ContinuousClock.Instant) {
    for batch in state.batches where batch.deadline <= now { batch.finish(.timeout(sent: true)) }
  }

  /// Ends the connection; every batch in flight learns that it was lost.
  func close() {
    guard isOpen else { return }
    isOpen = false
    loop.unwatch(descriptor)
    PQfinish(handle)
    var mayHaveCommitted = !state.oldestIsBeforeCommit
    for batch in state.batches {
      if let error = batch.error, !mayHaveCommitted || !error.wasRolledBackByServer {
        onOutcome(batch, .failed(error))
      } else {
        onOutcome(batch, .lost(mayHaveCommitted: true))
      }
      mayHaveCommitted = true
    }
    state = PipelineState()
    onClose()
  }

  private func prepare(_ slot: any Slot) -> Bool {
    let types = slot.binder.parameters.map(\.type)
    return slot.sql.utf8Start.withMemoryRebound(to: CChar.self, capacity: 1) { sql in
      PQsendPrepare(handle, "q\(slot.name)", sql, Int32(types.count), types) == 1
    }
  }

  private func execute(_ slot: any Slot) -> Bool {
    let binder = slot.binder
    let count = binder.parameters.count
    return binder.bytes.withUnsafeBytes { bytes in
      // An empty value needs an address all the same: NULL is a nil pointer.
      withUnsafeTemporaryAllocation(of: CChar.self, capacity: 1) { empty in
        var values: [UnsafePointer<CChar>?] = []
        var lengths: [Int32] = []
        values.reserveCapacity(count)
        lengths.reserveCapacity(count)
        for parameter in binder.parameters {
          guard let range = parameter.range else {
            values.append(nil)
            lengths.append(0)
            continue
          }
          let start = bytes.baseAddress.map { ($0 + range.lowerBound).assumingMemoryBound(to: CChar.self) }
          values.append(range.isEmpty ? UnsafePointer(empty.baseAddress) : start)
          lengths.append(Int32(range.count))
        }
        let formats = [Int32](repeating: 1, count: count)
        return PQsendQueryPrepared(handle, "q\(slot.name)", Int32(count), values, lengths, formats, 1) == 1
      }
    }
  }

  private func becameReady(_ ready: EventLoop.Interest) {
    if ready.contains(.write) { flush() }
    guard isOpen, ready.contains(.read) else { return }
    // What is buffered comes first: libpq may drop it when the next read finds the server gone.
    drain()
    guard isOpen else { return }
    let isAlive = PQconsumeInput(handle) == 1
    drain()
    if isOpen, !isAlive || PQstatus(handle) == CONNECTION_BAD { close() }
  }

  private func drain() {
    while isOpen, state.isExpecting, PQisBusy(handle) == 0 {
      let result = PQgetResult(handle)
      if result == nil, PQstatus(handle) == CONNECTION_BAD { return close() }
      let arrival = Self.arrival(result)
      take(state.receive(arrival), result: result, arrival: arrival)
      PQclear(result)
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

  private func take(_ action: PipelineState<Batch>.Action, result: OpaquePointer?, arrival: PipelineState<Batch>.Arrival) {
    switch action {
    case .none, .prepared: break
    case .rows(let batch, let index):
      if !batch.isFinished, batch.error == nil { decode(result, into: batch.slots[index], of: batch) }
    case .failed(let batch, let preparing):
      if let preparing { prepared.remove(preparing) }
      if arrival == .failure { fail(batch, DatabaseError(result: result)) }
    case .commitFailed(let batch): fail(batch, DatabaseError(result: result))
    case .finished(let batch):
      let error = batch.error
      onOutcome(batch, error.map(Outcome.failed) ?? .committed)
      if error?.endsConnection == true { close() }
    case .lost: close()
    }
  }

  private func fail(_ batch: Batch, _ error: DatabaseError) {
    batch.error = batch.error ?? error
  }

  private func decode(_ result: OpaquePointer?, into slot: any Slot, of batch: Batch) {
    let rows = PQntuples(result)
    let columns = PQnfields(result)
    guard rows > 0 else { return }
    withUnsafeTemporaryAllocation(of: Row.Cell.self, capacity: Int(columns)) { cells in
      for row in 0..<rows {
        for column in 0..<columns {
          let start = PQgetisnull(result, row, column) == 1 ? nil : PQgetvalue(result, row, column)
          let bytes = UnsafeRawPointer(start)?.assumingMemoryBound(to: UInt8.self)
          let cell = Row.Cell(start: bytes, count: Int(PQgetlength(result, row, column)))
          (cells.baseAddress! + Int(column)).initialize(to: cell)
        }
        var reader = Row(cells: UnsafeBufferPointer(cells))
        do {
          try slot.decode(&reader)
        } catch {
          fail(batch, .decoding("\(type(of: slot)): \(error)"))
          return
        }
      }
    }
  }
}
