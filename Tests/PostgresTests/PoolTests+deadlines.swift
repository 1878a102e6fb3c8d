import Testing

@testable import Postgres

/// Queues that are full, deadlines and cancelled callers.
extension PoolTests {
  @Test("a full queue refuses at once")
  func queueFull() async throws {
    try await withPool(connections: 1, queueLimit: 3, pipelineDepth: 1) { pool in
      await withTaskGroup { group in
        group.addTask { #expect(await pool.failure(Sleep(milliseconds: 2000)) == nil) }
        while !Task.isCancelled, await pool.inspect({ $0.connections.values.first?.inFlight }) != 1 {
          await Task.yield()
        }
        for number in 0..<3 { group.addTask { #expect(await pool.failure(Echo(number)) == nil) } }
        while pool.gauges.waiters < 3 { await Task.yield() }
        guard case .unavailable = await pool.failure(Echo(4)) else {
          Issue.record("it was not refused")
          return
        }
      }
      #expect(pool.gauges.waiters == 0)
      try await pool.expect(Echo(5), [5])
    }
  }

  @Test("after a deadline the next batch on the connection gets its own answer")
  func deadline() async throws {
    try await withPool(connections: 1) { pool in
      let backend = try await pool.run(BackendID())
      #expect(await pool.failure(Sleep(milliseconds: 900), deadline: .milliseconds(100)) == .timeout(sent: true))
      #expect(await pool.failure(Echo(1), deadline: .milliseconds(60)) == .timeout(sent: false))
      try await pool.expect(Echo(7), [7])
      try await pool.expect(BackendID(), backend)
    }
  }

  @Test("batches sent behind a slow one get their own answers after its deadline")
  func deadlineInPipeline() async throws {
    try await withPool(connections: 1) { pool in
      _ = try await pool.run(Echo(0))
      await withTaskGroup { group in
        group.addTask {
          let error = await pool.failure(Sleep(milliseconds: 500), deadline: .milliseconds(100))
          #expect(error == .timeout(sent: true))
        }
        while !Task.isCancelled, await pool.inspect({ $0.connections.values.first?.inFlight }) != 1 {
          await Task.yield()
        }
        for number in 0..<20 { group.addTask { #expect(await pool.echoes(number)) } }
      }
    }
  }

  @Test("1000 cancelled callers return at once and leave nothing behind")
  func cancelled() async throws {
    try await withPool(name: "many", connections: 2) { pool in
      try await pool.until { pool.gauges.idle == 2 }
      try await withPool(connections: 1) { holder in
        try await holder.transaction { transaction in
          _ = try await transaction.run(TakeLock(number: 1000))
          // Nobody can be answered: some are sent, the others wait, all are still here when they are cancelled.
          let tasks = (0..<1000).map { number in
            Task { await pool.failure(PassLock(lock: 1000, number: number)) }
          }
          while !Task.isCancelled,
            await pool.inspect({ $0.connections.values.map(\.inFlight).reduce($0.pending.count, +) }) < 1000
          { await Task.yield() }
          for task in tasks { task.cancel() }
          var sent = 0
          for task in tasks {
            let error = await task.value
            #expect(error == .timeout(sent: true) || error == .timeout(sent: false))
            sent += error == .timeout(sent: true) ? 1 : 0
          }
          #expect(sent == 128)
        }
      }
      try await withThrowingTaskGroup { group in
        for number in 0..<50 { group.addTask { try await pool.expect(Echo(number), [number]) } }
        try await group.waitForAll()
      }
      try await pool.until { pool.gauges == PostgresGauges(idle: 2, busy: 0, connecting: 0, waiters: 0) }
      let left = await pool.inspect { $0.connections.values.map(\.inFlight) + [$0.pending.count, $0.delayed.count] }
      #expect(left == [0, 0, 0, 0])
      try await pool.expect(CountConnections(name: "many"), [2])
    }
  }

  @Test("a task that is cancelled before it begins sends nothing")
  func cancelledBefore() async throws {
    try await withPool { pool in
      let task = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        return await pool.failure(Echo(1))
      }
      #expect(await task.value == .timeout(sent: false))
    }
  }
}
