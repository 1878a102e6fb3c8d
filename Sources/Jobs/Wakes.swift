import Postgres

/// Wakes a worker: by a notification of its kind, and at the latest after the interval.
///
/// A notification only makes it earlier. One that is lost costs at most the interval, because what is due stands in a row.
struct Wakes: Sendable {
  let stream: AsyncStream<Void>
  private let continuation: AsyncStream<Void>.Continuation

  init() {
    (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Waits for the next one; returns early when the task is cancelled.
  func next() async {
    for await _ in stream { return }
  }

  /// Passes notifications of `kind` on until the task is cancelled.
  func follow(_ pool: PostgresPool, kind: String) async {
    for await notification in pool.notifications("qiao_work") {
      switch notification {
      case .payload(let payload) where payload != kind: continue
      default: continuation.yield()
      }
    }
  }

  /// Wakes every so often, by chance a little earlier or later, until the task is cancelled.
  func tick(_ interval: Duration) async {
    while (try? await Task.sleep(for: interval * Double.random(in: 0.8...1.2))) != nil { continuation.yield() }
  }
}
