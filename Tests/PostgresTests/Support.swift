import EventLoop
import Logging
import Query
import Synchronization
import Testing

@testable import Postgres

/// The server of the suite.
var cluster: PrivateCluster {
  get throws { try #require(WithCluster.cluster) }
}

/// Runs `body` with a pool on a loop of its own and ends both.
@discardableResult
func withPool<Value: Sendable>(
  uri: String? = nil, name: String = "test", connections: Int = 2, queueLimit: Int = 4096,
  connectTimeout: Duration = .seconds(2), deadline: Duration = .seconds(20), pipelineDepth: Int = 64,
  _ body: (PostgresPool) async throws -> Value
) async throws -> Value {
  let configuration = PostgresConfiguration(
    uri: try uri ?? cluster.uri, applicationName: name, connections: connections, queueLimit: queueLimit,
    connectTimeout: connectTimeout, defaultDeadline: deadline, pipelineDepth: pipelineDepth)
  let loop = EventLoop(name: "test")
  defer { loop.shutdown() }
  let pool = PostgresPool(configuration, loop: loop, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  do {
    let value = try await body(pool)
    await pool.shutdown()
    return value
  } catch {
    await pool.shutdown()
    throw error
  }
}

extension PostgresPool {
  /// Asks the server until `isTrue` or 20 s have passed.
  func until(_ isTrue: () async throws -> Bool) async throws {
    let limit = ContinuousClock.now + .seconds(20)
    while try await !isTrue() {
      guard ContinuousClock.now < limit else { throw NeverHappened() }
      _ = try? await run(Echo(0), deadline: .seconds(5))
    }
  }

  /// Reads the state of the core on its thread.
  func inspect<Value: Sendable>(_ body: @escaping @Sendable (PoolCore) -> Value) async -> Value {
    await withCheckedContinuation { done in
      loop.execute { [core] in done.resume(returning: body(core)) }
    }
  }

  /// Expects these rows.
  func expect<S: Statement>(
    _ statement: S, _ rows: [S.Output], sourceLocation: SourceLocation = #_sourceLocation
  ) async throws where S.Output: Equatable {
    let got = try await run(statement)
    #expect(got == rows, sourceLocation: sourceLocation)
  }

  /// True when the server gives a number back.
  func echoes(_ number: Int) async -> Bool {
    let rows = try? await run(Echo(number))
    return rows == [number]
  }

  /// The error of a batch that must fail.
  func failure<each S: Statement>(
    _ statement: repeat each S, deadline: Duration? = nil, repeatable: Bool = false
  ) async -> DatabaseError? {
    do {
      _ = try await run(repeat each statement, deadline: deadline, repeatable: repeatable)
      return nil
    } catch {
      return error
    }
  }
}

extension PostgresTransaction {
  /// Expects these rows.
  func expect<S: Statement>(
    _ statement: S, _ rows: [S.Output], sourceLocation: SourceLocation = #_sourceLocation
  ) async throws where S.Output: Equatable {
    let got = try await run(statement)
    #expect(got == rows, sourceLocation: sourceLocation)
  }
}

struct NeverHappened: Error {}

/// Closed until somebody opens it.
final class Gate: Sendable {
  private let state = Mutex<(isOpen: Bool, waiters: [CheckedContinuation<Void, Never>])>((false, []))

  func open() {
    let waiters = state.withLock { state in
      defer { state = (true, []) }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }

  func wait() async {
    await withCheckedContinuation { waiter in
      let isOpen = state.withLock { state in
        if !state.isOpen { state.waiters.append(waiter) }
        return state.isOpen
      }
      if isOpen { waiter.resume() }
    }
  }
}
