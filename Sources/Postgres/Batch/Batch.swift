import Query
import Synchronization

/// The statements of one transaction and the caller who waits for them.
final class Batch: @unchecked Sendable {
  // Unchecked: built by the caller's task, from `submit` on the loop thread's alone, read by the task again once it was told.
  // `isCancelled` is atomic.

  let slots: [any Slot]
  let deadline: ContinuousClock.Instant
  let isRepeatable: Bool
  /// The transaction it is part of; `nil` for a transaction of its own.
  let lease: Lease?
  /// Set from any thread before the loop is told.
  let isCancelled = Atomic<Bool>(false)

  /// The loop has it.
  var isSubmitted = false
  /// Times it was sent.
  var attempts = 0
  /// Times it met a stale prepared statement.
  var stalePlans = 0
  /// When it was last sent.
  var sentAt: ContinuousClock.Instant?
  /// Why the current attempt was rolled back.
  var error: DatabaseError?
  /// The current attempt met a stale prepared statement.
  var isStale = false
  /// Waiting for the outcome; `nil` once told.
  private var waiter: UnsafeContinuation<DatabaseError?, Never>?

  init(_ slots: [any Slot], deadline: ContinuousClock.Instant, isRepeatable: Bool, lease: Lease? = nil) {
    self.slots = slots
    self.deadline = deadline
    self.isRepeatable = isRepeatable
    self.lease = lease
  }

  /// Nobody waits for it any more.
  var isFinished: Bool { waiter == nil }

  /// Before it is submitted.
  func wait(_ waiter: UnsafeContinuation<DatabaseError?, Never>) {
    self.waiter = waiter
  }

  /// Tells the caller, once.
  func finish(_ error: DatabaseError?) {
    guard let waiter else { return }
    self.waiter = nil
    waiter.resume(returning: error)
  }

  /// Makes it as good as new for another attempt.
  func reset() {
    error = nil
    isStale = false
    sentAt = nil
    for slot in slots { slot.reset() }
  }
}
