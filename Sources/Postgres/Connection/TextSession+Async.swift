import EventLoop
import Query

/// The same for tasks.
extension TextSession {
  /// Opens a connection without a limit on its statements; tries each host that is silent once.
  ///
  /// - Throws: `.unavailable`.
  static func open(_ parameters: ConnectionParameters, loop: EventLoop) async throws(DatabaseError) -> TextSession {
    var result: Result<TextSession, DatabaseError> = .failure(.unavailable(reason: "the loop was shut down"))
    for rotation in 0..<parameters.hosts.count {
      let (attempt, isOver) = await withUnsafeContinuation {
        (waiter: UnsafeContinuation<(Result<TextSession, DatabaseError>, Bool), Never>) in
        let isTaken = loop.execute {
          Connector(parameters, rotation: rotation, loop: loop) { outcome in
            switch outcome {
            case .open(let handle): waiter.resume(returning: (.success(TextSession(handle: handle, loop: loop)), true))
            case .failed(let reason): waiter.resume(returning: (.failure(.unavailable(reason: reason)), true))
            case .timedOut(let reason): waiter.resume(returning: (.failure(.unavailable(reason: reason)), false))
            }
          }.start()
        }
        if !isTaken { waiter.resume(returning: (.failure(.unavailable(reason: "the loop was shut down")), true)) }
      }
      result = attempt
      if isOver { break }
    }
    let session = try result.get()
    do throws(DatabaseError) {
      try await session.query("SET statement_timeout = 0")
    } catch {
      loop.execute { session.close() }
      throw error
    }
    return session
  }

  /// Runs text; a cancelled task closes the connection.
  ///
  /// - Returns: the rows of the last statement.
  /// - Throws: `.server` with the server's own words, `.unknownOutcome` when the connection was lost.
  @discardableResult
  func query(_ text: String, _ parameters: [String] = []) async throws(DatabaseError) -> Rows {
    let result = await withTaskCancellationHandler {
      await withUnsafeContinuation { (waiter: UnsafeContinuation<Result<Rows, DatabaseError>, Never>) in
        let isTaken = loop.execute { self.send(text, parameters) { waiter.resume(returning: $0) } }
        if !isTaken { waiter.resume(returning: .failure(.unavailable(reason: "the loop was shut down"))) }
      }
    } onCancel: {
      loop.execute { self.close() }
    }
    return try result.get()
  }

  /// Ends the connection from any thread.
  func end() {
    loop.execute { self.close() }
  }
}
