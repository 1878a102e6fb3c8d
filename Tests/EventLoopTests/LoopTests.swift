import Glibc
import Synchronization
import Testing

@testable import EventLoop

/// Collects what handlers saw, in order.
private final class Record: Sendable {
  private let entries = Mutex<[String]>([])
  func add(_ entry: String) { entries.withLock { $0.append(entry) } }
  var all: [String] { entries.withLock { $0 } }
}

/// Runs `body` on the loop and waits for its answer.
private func on<Value: Sendable>(_ loop: EventLoop, _ body: @escaping @Sendable () -> Value) async -> Value {
  await withCheckedContinuation { done in
    loop.execute { done.resume(returning: body()) }
  }
}

/// Starts something on the loop that calls back once.
private func waiting(_ loop: EventLoop, _ body: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void) async {
  await withCheckedContinuation { done in
    loop.execute { body { done.resume() } }
  }
}

private func pair() -> (Int32, Int32) {
  var ends: [Int32] = [0, 0]
  #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0, &ends) == 0)
  return (ends[0], ends[1])
}

@Suite(.timeLimit(.minutes(1)))
struct LoopTests {
  @Test("work runs in the order it was handed over, on the loop's thread")
  func order() async {
    let loop = EventLoop(name: "test")
    defer { loop.shutdown() }
    let record = Record()
    for number in 0..<1000 { loop.execute { record.add("\(number) \(loop.isCurrent)") } }
    #expect(await on(loop) { loop.isCurrent })
    #expect(record.all == (0..<1000).map { "\($0) true" })
    #expect(!loop.isCurrent)
  }

  @Test("work handed over from many tasks all runs")
  func manyTasks() async {
    let loop = EventLoop(name: "test")
    defer { loop.shutdown() }
    let record = Record()
    await withTaskGroup { group in
      for task in 0..<16 {
        group.addTask { for number in 0..<200 { await on(loop) { record.add("\(task)/\(number)") } } }
      }
    }
    #expect(Set(record.all).count == 3200)
    #expect(record.all.count == 3200)
  }

  @Test("a descriptor is reported readable until it is read")
  func levelTriggered() async {
    let loop = EventLoop(name: "test")
    defer { loop.shutdown() }
    let (near, far) = pair()
    #expect(write(far, "ab", 2) == 2)
    let record = Record()
    await waiting(loop) { done in
      loop.watch(near, for: .read) { ready in
        var byte: UInt8 = 0
        let count = read(near, &byte, 1)
        record.add("\(ready == .read) \(count) \(byte)")
        guard record.all.count == 2 else { return }
        loop.unwatch(near)
        done()
      }
    }
    #expect(record.all == ["true 1 97", "true 1 98"])
    close(near)
    close(far)
  }

  @Test("interest in writing is told until it is taken back")
  func interest() async {
    let loop = EventLoop(name: "test")
    defer { loop.shutdown() }
    let (near, far) = pair()
    let record = Record()
    await waiting(loop) { done in
      loop.watch(near, for: [.read, .write]) { ready in
        if ready.contains(.write) {
          record.add("write")
          loop.update(near, to: .read)
          _ = write(far, "x", 1)
        } else {
          record.add("read")
          loop.unwatch(near)
          done()
        }
      }
    }
    #expect(record.all == ["write", "read"])
    close(near)
    close(far)
  }

  @Test("the other end closing makes a descriptor ready")
  func hangUp() async {
    let loop = EventLoop(name: "test")
    defer { loop.shutdown() }
    let (near, far) = pair()
    await waiting(loop) { done in
      loop.watch(near, for: .read) { ready in
        #expect(ready.contains(.read))
        loop.unwatch(near)
        done()
      }
      close(far)
    }
    close(near)
  }

  @Test("a descriptor closed behind the loop's back and opened again under its number is watched again")
  func reusedNumber() async {
    let loop = EventLoop(name: "test")
    defer { loop.shutdown() }
    let (first, firstFar) = pair()
    let (spare, spareFar) = pair()
    await waiting(loop) { done in
      loop.watch(first, for: .read) { _ in }
      // What libpq does between two addresses: `dup2` closes the old socket and takes its number.
      #expect(dup2(spare, first) == first)
      loop.watch(first, for: .read) { _ in
        loop.unwatch(first)
        done()
      }
      _ = write(spareFar, "x", 1)
    }
    for descriptor in [first, firstFar, spare, spareFar] { close(descriptor) }
  }

  @Test("a handler may stop watching a descriptor that is ready in the same turn")
  func unwatchWithinTurn() async {
    let loop = EventLoop(name: "test")
    defer { loop.shutdown() }
    let (one, oneFar) = pair()
    let (two, twoFar) = pair()
    let record = Record()
    await on(loop) {
      for descriptor in [one, two] {
        loop.watch(descriptor, for: .read) { _ in
          record.add("called")
          loop.unwatch(one)
          loop.unwatch(two)
        }
      }
      _ = write(oneFar, "x", 1)
      _ = write(twoFar, "x", 1)
    }
    await waiting(loop) { done in _ = loop.schedule(after: .milliseconds(20)) { done() } }
    #expect(record.all == ["called"])
    for descriptor in [one, oneFar, two, twoFar] { close(descriptor) }
  }

  @Test("timers fire by deadline, never early, and not when cancelled")
  func timers() async {
    let loop = EventLoop(name: "test")
    defer { loop.shutdown() }
    let record = Record()
    let start = ContinuousClock.now
    await waiting(loop) { done in
      loop.schedule(after: .milliseconds(30)) {
        record.add("30")
        done()
      }
      let cancelled = loop.schedule(after: .milliseconds(20)) { record.add("20") }
      loop.schedule(after: .milliseconds(10)) {
        record.add("10")
        loop.cancel(cancelled)
      }
      loop.schedule(after: .zero) { record.add("0") }
    }
    #expect(record.all == ["0", "10", "30"])
    #expect(ContinuousClock.now - start >= .milliseconds(30))
  }

  @Test("the end of a turn comes after its work, until it is cancelled")
  func turnEnds() async {
    let loop = EventLoop(name: "test")
    defer { loop.shutdown() }
    let record = Record()
    let id = await on(loop) {
      let id = loop.atTurnEnd { record.add("end") }
      record.add("work")
      return id
    }
    let atCancel = await on(loop) {
      loop.cancel(id)
      return record.all
    }
    #expect(atCancel.prefix(2) == ["work", "end"])
    await on(loop) {}
    await on(loop) {}
    #expect(record.all == atCancel)
  }

  @Test("work handed over before shutdown runs, work after it is refused")
  func shutdown() async {
    let loop = EventLoop(name: "test")
    let record = Record()
    await withCheckedContinuation { done in
      loop.execute { record.add("before") }
      loop.execute { done.resume() }
      loop.shutdown()
    }
    #expect(record.all == ["before"])
    #expect(!loop.execute { record.add("after") })
  }

  @Test("a loop that was shut down lets go of what its handlers hold")
  func freed() async {
    final class Held: Sendable {
      let isGone: @Sendable () -> Void
      init(_ isGone: @escaping @Sendable () -> Void) { self.isGone = isGone }
      deinit { isGone() }
    }
    await withCheckedContinuation { gone in
      let loop = EventLoop(name: "test")
      let held = Held { gone.resume() }
      loop.execute { loop.schedule(after: .seconds(3600)) { _ = (held, loop) } }
      loop.shutdown()
    }
  }

  @Test("an actor on the loop runs on its thread, after every await too")
  func executor() async {
    actor OnLoop {
      let loop: EventLoop
      nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
      init(_ loop: EventLoop) { self.loop = loop }
      func check() async -> [Bool] {
        let before = loop.isCurrent
        await Task.yield()
        let elsewhere = await Self.elsewhere(loop)
        return [before, elsewhere, loop.isCurrent]
      }
      @concurrent private static func elsewhere(_ loop: EventLoop) async -> Bool { loop.isCurrent }
    }
    let loop = EventLoop(name: "test")
    #expect(await OnLoop(loop).check() == [true, false, true])
    loop.shutdown()
  }
}
