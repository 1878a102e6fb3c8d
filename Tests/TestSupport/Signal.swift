import Synchronization

/// What a test waits for instead of sleeping: values that were sent, in order, each kept until somebody takes it.
public final class Signal<Value: Sendable>: Sendable {
  private let stream: AsyncStream<Value>
  private let continuation: AsyncStream<Value>.Continuation

  /// A signal that nobody has sent yet.
  public init() {
    (stream, continuation) = AsyncStream.makeStream(of: Value.self)
  }

  /// Sends one value; can be called from anywhere and never waits.
  public func send(_ value: Value) {
    continuation.yield(value)
  }

  /// Takes values until one satisfies `wanted` and gives that one back; those before it are dropped.
  ///
  /// One task waits at a time: two would take values from each other.
  /// - Throws: `TimedOut`, naming `what`, after `limit`.
  @discardableResult
  public func next(
    _ what: String,
    limit: Duration = .seconds(10),
    where wanted: @escaping @Sendable (Value) -> Bool = { _ in true }
  ) async throws -> Value {
    try await waitFor(what, limit: limit) { [stream] in
      for await value in stream where wanted(value) {
        return value
      }
      throw CancellationError()
    }
  }
}

extension Signal<Void> {
  /// Sends the bare fact.
  public func send() {
    send(())
  }
}
