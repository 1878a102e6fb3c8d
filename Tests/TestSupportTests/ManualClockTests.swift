import TestSupport
import Testing

@Suite("ManualClock")
struct ManualClockTests {
  @Test("a sleeper wakes when the clock is moved to its time, not before")
  func wakes() async throws {
    let clock = ManualClock()
    let woken = Signal<Duration>()
    let sleeper = Task {
      try await clock.sleep(for: .seconds(5))
      woken.send(clock.now.offset)
    }
    try await clock.waitForSleepers()
    clock.advance(by: .seconds(4))
    try await clock.waitForSleepers()
    clock.advance(by: .seconds(1))
    #expect(try await woken.next("the sleeper") == .seconds(5))
    try await sleeper.value
  }

  @Test("date and instant move together")
  func date() {
    let clock = ManualClock()
    let start = clock.date
    clock.advance(by: .milliseconds(1500))
    #expect(clock.date.timeIntervalSince(start) == 1.5)
  }

  @Test("a cancelled sleeper is woken with an error")
  func cancels() async throws {
    let clock = ManualClock()
    let sleeper = Task { try await clock.sleep(for: .seconds(1)) }
    try await clock.waitForSleepers()
    sleeper.cancel()
    await #expect(throws: CancellationError.self) { try await sleeper.value }
  }

  @Test("waiting for what never happens ends with what was waited for")
  func timesOut() async throws {
    let error = await #expect(throws: TimedOut.self) {
      try await Signal<Void>().next("nothing", limit: .milliseconds(20))
    }
    #expect(error?.what == "nothing")
  }
}
