import Synchronization
import Testing

@testable import WeChat

@Suite("The bulkheads of AppIDs", .timeLimit(.minutes(1)))
struct BulkheadsTests {
  /// A time that stands still until it is moved.
  private final class Time: Sendable {
    private let value = Mutex(ContinuousClock.now)
    var now: ContinuousClock.Instant { value.withLock { $0 } }
    func advance(_ by: Duration) { value.withLock { $0 += by } }
  }

  private let time = Time()

  private func make(most: Int) -> Bulkheads {
    Bulkheads(most: most) { [time] in time.now }
  }

  private func entered(
    _ bulkheads: Bulkheads, _ appID: String = "a", until end: ContinuousClock.Instant
  ) async -> Bulkheads.Refusal? {
    do {
      try await bulkheads.enter(appID, until: end)
      return nil
    } catch {
      return error
    }
  }

  /// A call in line; returns when it stands there.
  private func inLine(
    _ bulkheads: Bulkheads, until end: ContinuousClock.Instant
  ) async -> Task<Bulkheads.Refusal?, Never> {
    let before = bulkheads.lineLength("a")
    let task = Task { await entered(bulkheads, until: end) }
    while bulkheads.lineLength("a") == before { await Task.yield() }
    return task
  }

  @Test("a call over the number waits until another ends, first come, first served")
  func waits() async {
    let bulkheads = make(most: 1)
    let end = time.now + .seconds(3)
    #expect(await entered(bulkheads, until: end) == nil)
    let second = await inLine(bulkheads, until: end)
    let third = await inLine(bulkheads, until: end)
    bulkheads.leave("a", .answered)
    #expect(await second.value == nil)
    #expect(bulkheads.lineLength("a") == 1)
    bulkheads.leave("a", .answered)
    #expect(await third.value == nil)
    bulkheads.leave("a", .answered)
    #expect(bulkheads.count == 0)
  }

  @Test("a call whose deadline came in line is refused as busy")
  func expires() async {
    let bulkheads = make(most: 1)
    #expect(await entered(bulkheads, until: time.now + .seconds(3)) == nil)
    let second = await inLine(bulkheads, until: time.now + .seconds(3))
    let third = await inLine(bulkheads, until: time.now + .seconds(6))
    time.advance(.seconds(3))
    bulkheads.leave("a", .failed)
    #expect(await second.value == .busy)
    #expect(await third.value == nil)
  }

  @Test("one AppID's calls do not take the places of another")
  func apart() async {
    let bulkheads = make(most: 1)
    let end = time.now + .seconds(3)
    #expect(await entered(bulkheads, "a", until: end) == nil)
    #expect(await entered(bulkheads, "b", until: end) == nil)
    #expect(bulkheads.count == 2)
  }

  @Test("a task cancelled in line leaves it")
  func cancelled() async {
    let bulkheads = make(most: 1)
    let end = time.now + .seconds(3)
    #expect(await entered(bulkheads, until: end) == nil)
    let second = await inLine(bulkheads, until: end)
    second.cancel()
    #expect(await second.value == .cancelled)
    #expect(bulkheads.lineLength("a") == 0)
    bulkheads.leave("a", .answered)
    #expect(bulkheads.count == 0)
  }

  @Test("the line has an end")
  func lineEnds() async {
    let bulkheads = make(most: 1)
    let end = time.now + .seconds(3)
    #expect(await entered(bulkheads, until: end) == nil)
    var waiting: [Task<Bulkheads.Refusal?, Never>] = []
    for _ in 0..<16 { waiting.append(await inLine(bulkheads, until: end)) }
    #expect(await entered(bulkheads, until: end) == .busy)
    time.advance(.seconds(3))
    bulkheads.leave("a", .failed)
    for task in waiting { #expect(await task.value == .busy) }
  }

  @Test("an open breaker refuses that AppID's calls and no other's")
  func open() async {
    let bulkheads = make(most: CircuitBreaker.threshold)
    let end = time.now + .seconds(3)
    for _ in 0..<CircuitBreaker.threshold { #expect(await entered(bulkheads, until: end) == nil) }
    for _ in 0..<CircuitBreaker.threshold { bulkheads.leave("a", .failed) }
    #expect(await entered(bulkheads, until: end) == .open)
    #expect(await entered(bulkheads, "b", until: end) == nil)
  }

  @Test("whoever is in line when the breaker opens is refused instead of kept")
  func openWithLine() async {
    let bulkheads = make(most: 1)
    let end = time.now + .seconds(3)
    for _ in 1..<CircuitBreaker.threshold {
      #expect(await entered(bulkheads, until: end) == nil)
      bulkheads.leave("a", .failed)
    }
    #expect(await entered(bulkheads, until: end) == nil)
    let waiting = await inLine(bulkheads, until: end)
    bulkheads.leave("a", .failed)
    #expect(await waiting.value == .open)
  }

  @Test("AppIDs in trouble are not kept without limit")
  func bounded() async {
    let bulkheads = make(most: 4)
    for number in 0..<Bulkheads.mostIdle * 2 {
      #expect(await entered(bulkheads, "app-\(number)", until: time.now + .seconds(3)) == nil)
      bulkheads.leave("app-\(number)", .failed)
    }
    #expect(bulkheads.count == Bulkheads.mostIdle)
    time.advance(CircuitBreaker.memory)
    #expect(await entered(bulkheads, "new", until: time.now + .seconds(3)) == nil)
    bulkheads.leave("new", .failed)
    #expect(bulkheads.count == 1)
  }
}
