import Query

/// Connections for one caller alone.
extension PoolCore {
  /// Most connections leased at a time: one stays for batches, unless there is only one.
  private var mostLeases: Int { max(1, configuration.connections - 1) }

  /// Takes a request for a connection; grants or refuses it sooner or later.
  func acquire(_ lease: Lease) {
    lease.isSubmitted = true
    guard !lease.isCancelled.load(ordering: .relaxed) else { return lease.finish(.timeout(sent: false)) }
    guard !isStopping else { return lease.finish(.unavailable(reason: "the pool was shut down")) }
    start()
    guard hasRoom() else { return lease.finish(.unavailable(reason: "too many requests wait for the database")) }
    waitingLeases.append(lease)
    startTicking()
  }

  /// The caller does not want it any more; one that is granted is given back by `release`.
  func cancel(_ lease: Lease) {
    guard lease.isSubmitted, !lease.isGranted else { return }
    abandon(lease, .timeout(sent: false))
  }

  /// Takes a connection back.
  ///
  /// - Parameter isClean: false when a transaction may still be open on it.
  func release(_ lease: Lease, isClean: Bool) {
    guard let connection = lease.connection else { return }
    connection.lease = nil
    lease.connection = nil
    if !isClean || connection.inFlight > 0 { connection.close() }
  }

  /// Runs a batch of a transaction on its connection.
  func submit(_ batch: Batch, on lease: Lease) {
    guard lease.isGranted, let connection = lease.connection, connection.isOpen else {
      return batch.finish(.unavailable(reason: "the connection of the transaction was lost before its commit"))
    }
    startTicking()
    connection.send(batch)
  }

  /// Sets connections aside, those with the fewest batches in flight, and hands over those that have answered all.
  func placeLeases() {
    guard !waitingLeases.isEmpty else { return }
    waitingLeases.removeAll { $0.isFinished }
    let now = ContinuousClock.now
    for lease in waitingLeases where lease.connection == nil {
      guard connections.values.count(where: { $0.lease != nil }) < mostLeases else { break }
      let free = connections.values.filter(\.isAcceptable)
      let order = { (connection: Connection) in (connection.isSlow(now) ? 1 : 0, connection.inFlight) }
      guard let connection = free.min(by: { order($0) < order($1) }) else { break }
      connection.lease = lease
      lease.connection = connection
    }
    for lease in waitingLeases where lease.connection?.inFlight == 0 { lease.finish(nil) }
    waitingLeases.removeAll { $0.isFinished }
  }

  /// Its connection is gone: one that waited waits for another, one that was granted finds out at its next batch.
  func lost(_ lease: Lease) {
    lease.connection = nil
  }

  /// Refuses a lease that waits.
  func abandon(_ lease: Lease, _ error: DatabaseError) {
    lease.connection?.lease = nil
    lease.connection = nil
    lease.finish(error)
  }
}
