import Query

extension PostgresPool {
  /// Runs `body` in a transaction on a connection of its own: for what has to read before it writes.
  ///
  /// It costs a connection for as long as `body` runs, and at least two round trips; where one batch can do it, `run` is better.
  /// - Parameter deadline: for all of it, waiting for the connection included; `nil` for the configured one. The connection of a
  ///   transaction that is not over a second later is closed.
  /// - Throws: what `body` throws, after ROLLBACK; `.unknownOutcome` when the connection was lost in COMMIT.
  public nonisolated(nonsending) func transaction<Value: Sendable>(
    deadline: Duration? = nil, _ body: (PostgresTransaction) async throws -> Value
  ) async throws -> Value {
    let lease = Lease(deadline: .now + (deadline ?? configuration.defaultDeadline))
    try await acquire(lease)
    let transaction = PostgresTransaction(pool: self, lease: lease)
    do {
      let value = try await body(transaction)
      try await transaction.commit()
      loop.execute { [core] in core.release(lease, isClean: true) }
      return value
    } catch {
      let isClean = await transaction.rollback()
      loop.execute { [core] in core.release(lease, isClean: isClean) }
      throw error
    }
  }

  private func acquire(_ lease: Lease) async throws(DatabaseError) {
    let error = await withTaskCancellationHandler {
      await withUnsafeContinuation { waiter in
        lease.wait(waiter)
        let isTaken = loop.execute { [core] in core.acquire(lease) }
        if !isTaken { lease.finish(.unavailable(reason: "the loop was shut down")) }
      }
    } onCancel: {
      lease.isCancelled.store(true, ordering: .relaxed)
      loop.execute { [core] in core.cancel(lease) }
    }
    if let error { throw error }
  }
}
