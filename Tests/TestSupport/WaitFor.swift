/// Something did not happen in time.
public struct TimedOut: Error, CustomStringConvertible {
  /// What was waited for.
  public let what: String
  /// How long.
  public let limit: Duration

  /// One line for the test's report.
  public var description: String { "waited \(limit) for \(what)" }
}

/// Runs `body` and gives back what it returns, unless that takes longer than `limit`: then it is cancelled.
///
/// - Throws: what `body` throws, or `TimedOut`.
public func waitFor<Value: Sendable>(
  _ what: String,
  limit: Duration = .seconds(10),
  _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
  try await withThrowingTaskGroup(of: Value.self) { group in
    group.addTask { try await body() }
    group.addTask {
      try await Task.sleep(for: limit)
      throw TimedOut(what: what, limit: limit)
    }
    defer { group.cancelAll() }
    guard let value = try await group.next() else { throw CancellationError() }
    return value
  }
}

/// Asks again and again until `condition` gives something: only for what sends no signal, like another process.
///
/// The time between two questions grows from a millisecond to fifty.
/// - Throws: what `condition` throws, or `TimedOut`.
public func eventually<Value: Sendable>(
  _ what: String,
  limit: Duration = .seconds(10),
  _ condition: @escaping @Sendable () async throws -> Value?
) async throws -> Value {
  try await waitFor(what, limit: limit) {
    var pause = Duration.milliseconds(1)
    while true {
      if let value = try await condition() { return value }
      try await Task.sleep(for: pause)
      pause = min(pause * 2, .milliseconds(50))
    }
  }
}
