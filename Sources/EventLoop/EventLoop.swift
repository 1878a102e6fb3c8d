import CEpoll
import Glibc
import Synchronization

/// One thread that waits on descriptors and timers (epoll) and runs what is handed to it, one thing at a time.
///
/// libpq and libcurl want a thread of their own that never blocks; Swift's pool threads must not wait for sockets, and
/// Dispatch's sources are not safe on Linux. The rule of the thread: `execute`, `enqueue` and `shutdown` may be called from
/// anywhere; `watch`, `update`, `unwatch`, `schedule`, `cancel` and `atTurnEnd` only on the loop's thread, which is where all
/// handlers run. It lives until `shutdown`.
public final class EventLoop: @unchecked Sendable {
  // Unchecked: `submitted` has its lock and `thread` is atomic; every other variable belongs to the loop's thread (`run`).

  /// A timer that was scheduled.
  public struct TimerID: Hashable, Sendable {
    fileprivate let number: UInt64
  }

  /// A handler that runs at the end of each turn.
  public struct TurnEndID: Hashable, Sendable {
    fileprivate let number: UInt64
  }

  private struct Submitted {
    var work: [@Sendable () -> Void] = []
    var isStopped = false
  }

  private let epoll: Int32
  private let wake: Int32
  private let thread = Atomic<UInt>(0)
  private let submitted = Mutex(Submitted())
  private var watches: [Int32: (interest: Interest, handler: (Interest) -> Void)] = [:]
  private var timers = TimerQueue()
  private var turnEnds: [(id: TurnEndID, handler: () -> Void)] = []
  private var lastTurnEnd: UInt64 = 0

  /// Starts the thread.
  /// - Parameter name: shown by the system's tools, at most 15 bytes.
  public init(name: String) {
    epoll = qiao_epoll_create()
    wake = qiao_eventfd()
    precondition(epoll >= 0 && wake >= 0, "the system gave no descriptor for an event loop")
    _ = qiao_epoll_control(epoll, 1, wake, qiao_epoll_in)
    SystemThread.start(name: name) { [self] in run() }
  }

  deinit {
    // Not at the end of `run`: somebody may be about to write to `wake`, and the number could belong to another by then.
    close(epoll)
    close(wake)
  }

  /// True on the loop's own thread.
  public var isCurrent: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

  /// Hands work to the loop; returns at once.
  ///
  /// Work runs in the order it was handed over.
  /// - Returns: false after `shutdown`: the work will not run, so whoever waits for it has to be told.
  @discardableResult
  public func execute(_ work: @escaping @Sendable () -> Void) -> Bool {
    let (isTaken, mustWake) = submitted.withLock { submitted in
      guard !submitted.isStopped else { return (false, false) }
      submitted.work.append(work)
      return (true, submitted.work.count == 1)
    }
    if mustWake { signal() }
    return isTaken
  }

  /// Ends the thread after the work handed over so far; timers and watches are dropped without a call.
  public func shutdown() {
    submitted.withLock { $0.isStopped = true }
    signal()
  }

  /// Watches a descriptor, or changes what it is watched for; level-triggered.
  ///
  /// Loop thread only.
  ///
  /// Call it again after a library may have closed the descriptor and opened another under the same number: only this, not
  /// `update`, enters it anew.
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

  /// Changes what a watched descriptor is watched for.
  ///
  /// Loop thread only.
  public func update(_ descriptor: Int32, to interest: Interest) {
    guard let watch = watches[descriptor], watch.interest != interest else { return }
    self.watch(descriptor, for: interest, watch.handler)
  }

  /// Stops watching; call it before the descriptor is closed.
  ///
  /// Loop thread only.
  public func unwatch(_ descriptor: Int32) {
    guard watches.removeValue(forKey: descriptor) != nil else { return }
    _ = qiao_epoll_control(epoll, 2, descriptor, 0)
  }

  /// Runs `handler` once after `delay`, never early, up to a millisecond late.
  ///
  /// Loop thread only.
  @discardableResult
  public func schedule(after delay: Duration, _ handler: @escaping () -> Void) -> TimerID {
    TimerID(number: timers.add(.now + delay, handler))
  }

  /// Forgets a timer that has not fired.
  ///
  /// Loop thread only.
  public func cancel(_ timer: TimerID) {
    timers.cancel(timer.number)
  }

  /// Runs `handler` at the end of each turn, before the loop waits: the place to flush what the turn gathered.
  ///
  /// Loop thread only.
  @discardableResult
  public func atTurnEnd(_ handler: @escaping () -> Void) -> TurnEndID {
    lastTurnEnd += 1
    let id = TurnEndID(number: lastTurnEnd)
    turnEnds.append((id, handler))
    return id
  }

  /// Forgets a handler of `atTurnEnd`.
  ///
  /// Loop thread only.
  public func cancel(_ turnEnd: TurnEndID) {
    turnEnds.removeAll { $0.id == turnEnd }
  }

  private func signal() {
    var one: UInt64 = 1
    _ = write(wake, &one, 8)
  }

  // MARK: The thread

  private func run() {
    thread.store(UInt(pthread_self()), ordering: .relaxed)
    var work: [@Sendable () -> Void] = []
    var descriptors = [Int32](repeating: 0, count: 64)
    var events = [UInt32](repeating: 0, count: 64)
    while true {
      let isLast = takeWork(&work)
      for item in work { item() }
      work.removeAll(keepingCapacity: true)
      // Before the wait: the wake-up of `shutdown` may have been read already.
      if isLast { break }
      fireTimers()
      for end in turnEnds { end.handler() }
      let count = qiao_epoll_wait(epoll, &descriptors, &events, 64, waitMilliseconds())
      for index in 0..<max(0, Int(count)) { handle(descriptors[index], events[index]) }
    }
    // Handlers may hold on to the loop, and the loop holds on to them.
    watches.removeAll()
    timers = TimerQueue()
    turnEnds.removeAll()
  }

  /// Exchanges the list for the one handed over; true when there will never be more.
  private func takeWork(_ work: inout [@Sendable () -> Void]) -> Bool {
    submitted.withLock { submitted in
      swap(&work, &submitted.work)
      return submitted.isStopped
    }
  }

  private func handle(_ descriptor: Int32, _ bits: UInt32) {
    guard descriptor != wake else {
      var counter: UInt64 = 0
      _ = read(wake, &counter, 8)
      return
    }
    // An earlier handler of this turn may have stopped watching.
    guard let watch = watches[descriptor] else { return }
    var ready: Interest = []
    if bits & (qiao_epoll_in | qiao_epoll_failed) != 0 { ready.insert(.read) }
    if bits & (qiao_epoll_out | qiao_epoll_failed) != 0 { ready.insert(.write) }
    watch.handler(ready)
  }

  private func fireTimers() {
    // One reading of the clock: a timer that a handler schedules for now has to wait for the next turn.
    let now = ContinuousClock.now
    while let handler = timers.popDue(now) { handler() }
  }

  /// Until the next timer, rounded up so that the loop does not spin through the last millisecond.
  private func waitMilliseconds() -> Int32 {
    guard let next = timers.nextDeadline() else { return -1 }
    let left = ContinuousClock.now.duration(to: next)
    guard left > .zero else { return 0 }
    let (seconds, attoseconds) = left.components
    return Int32(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
  }
}
