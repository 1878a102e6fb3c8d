import CLibpq
import EventLoop
import Query

/// Opening connections and opening them again.
extension PoolCore {
  /// Longest pause between attempts to connect.
  private static let longestPause = Duration.seconds(2)

  /// Opens one connection after `failures` attempts that failed.
  func connect(failures: Int) {
    guard !isStopping else { return }
    let parameters: ConnectionParameters
    do throws(DatabaseError) {
      parameters = try self.parameters()
    } catch {
      tell(error.reason)
      return connectLater(failures: failures + 1)
    }
    let rotation = rotation
    var identity: ObjectIdentifier?
    let connector = Connector(parameters, rotation: rotation, loop: loop) { [weak self] outcome in
      guard let self else {
        if case .open(let handle) = outcome { PQfinish(handle) }
        return
      }
      if let identity { connectors.removeValue(forKey: identity) }
      switch outcome {
      case .open(let handle): opened(handle, failures: failures)
      case .failed(let reason):
        tell(reason)
        connectLater(failures: failures + 1)
      case .timedOut(let reason):
        // Several attempts that met the same silent host move on by one, not by one each.
        self.rotation = max(self.rotation, rotation + 1)
        tell(reason)
        connectLater(failures: failures + 1)
      }
    }
    identity = ObjectIdentifier(connector)
    connectors[ObjectIdentifier(connector)] = connector
    connector.start()
  }

  /// What connections are opened with.
  func parameters() throws(DatabaseError) -> ConnectionParameters {
    try ConnectionParameters(
      uri: configuration.uri, applicationName: configuration.applicationName, timeout: configuration.connectTimeout)
  }

  /// 50 ms, doubled with each failure up to 2 s, shortened by up to half so that not all come at once.
  func pause(failures: Int) -> Duration {
    min(.milliseconds(50) * (1 << min(max(failures - 1, 0), 6)), Self.longestPause) * Double.random(in: 0.5...1)
  }

  /// Gives up all attempts.
  func cancelConnecting() {
    for connector in connectors.values { connector.cancel() }
    connectors.removeAll()
    for timer in reconnectTimers { loop.cancel(timer) }
    reconnectTimers.removeAll()
  }

  private func connectLater(failures: Int) {
    guard !isStopping else { return }
    var id: EventLoop.TimerID?
    let timer = loop.schedule(after: pause(failures: failures)) { [weak self] in
      if let id { self?.reconnectTimers.remove(id) }
      self?.connect(failures: failures)
    }
    id = timer
    reconnectTimers.insert(timer)
  }

  private func opened(_ handle: OpaquePointer, failures: Int) {
    let connection = Connection(
      handle: handle, loop: loop, onOutcome: { [weak self] batch, outcome in self?.took(batch, outcome) },
      onClose: { [weak self] connection in self?.closed(connection) })
    guard let connection else { return connectLater(failures: failures + 1) }
    connections[ObjectIdentifier(connection)] = connection
    if shared.withLock({ $0.lastFailure.take() }) != nil { logger.notice("connected to the database again") }
  }

  private func closed(_ connection: Connection) {
    connections.removeValue(forKey: ObjectIdentifier(connection))
    if let lease = connection.lease { lost(lease) }
    connectLater(failures: 0)
  }

  /// Logs why there is no connection, once a reason.
  private func tell(_ reason: String) {
    let isNews = shared.withLock { shared in
      defer { shared.lastFailure = reason }
      return shared.lastFailure != reason
    }
    if isNews { logger.warning("cannot connect to the database", metadata: ["reason": "\(reason)"]) }
  }
}

extension DatabaseError {
  /// For the log.
  var reason: String {
    guard case .unavailable(let reason) = self else { return "\(self)" }
    return reason
  }
}
