/// How to reach PostgreSQL and how much of it to use.
public struct PostgresConfiguration: Sendable {
  /// A libpq connection URI; several hosts and `target_session_attrs` work (libpq chapter 34.1.1.3).
  public let uri: String
  /// Shown in `pg_stat_activity`.
  public let applicationName: String
  /// Connections kept open. About four a core of the server: batches are pipelined, more connections only cost it memory.
  public let connections: Int
  /// Batches that may wait for a connection before further ones are refused.
  public let queueLimit: Int
  /// Batches in flight on one connection.
  public let pipelineDepth: Int
  /// How long a batch may take, waiting included, unless it says otherwise.
  public let deadline: Duration

  /// A configuration.
  public init(
    uri: String, applicationName: String = "qiao", connections: Int = 4, queueLimit: Int = 4096, pipelineDepth: Int = 64,
    deadline: Duration = .seconds(5)
  ) {
    self.uri = uri
    self.applicationName = applicationName
    self.connections = connections
    self.queueLimit = queueLimit
    self.pipelineDepth = pipelineDepth
    self.deadline = deadline
  }
}

/// How busy a pool is.
public struct PostgresGauges: Sendable, Equatable {
  /// Connections without a batch in flight.
  public var idle = 0
  /// Connections with one or more.
  public var busy = 0
  /// Connections that are being opened or wait to be.
  public var connecting = 0
  /// Batches that wait for a connection.
  public var waiters = 0

  /// Nothing at all.
  public init() {}
}
