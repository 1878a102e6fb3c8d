/// Stops calling a side that does not answer: after `threshold` failures in a row it refuses for `pause`, then lets one call
/// through and opens the way for all when that one is answered.
///
///     closed --threshold failures--> open --pause--> probing --answered--> closed
///                                      ^----------not answered--'
///
/// Pure: it is told the time. Only failures of transport count; a refusal is an answer.
struct CircuitBreaker: Sendable {
  private enum State {
    case closed
    case open(until: ContinuousClock.Instant)
    case probing(since: ContinuousClock.Instant)
  }

  /// How a call ended.
  enum Outcome: Sendable {
    /// WeChat's own protocol came back, with success or refusal.
    case answered
    /// Nothing came, or nothing of WeChat's.
    case failed
    /// Nobody waited for the end, so it says nothing.
    case abandoned
  }

  /// Failures in a row that open it.
  static let threshold = 20
  /// How long it stays open.
  static let pause = Duration.seconds(2)
  /// After how long without a failure the past is of no interest.
  static let memory = Duration.seconds(60)

  private var state = State.closed
  private var failures = 0
  private var lastFailure: ContinuousClock.Instant?

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

  /// Notes how a call ended.
  mutating func note(_ outcome: Outcome, _ now: ContinuousClock.Instant) {
    switch (outcome, state) {
    case (.answered, _): self = CircuitBreaker()
    case (.failed, .closed):
      if isStale(now) { failures = 0 }
      failures += 1
      lastFailure = now
      if failures >= Self.threshold { state = .open(until: now + Self.pause) }
    case (.failed, .probing):
      lastFailure = now
      state = .open(until: now + Self.pause)
    case (.abandoned, .probing): state = .open(until: now)
    // Calls that began before it opened.
    case (.failed, .open), (.abandoned, _): break
    }
  }

  /// True when it holds nothing worth keeping.
  func isStale(_ now: ContinuousClock.Instant) -> Bool {
    lastFailure.map { now >= $0 + Self.memory } ?? true
  }
}
