import Synchronization
import Tenancy

/// Tells those who wait for a client's app access token that its refresh has ended, well or not.
///
/// Whoever listens to the channel passes on what it hears; whoever waits looks into the database afterwards, because a
/// notification says only that something happened.
public final class AppTokenArrivals: Sendable {
  /// The channel on which the end of an awaited refresh is told; the payload is the client's id.
  public static let channel = "qiao_app_tokens"

  /// One who waits for the next arrival; begins when it is made, ends when it is dropped.
  struct Waiter: Sendable {
    fileprivate let stream: AsyncStream<Void>

    /// Waits until something arrived since the waiter was made, at most for `limit`.
    func wait(atMost limit: Duration) async {
      await withTaskGroup(of: Void.self) { group in
        group.addTask { for await _ in stream { return } }
        group.addTask { try? await Task.sleep(for: limit) }
        await group.next()
        group.cancelAll()
      }
    }
  }

  private struct State {
    var next = 0
    var waiting: [String: [Int: AsyncStream<Void>.Continuation]] = [:]
  }

  private let state = Mutex(State())

  /// Nobody waits yet.
  public init() {}

  /// Wakes who waits for a client, named as in the payload.
  public func arrived(_ client: String) {
    let waiting = state.withLock { $0.waiting[client].map { Array($0.values) } ?? [] }
    for continuation in waiting { continuation.yield() }
  }

  /// Wakes everybody: notifications may have been missed.
  public func mayHaveArrived() {
    let waiting = state.withLock { $0.waiting.values.flatMap(\.values) }
    for continuation in waiting { continuation.yield() }
  }

  /// Begins to wait: what arrives from now on is not missed, even before `wait` is called.
  func waiter(for client: ID<ThirdPartyAuthzClient>) -> Waiter {
    let name = client.description
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let number = state.withLock { state in
      state.next += 1
      state.waiting[name, default: [:]][state.next] = continuation
      return state.next
    }
    continuation.onTermination = { [weak self] _ in self?.leave(name, number) }
    return Waiter(stream: stream)
  }

  /// How many wait.
  var count: Int { state.withLock { $0.waiting.values.reduce(0) { $0 + $1.count } } }

  private func leave(_ name: String, _ number: Int) {
    // Taken out first and dropped after the lock: a continuation's end may call back.
    let left = state.withLock { state in
      let left = state.waiting[name]?.removeValue(forKey: number)
      if state.waiting[name]?.isEmpty == true { state.waiting[name] = nil }
      return left
    }
    _ = left
  }
}
