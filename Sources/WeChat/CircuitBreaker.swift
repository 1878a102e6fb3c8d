/// Stops calling a side that does not answer: after `threshold` failures in a row it refuses for `pause`, then lets one call
/// through and opens for all when that one succeeds.
///
/// Pure: it is told the time. Only failures of transport count; a refusal is an answer.
struct CircuitBreaker: Sendable {
  private enum State {
    case closed(failures: Int)
    case open(until: ContinuousClock.Instant)
    case probing(since: ContinuousClock.Instant)
  }

  /// Failures in a row that open it.
  static let threshold = 20
  /// How long it stays open.
  static let pause = Duration.seconds(2)

  private var state = State.closed(failures: 0)

  /// Asks to make a call.
  mutating func admits(_ now: ContinuousClock.Instant) -> Bool {
    switch state {
    case .closed: return true
    case .open(let until):
      guard now >= until else { return false }
      state = .probing(since: now)
      return true
    case .probing(let since):
      // A probe that never reported back must not close the way for ever.
      guard now >= since + Self.pause * 2 else { return false }
      state = .probing(since: now)
      return true
    }
  }

  /// Notes how a call went.
  mutating func note(answered: Bool, _ now: ContinuousClock.Instant) {
    switch (state, answered) {
    case (_, true): state = .closed(failures: 0)
    case (.closed(let failures), false):
      state = failures + 1 >= Self.threshold ? .open(until: now + Self.pause) : .closed(failures: failures + 1)
    case (.open, false): break
    case (.probing, false): state = .open(until: now + Self.pause)
    }
  }

  /// True when it holds nothing worth keeping.
  var isIdle: Bool {
    if case .closed(failures: 0) = state { true } else { false }
  }
}
