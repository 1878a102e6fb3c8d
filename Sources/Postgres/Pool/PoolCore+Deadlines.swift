import Query

/// One timer for all deadlines: a caller may be told up to 50 ms late.
extension PoolCore {
  private static let interval = Duration.milliseconds(50)
  /// A connection that is silent this long after a deadline is given up.
  private static let margin = Duration.seconds(1)

  /// Looks at the deadlines from now on, until nothing is under way.
  func startTicking() {
    guard !isTicking else { return }
    isTicking = true
    loop.schedule(after: Self.interval) { [weak self] in self?.tick() }
  }

  private func tick() {
    isTicking = false
    let now = ContinuousClock.now
    for batch in pending where batch.deadline <= now { batch.finish(late) }
    for batch in delayed.values where batch.deadline <= now { batch.finish(late) }
    for lease in waitingLeases where lease.deadline <= now { abandon(lease, late) }
    pending.removeAll { $0.isFinished }
    waitingLeases.removeAll { $0.isFinished }
    delayed = delayed.filter { !$0.value.isFinished }
    for connection in Array(connections.values) {
      let isSilent = !connection.checkDeadlines(now, margin: Self.margin)
      let isHeldTooLong = connection.lease.map { $0.isGranted && $0.deadline + Self.margin <= now } ?? false
      if isSilent || isHeldTooLong { connection.close() }
    }
    let isAnybodyWaiting = !pending.isEmpty || !delayed.isEmpty || !waitingLeases.isEmpty
    if isAnybodyWaiting || connections.values.contains(where: { $0.inFlight > 0 || $0.lease != nil }) { startTicking() }
  }

  /// For one that was not sent in time.
  private var late: DatabaseError {
    connections.isEmpty ? .unavailable(reason: "the database cannot be reached") : .timeout(sent: false)
  }
}
