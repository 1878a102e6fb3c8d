import Synchronization

/// One AppID's calls under way and its circuit breaker, so that an AppID in trouble cannot use up what others need.
///
/// A call that finds no place waits in line until its own deadline. No timer is needed for that: all calls have the same
/// deadline from their start, so whoever is before it in line or under way ends by the time its own deadline comes, and every
/// end serves the line.
final class Bulkheads: Sendable {
  /// Why no call is made.
  enum Refusal: Error {
    case busy
    case open
    case cancelled
  }

  private struct Waiter {
    let number: UInt64
    let end: ContinuousClock.Instant
    let continuation: UnsafeContinuation<Result<Void, Refusal>, Never>
  }

  private struct Bulkhead {
    var underWay = 0
    var breaker = CircuitBreaker()
    var line: [Waiter] = []

    var isIdle: Bool { underWay == 0 && line.isEmpty }
  }

  private struct Table {
    var bulkheads: [String: Bulkhead] = [:]
    var lastWaiter: UInt64 = 0
  }

  /// AppIDs with nothing under way that are kept for their breakers.
  static let mostIdle = 1024
  /// What is left of a deadline that is too little to begin a call with.
  static let leastTime = Duration.milliseconds(50)

  private let most: Int
  private let now: @Sendable () -> ContinuousClock.Instant
  private let table = Mutex(Table())

  /// At most `most` calls of one AppID at once, and 16 times as many in line.
  init(most: Int, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
    self.most = most
    self.now = now
  }

  /// How many AppIDs are kept.
  var count: Int { table.withLock { $0.bulkheads.count } }

  /// How many calls of an AppID stand in line.
  func lineLength(_ appID: String) -> Int { table.withLock { $0.bulkheads[appID]?.line.count ?? 0 } }

  /// Takes a place for a call, waiting for one until `end`; give it back with `leave`.
  func enter(_ appID: String, until end: ContinuousClock.Instant) async throws(Refusal) {
    let (answer, number) = table.withLock { table in
      table.lastWaiter += 1
      return (admit(appID, &table), table.lastWaiter)
    }
    if let answer { return try answer.get() }
    let result = await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        if let answer = stand(Waiter(number: number, end: end, continuation: continuation), appID) {
          continuation.resume(returning: answer)
        }
      }
    } onCancel: {
      let waiter = table.withLock { table -> Waiter? in
        guard let place = table.bulkheads[appID]?.line.firstIndex(where: { $0.number == number }) else { return nil }
        return table.bulkheads[appID]?.line.remove(at: place)
      }
      waiter?.continuation.resume(returning: .failure(.cancelled))
    }
    try result.get()
  }

  /// Gives the place back and serves the line.
  func leave(_ appID: String, _ outcome: CircuitBreaker.Outcome) {
    let now = now()
    let served = table.withLock { table -> [(Waiter, Result<Void, Refusal>)] in
      guard var bulkhead = table.bulkheads[appID] else { return [] }
      bulkhead.underWay -= 1
      bulkhead.breaker.note(outcome, now)
      let served = serve(&bulkhead, now)
      table.bulkheads[appID] = bulkhead.isIdle && bulkhead.breaker.isStale(now) ? nil : bulkhead
      if table.bulkheads.count > Self.mostIdle { forgetIdle(&table, now) }
      return served
    }
    for (waiter, answer) in served { waiter.continuation.resume(returning: answer) }
  }

  /// A place or a refusal; `nil` when there is nothing but the line.
  private func admit(_ appID: String, _ table: inout Table) -> Result<Void, Refusal>? {
    var bulkhead = table.bulkheads[appID] ?? Bulkhead()
    guard bulkhead.underWay < most else { return bulkhead.line.count < 16 * most ? nil : .failure(.busy) }
    guard bulkhead.breaker.admits(now()) else { return .failure(.open) }
    bulkhead.underWay += 1
    table.bulkheads[appID] = bulkhead
    return .success(())
  }

  /// Stands in line, unless there is a place now or the task was cancelled.
  private func stand(_ waiter: Waiter, _ appID: String) -> Result<Void, Refusal>? {
    table.withLock { table in
      // The flag is set before the handler runs: either it is seen here or the handler finds the waiter.
      if Task.isCancelled { return .failure(.cancelled) }
      if let answer = admit(appID, &table) { return answer }
      table.bulkheads[appID]?.line.append(waiter)
      return nil
    }
  }

  /// Takes from the line whoever gets a place and whoever waited too long.
  private func serve(_ bulkhead: inout Bulkhead, _ now: ContinuousClock.Instant) -> [(Waiter, Result<Void, Refusal>)] {
    var served: [(Waiter, Result<Void, Refusal>)] = []
    while bulkhead.underWay < most, !bulkhead.line.isEmpty {
      let waiter = bulkhead.line.removeFirst()
      if now + Self.leastTime >= waiter.end {
        served.append((waiter, .failure(.busy)))
      } else if bulkhead.breaker.admits(now) {
        bulkhead.underWay += 1
        served.append((waiter, .success(())))
      } else {
        served.append((waiter, .failure(.open)))
      }
    }
    return served
  }

  private func forgetIdle(_ table: inout Table, _ now: ContinuousClock.Instant) {
    table.bulkheads = table.bulkheads.filter { !$0.value.isIdle || !$0.value.breaker.isStale(now) }
    // Still too many in trouble: forgetting a breaker costs a few calls into the void.
    guard table.bulkheads.count > Self.mostIdle else { return }
    if let idle = table.bulkheads.first(where: { $0.value.isIdle }) { table.bulkheads[idle.key] = nil }
  }
}
