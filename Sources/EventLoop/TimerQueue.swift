/// Handlers by deadline: a binary heap, so that thousands of timers cost little a turn.
///
/// Pure: it is told the time. A cancelled timer leaves its handler at once and its place in the heap later.
struct TimerQueue {
  private struct Entry {
    let deadline: ContinuousClock.Instant
    let number: UInt64

    /// Equal deadlines fire in the order they were scheduled.
    func isBefore(_ other: Entry) -> Bool { (deadline, number) < (other.deadline, other.number) }
  }

  private var heap: [Entry] = []
  private var handlers: [UInt64: () -> Void] = [:]
  private var last: UInt64 = 0

  /// Timers that have neither fired nor been cancelled.
  var count: Int { handlers.count }

  /// Entries kept, cancelled ones included.
  var capacityInUse: Int { heap.count }

  /// Adds a timer and returns its number.
  mutating func add(_ deadline: ContinuousClock.Instant, _ handler: @escaping () -> Void) -> UInt64 {
    last += 1
    handlers[last] = handler
    heap.append(Entry(deadline: deadline, number: last))
    rise(from: heap.count - 1)
    return last
  }

  /// Forgets a timer; nothing happens when it fired before.
  mutating func cancel(_ number: UInt64) {
    guard handlers.removeValue(forKey: number) != nil else { return }
    // A client of libcurl sets and cancels a timer for every packet: do not keep what was cancelled until it is due.
    guard heap.count > 64, heap.count > 2 * handlers.count else { return }
    heap = heap.filter { handlers[$0.number] != nil }.sorted { $0.isBefore($1) }
  }

  /// The handler of the earliest timer whose deadline is not after `now`.
  mutating func popDue(_ now: ContinuousClock.Instant) -> (() -> Void)? {
    dropCancelled()
    guard let first = heap.first, first.deadline <= now else { return nil }
    removeFirst()
    return handlers.removeValue(forKey: first.number)
  }

  /// The earliest deadline.
  mutating func nextDeadline() -> ContinuousClock.Instant? {
    dropCancelled()
    return heap.first?.deadline
  }

  private mutating func dropCancelled() {
    while let first = heap.first, handlers[first.number] == nil { removeFirst() }
  }

  private mutating func removeFirst() {
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    sink(from: 0)
  }

  private mutating func rise(from start: Int) {
    var child = start
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].isBefore(heap[parent]) else { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  private mutating func sink(from start: Int) {
    var parent = start
    while true {
      let left = 2 * parent + 1
      let right = left + 1
      var least = parent
      if left < heap.count, heap[left].isBefore(heap[least]) { least = left }
      if right < heap.count, heap[right].isBefore(heap[least]) { least = right }
      guard least != parent else { return }
      heap.swapAt(parent, least)
      parent = least
    }
  }
}
