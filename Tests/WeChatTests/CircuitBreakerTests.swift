import Testing

@testable import WeChat

/// A breaker that `#expect` can ask: the macro does not take mutating calls.
private final class Subject {
  private var breaker = CircuitBreaker()
  func admits(_ now: ContinuousClock.Instant) -> Bool { breaker.admits(now) }
  func note(_ outcome: CircuitBreaker.Outcome, _ now: ContinuousClock.Instant) { breaker.note(outcome, now) }
  func isStale(_ now: ContinuousClock.Instant) -> Bool { breaker.isStale(now) }
}

@Suite("The circuit breaker of an AppID")
struct CircuitBreakerTests {
  private let start = ContinuousClock.now

  private func opened() -> Subject {
    let breaker = Subject()
    for _ in 0..<CircuitBreaker.threshold {
      #expect(breaker.admits(start))
      breaker.note(.failed, start)
    }
    return breaker
  }

  @Test("it opens after the threshold of failures in a row and refuses for its pause")
  func opens() {
    let breaker = opened()
    #expect(!breaker.admits(start))
    #expect(!breaker.admits(start + CircuitBreaker.pause - .milliseconds(1)))
    #expect(breaker.admits(start + CircuitBreaker.pause))
  }

  @Test("an answer between failures starts the count anew")
  func inARow() {
    let breaker = Subject()
    for round in 0..<CircuitBreaker.threshold * 3 {
      breaker.note(round % CircuitBreaker.threshold == 5 ? .answered : .failed, start)
      #expect(breaker.admits(start), "\(round)")
    }
  }

  @Test("half open lets one call through, and its answer opens the way for all")
  func probeAnswered() {
    let breaker = opened()
    let later = start + CircuitBreaker.pause
    #expect(breaker.admits(later))
    #expect(!breaker.admits(later))
    breaker.note(.answered, later)
    #expect(breaker.admits(later))
    #expect(breaker.admits(later))
    #expect(breaker.isStale(later))
  }

  @Test("half open closes the way again for a pause when its call fails too")
  func probeFailed() {
    let breaker = opened()
    let later = start + CircuitBreaker.pause
    #expect(breaker.admits(later))
    breaker.note(.failed, later)
    #expect(!breaker.admits(later + CircuitBreaker.pause - .milliseconds(1)))
    #expect(breaker.admits(later + CircuitBreaker.pause))
  }

  @Test("a probe nobody waited for makes room for the next at once, one that never reported after two pauses")
  func probeLost() {
    let breaker = opened()
    let later = start + CircuitBreaker.pause
    #expect(breaker.admits(later))
    breaker.note(.abandoned, later)
    #expect(breaker.admits(later))
    #expect(!breaker.admits(later + CircuitBreaker.pause))
    #expect(breaker.admits(later + CircuitBreaker.pause * 2))
  }

  @Test("failures of calls from before it opened do not keep it open longer")
  func lateFailures() {
    let breaker = opened()
    breaker.note(.failed, start + CircuitBreaker.pause - .milliseconds(1))
    #expect(breaker.admits(start + CircuitBreaker.pause))
  }

  @Test("failures far apart do not add up, and calls given up count for nothing")
  func forgets() {
    let breaker = Subject()
    for round in 0..<CircuitBreaker.threshold * 2 {
      let now = start + CircuitBreaker.memory * round
      breaker.note(.failed, now)
      breaker.note(.abandoned, now)
      #expect(breaker.admits(now))
    }
  }
}
