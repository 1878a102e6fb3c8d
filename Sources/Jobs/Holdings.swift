import FoundationEssentials
import Synchronization

/// Under which names a process holds work, and how much of it is in hand.
///
/// One name is renewed as a whole. When a handler throws, its row must not be renewed any more, so new work is taken under a new
/// name; the old one is renewed until its other handlers have ended, and then left to run out.
final class Holdings: Sendable {
  private struct State {
    var current: Lease
    var leases: [UUID: Lease]
    var inHand: [UUID: Int] = [:]
  }

  private let state: Mutex<State>

  /// Holds nothing yet, under a new name.
  init(seconds: Double) {
    let first = Lease(seconds: seconds)
    state = Mutex(State(current: first, leases: [first.holder: first]))
  }

  /// What new work is taken under.
  var current: Lease { state.withLock { $0.current } }
  /// Everything that has to be given back at the end.
  var leases: [Lease] { state.withLock { Array($0.leases.values) } }

  /// False when a lease is to run out.
  func isRenewed(_ lease: Lease) -> Bool { state.withLock { $0.leases[lease.holder] != nil } }

  /// Handlers of so many claims begin.
  func took(_ count: Int, under lease: Lease) { state.withLock { $0.inHand[lease.holder, default: 0] += count } }

  /// A handler ended.
  /// - Returns: the lease to take new work under from now on, when that changed.
  func ended(under lease: Lease, threw: Bool) -> Lease? {
    state.withLock { state in
      state.inHand[lease.holder, default: 1] -= 1
      var next: Lease?
      if threw, lease.holder == state.current.holder {
        let made = Lease(seconds: lease.seconds)
        state.current = made
        state.leases[made.holder] = made
        next = made
      }
      if lease.holder != state.current.holder, state.inHand[lease.holder] == 0 {
        state.inHand[lease.holder] = nil
        state.leases[lease.holder] = nil
      }
      return next
    }
  }
}
