import CEpoll
import Foundation
import Synchronization

/// One thread that waits on descriptors and timers (epoll) and runs what is handed to it, one thing at a time.
///
/// libpq and libcurl want a thread of their own that never blocks; Swift's pool threads must not wait for sockets, and
/// Dispatch's sources are not safe on Linux. Work is handed over with `execute`; everything else (`watch`, `schedule` and
/// their handlers) happens on the loop's thread only.
public final class EventLoop: @unchecked Sendable {
  // Unchecked: `submitted` has its lock; every other variable belongs to the loop's thread (`run`).

  /// What a descriptor is watched for, and what it is ready for.
  public struct Interest: OptionSet, Sendable {
    /// Bits.
    public let rawValue: UInt8
    /// An interest of bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// Data to read, the other end closed, or an error.
    public static let read = Interest(rawValue: 1)
    /// Room to write, or an error.
    public static let write = Interest(rawValue: 2)
  }

  /// A timer that was scheduled.
  public struct TimerID: Hashable, Sendable {
    fileprivate let number: UInt64
  }

  private struct Submitted {
    var work: [@Sendable () -> Void] = []
    var isStopped = false
  }

  private struct PendingTimer {
    let deadline: ContinuousClock.Instant
    let handler: () -> Void
  }

  private let epoll: Int32
  private let wake: Int32
  private let submitted = Mutex(Submitted())
  private var watches: [Int32: (interest: Interest, handler: (Interest) -> Void)] = [:]
  private var timers: [TimerID: PendingTimer] = [:]
  private var lastTimer: UInt64 = 0
  private var tickEnds: [() -> Void] = []

  /// Starts the thread.
  /// - Parameter name: shown by the system's tools, at most 15 bytes.
  public init(name: String) {
    epoll = qiao_epoll_create()
    wake = qiao_eventfd()
    precondition(epoll >= 0 && wake >= 0, "the system gave no descriptor for an event loop")
    _ = qiao_epoll_control(epoll, 1, wake, qiao_epoll_in)
    let thread = Thread { [self] in run() }
    thread.name = name
    thread.start()
  }

  /// Hands work to the loop; returns at once. Work handed over after `shutdown` is not run.
  public func execute(_ work: @escaping @Sendable () -> Void) {
    let mustWake = submitted.withLock { submitted in
      guard !submitted.isStopped else { return false }
      submitted.work.append(work)
      return submitted.work.count == 1
    }
    if mustWake { signal() }
  }

  /// Stops the loop after the work handed over so far.
  public func shutdown() {
    submitted.withLock { $0.isStopped = true }
    signal()
  }

  /// Watches a descriptor, or changes what it is watched for; level-triggered. Loop thread only.
  public func watch(_ descriptor: Int32, for interest: Interest, _ handler: @escaping (Interest) -> Void) {
    var bits: UInt32 = 0
    if interest.contains(.read) { bits |= qiao_epoll_in }
    if interest.contains(.write) { bits |= qiao_epoll_out }
    // A descriptor that was closed and given out again is unknown to epoll under its old watch.
    if watches[descriptor] == nil || qiao_epoll_control(epoll, 3, descriptor, bits) != 0 {
      _ = qiao_epoll_control(epoll, 1, descriptor, bits)
    }
    watches[descriptor] = (interest, handler)
  }

  /// Changes what a watched descriptor is watched for. Loop thread only.
  public func update(_ descriptor: Int32, to interest: Interest) {
    guard let watch = watches[descriptor], watch.interest != interest else { return }
    self.watch(descriptor, for: interest, watch.handler)
  }

  /// Stops watching; call it before the descriptor is closed. Loop thread only.
  public func unwatch(_ descriptor: Int32) {
    guard watches.removeValue(forKey: descriptor) != nil else { return }
    _ = qiao_epoll_control(epoll, 2, descriptor, 0)
  }

  /// Runs `handler` once after `delay`. Loop thread only.
  @discardableResult
  public func schedule(after delay: Duration, _ handler: @escaping () -> Void) -> TimerID {
    lastTimer += 1
    let id = TimerID(number: lastTimer)
    timers[id] = PendingTimer(deadline: .now + delay, handler: handler)
    return id
  }

  /// Forgets a timer that has not fired. Loop thread only.
  public func cancel(_ timer: TimerID) {
    timers.removeValue(forKey: timer)
  }

  /// Runs `handler` at the end of each turn, before the loop waits: the place to flush what the turn gathered. Loop thread only.
  public func atTurnEnd(_ handler: @escaping () -> Void) {
    tickEnds.append(handler)
  }

  private func signal() {
    var one: UInt64 = 1
    _ = write(wake, &one, 8)
  }

  private func run() {
    var descriptors = [Int32](repeating: 0, count: 64)
    var events = [UInt32](repeating: 0, count: 64)
    while true {
      let (work, isStopped) = submitted.withLock { submitted in
        defer { submitted.work.removeAll(keepingCapacity: true) }
        return (submitted.work, submitted.isStopped)
      }
      for item in work { item() }
      if isStopped, work.isEmpty { break }
      fireTimers()
      for end in tickEnds { end() }
      let count = qiao_epoll_wait(epoll, &descriptors, &events, 64, waitMilliseconds())
      for index in 0..<max(0, Int(count)) {
        if descriptors[index] == wake {
          var counter: UInt64 = 0
          _ = read(wake, &counter, 8)
        } else if let watch = watches[descriptors[index]] {
          watch.handler(ready(events[index]))
        }
      }
    }
    close(epoll)
    close(wake)
  }

  private func ready(_ bits: UInt32) -> Interest {
    var ready: Interest = []
    if bits & (qiao_epoll_in | qiao_epoll_failed) != 0 { ready.insert(.read) }
    if bits & (qiao_epoll_out | qiao_epoll_failed) != 0 { ready.insert(.write) }
    return ready
  }

  private func fireTimers() {
    guard !timers.isEmpty else { return }
    let now = ContinuousClock.now
    for (id, timer) in timers.filter({ $1.deadline <= now }).sorted(by: { $0.value.deadline < $1.value.deadline })
    where timers.removeValue(forKey: id) != nil {
      timer.handler()
    }
  }

  /// Until the next timer, rounded up so that the loop does not spin through the last millisecond.
  private func waitMilliseconds() -> Int32 {
    guard let next = timers.values.lazy.map(\.deadline).min() else { return -1 }
    let left = ContinuousClock.now.duration(to: next)
    guard left > .zero else { return 0 }
    let (seconds, attoseconds) = left.components
    return Int32(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
  }
}
