import Query
import Synchronization

/// One connection for one caller alone, until the caller gives it back.
final class Lease: @unchecked Sendable {
  // Unchecked: from `acquire` on the loop thread's alone; `isCancelled` is atomic.

  let deadline: ContinuousClock.Instant
  /// Set from any thread before the loop is told.
  let isCancelled = Atomic<Bool>(false)
  /// The loop has it.
  var isSubmitted = false
  /// Set aside for it, still answering others until `isGranted`; `nil` before and once the connection is lost.
  weak var connection: Connection?
  /// The caller has it.
  var isGranted = false
  private var waiter: UnsafeContinuation<DatabaseError?, Never>?

  init(deadline: ContinuousClock.Instant) {
    self.deadline = deadline
  }

  /// Nobody waits for it: it was granted or refused.
  var isFinished: Bool { waiter == nil }

  /// Before it is submitted.
  func wait(_ waiter: UnsafeContinuation<DatabaseError?, Never>) {
    self.waiter = waiter
  }

  /// Tells the caller, once; `nil` means it is granted.
  func finish(_ error: DatabaseError?) {
    guard let waiter else { return }
    self.waiter = nil
    isGranted = error == nil
    waiter.resume(returning: error)
  }
}
