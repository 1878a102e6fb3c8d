import FoundationEssentials
import Synchronization

/// A clock that stands still until a test moves it.
///
/// It is a `Clock`, for code that sleeps or measures, and it has a `date`, for rules about points in time. Both move together.
public final class ManualClock: Clock, Sendable {
  /// A point on the clock, counted from where it started.
  public struct Instant: InstantProtocol {
    /// How far the clock had been moved.
    public let offset: Duration

    /// The point that lies `duration` after this one.
    public func advanced(by duration: Duration) -> Instant {
      Instant(offset: offset + duration)
    }

    /// How long it takes from this point to `other`.
    public func duration(to other: Instant) -> Duration {
      other.offset - offset
    }

    /// Whether `lhs` comes before `rhs`.
    public static func < (lhs: Instant, rhs: Instant) -> Bool {
      lhs.offset < rhs.offset
    }
  }

  private struct Sleeper {
    let deadline: Instant
    let continuation: CheckedContinuation<Void, any Error>
  }

  private struct State {
    var now = Instant(offset: .zero)
    var sleepers: [Int: Sleeper] = [:]
    var cancelled: Set<Int> = []
    var nextSleeper = 0
  }

  private let start: Date
  private let state = Mutex(State())
  /// Sent each time a task begins to wait.
  private let asleep = Signal<Void>()

  /// A clock that begins at `start`, by default the real time cut to whole seconds, so that it can go through JSON and back.
  public init(start: Date = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down))) {
    self.start = start
  }

  /// Where the clock stands.
  public var now: Instant { state.withLock(\.now) }

  /// The smallest step, which is as good as any here.
  public var minimumResolution: Duration { .nanoseconds(1) }

  /// Where the clock stands, as a date.
  public var date: Date {
    let (seconds, attoseconds) = now.offset.components
    return start.addingTimeInterval(Double(seconds) + Double(attoseconds) / 1e18)
  }

  /// Moves the clock forward and wakes everybody whose time has come, the earliest first.
  public func advance(by duration: Duration) {
    let due = state.withLock { state in
      state.now = state.now.advanced(by: duration)
      let due = state.sleepers.filter { $0.value.deadline <= state.now }
      for key in due.keys { state.sleepers[key] = nil }
      return due.values.sorted { $0.deadline < $1.deadline }
    }
    for sleeper in due { sleeper.continuation.resume() }
  }

  /// Waits until the clock has been moved to `deadline`; throws `CancellationError` when the task is cancelled before.
  public func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
    let id = state.withLock { state in
      defer { state.nextSleeper += 1 }
      return state.nextSleeper
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        begin(id, Sleeper(deadline: deadline, continuation: continuation))
      }
    } onCancel: {
      cancel(id)
    }
  }

  /// Waits until at least `count` tasks sleep on this clock, so that a test can move it knowing that somebody notices.
  ///
  /// - Throws: `TimedOut` after `limit` of real time.
  public func waitForSleepers(_ count: Int = 1, limit: Duration = .seconds(10)) async throws {
    let enough: @Sendable () -> Bool = { self.state.withLock { $0.sleepers.count >= count } }
    if enough() { return }
    try await asleep.next("\(count) tasks asleep on the clock", limit: limit) { _ in enough() }
  }

  private func begin(_ id: Int, _ sleeper: Sleeper) {
    enum Outcome { case due, cancelled, waiting }
    let outcome: Outcome = state.withLock { state in
      if state.cancelled.remove(id) != nil { return .cancelled }
      if sleeper.deadline <= state.now { return .due }
      state.sleepers[id] = sleeper
      return .waiting
    }
    switch outcome {
    case .due: sleeper.continuation.resume()
    case .cancelled: sleeper.continuation.resume(throwing: CancellationError())
    case .waiting: asleep.send()
    }
  }

  private func cancel(_ id: Int) {
    let sleeper = state.withLock { state in
      let sleeper = state.sleepers.removeValue(forKey: id)
      // Cancelled before it began to wait: `begin` has to know.
      if sleeper == nil { state.cancelled.insert(id) }
      return sleeper
    }
    sleeper?.continuation.resume(throwing: CancellationError())
  }
}
