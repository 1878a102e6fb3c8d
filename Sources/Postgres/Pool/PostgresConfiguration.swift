import Query

/// How to reach PostgreSQL and how much of it to use.
public struct PostgresConfiguration: Sendable {
  /// A libpq connection URI; several hosts and `target_session_attrs` work (libpq chapter 34.1.1.3).
  public let uri: String
  /// Shown in `pg_stat_activity`.
  public let applicationName: String
  /// Connections kept open.
  ///
  /// About four a core of the server: batches are pipelined, more connections only cost it memory.
  public let connections: Int
  /// Batches that may wait for a connection before further ones are refused.
  public let queueLimit: Int
  /// How long one attempt to connect may take.
  public let connectTimeout: Duration
  /// How long a batch may take, waiting included, unless it says otherwise.
  public let defaultDeadline: Duration
  /// Batches in flight on one connection.
  public let pipelineDepth: Int

  /// A configuration.
  public init(
    uri: String, applicationName: String = "qiao", connections: Int = 4, queueLimit: Int = 4096,
    connectTimeout: Duration = .seconds(2), defaultDeadline: Duration = .seconds(5), pipelineDepth: Int = 64
  ) {
    self.uri = uri
    self.applicationName = applicationName
    self.connections = connections
    self.queueLimit = queueLimit
    self.connectTimeout = connectTimeout
    self.defaultDeadline = defaultDeadline
    self.pipelineDepth = pipelineDepth
  }

  /// What keeps `uri` from being used, in words that quote nothing of it; `nil` when it can be tried.
  public static func fault(inURI uri: String) -> String? {
    do throws(DatabaseError) {
      _ = try ConnectionParameters(uri: uri, applicationName: "", timeout: .seconds(2))
      return nil
    } catch .unavailable(let reason) {
      return reason
    } catch {
      return "the address of the database cannot be used"
    }
  }
}
