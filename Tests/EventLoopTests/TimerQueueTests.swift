import Testing

@testable import EventLoop

struct TimerQueueTests {
  private let start = ContinuousClock.now

  @Test("timers come out by deadline whatever the order they went in")
  func sorted() {
    var queue = TimerQueue()
    var generator = SystemRandomNumberGenerator()
    let delays = (0..<500).map { _ in Int.random(in: 0..<200, using: &generator) }
    var fired: [Int] = []
    for delay in delays { _ = queue.add(start + .milliseconds(delay)) { fired.append(delay) } }
    while let handler = queue.popDue(start + .seconds(1)) { handler() }
    #expect(fired == delays.sorted())
    #expect(queue.count == 0)
  }

  @Test("equal deadlines keep the order of scheduling")
  func stable() {
    var queue = TimerQueue()
    var fired: [Int] = []
    for number in 0..<100 { _ = queue.add(start) { fired.append(number) } }
    while let handler = queue.popDue(start) { handler() }
    #expect(fired == Array(0..<100))
  }

  @Test("a timer is not due before its deadline")
  func notEarly() {
    var queue = TimerQueue()
    _ = queue.add(start + .milliseconds(5)) {}
    #expect(queue.popDue(start + .milliseconds(4)) == nil)
    #expect(queue.nextDeadline() == start + .milliseconds(5))
    #expect(queue.popDue(start + .milliseconds(5)) != nil)
    #expect(queue.nextDeadline() == nil)
  }

  @Test("cancelled timers do not pile up")
  func compacts() {
    var queue = TimerQueue()
    for _ in 0..<10_000 { queue.cancel(queue.add(start + .seconds(60)) {}) }
    #expect(queue.count == 0)
    #expect(queue.capacityInUse <= 65)
    #expect(queue.nextDeadline() == nil)
  }

  @Test("cancelling among others keeps the rest in order")
  func cancelSome() {
    var queue = TimerQueue()
    var fired: [Int] = []
    let numbers = (0..<300).reversed().map { delay in
      (delay, queue.add(start + .milliseconds(delay)) { fired.append(delay) })
    }
    for (delay, number) in numbers where delay % 3 != 0 { queue.cancel(number) }
    while let handler = queue.popDue(start + .seconds(1)) { handler() }
    #expect(fired == (0..<300).filter { $0 % 3 == 0 })
  }
}
