import Query

/// What needs a connection of its own.
extension PostgresPool {
  /// Runs a text of several statements on a connection of its own, without a time limit; for migrations and tools.
  ///
  /// - Throws: `.server` with the server's message; `.unavailable` when there is no connection; `.unknownOutcome`.
  public func script(_ text: String) async throws(DatabaseError) {
    let session = try await session()
    defer { session.end() }
    try await session.query(text)
  }

  /// Listens to a channel on a connection of its own until the stream is dropped or the pool is shut down.
  ///
  /// It begins with `.listening`. After a loss it connects again and yields `.reconnected`, so that callers can drop what they
  /// cached. Up to 4096 notifications wait for the reader.
  public func notifications(_ channel: String) -> AsyncStream<PostgresNotification> {
    let (stream, continuation) = AsyncStream.makeStream(
      of: PostgresNotification.self, bufferingPolicy: .bufferingOldest(4096))
    let listener = Listener(channel: channel, core: core, stream: continuation)
    let (core, loop) = (core, loop)
    continuation.onTermination = { _ in
      loop.execute {
        listener.stop()
        core.listeners.removeValue(forKey: ObjectIdentifier(listener))
      }
    }
    let isTaken = loop.execute {
      guard !core.isStopping else { return listener.stop() }
      core.listeners[ObjectIdentifier(listener)] = listener
      listener.start()
    }
    if !isTaken { continuation.finish() }
    return stream
  }

  /// A connection that runs text; whoever gets it ends it.
  func session() async throws(DatabaseError) -> TextSession {
    try await TextSession.open(try core.parameters(), loop: loop)
  }
}
