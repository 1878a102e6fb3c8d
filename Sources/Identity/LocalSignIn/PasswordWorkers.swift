import EventLoop
import FoundationEssentials
import Glibc
import Synchronization

/// The threads that passwords are hashed on: half of the processors, and a queue that is full at some point.
///
/// A hash takes about 32 MiB and tens of milliseconds of one processor. On threads of their own they cannot stop what else the
/// server does, and a flood of sign-ins is refused at the door instead of waiting in memory. The threads give way to all others:
/// where every processor is busy, a sign-in gets a tenth of one, and who has a token already does not feel it.
public final class PasswordWorkers: Sendable {
  /// Those of the process.
  public static let shared = PasswordWorkers(
    threads: max(1, ProcessInfo.processInfo.activeProcessorCount / 2), waitingPerThread: 16)

  /// How far the threads stand back, of 19 (setpriority(2)).
  private static let niceness: Int32 = 10

  private let threads: [EventLoop]
  private let limit: Int
  private let state = Mutex(State())

  private struct State {
    var admitted = 0
    var next = 0
  }

  /// Workers on `threads` threads, which take up to `waitingPerThread` sign-ins each before more are refused.
  public init(threads: Int, waitingPerThread: Int) {
    self.threads = (0..<threads).map { EventLoop(name: "passwords-\($0)") }
    limit = threads * waitingPerThread
    // On Linux the priority is the calling thread's own.
    for thread in self.threads { thread.execute { _ = setpriority(Int32(PRIO_PROCESS.rawValue), 0, Self.niceness) } }
  }

  deinit {
    for thread in threads { thread.shutdown() }
  }

  /// Takes one of the places of sign-ins; who gets one gives it back with `leave`.
  /// - Returns: false when all are taken.
  func enter() -> Bool {
    state.withLock { state in
      guard state.admitted < limit else { return false }
      state.admitted += 1
      return true
    }
  }

  /// Gives a place back.
  func leave() { state.withLock { $0.admitted -= 1 } }

  /// Does `work` on one of the threads, in turn.
  func run<Result: Sendable>(_ work: @escaping @Sendable () -> Result) async -> Result {
    let thread = state.withLock { state in
      state.next = (state.next + 1) % threads.count
      return threads[state.next]
    }
    // Nobody shuts the threads down while somebody holds their owner.
    return await withCheckedContinuation { continuation in
      thread.execute { continuation.resume(returning: work()) }
    }
  }
}
