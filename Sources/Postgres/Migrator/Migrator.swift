import EventLoop
import Logging
import Query

/// Brings a database to the state of the migration files (`sql/migrations`): forward only, each file once, in order.
///
/// Holds an advisory lock, so that of several migrators one works and the others find nothing to do. Remembers the checksum of each
/// file and refuses to go on when a landed file was edited or is missing.
public struct Migrator: Sendable {
  /// Why the database was left as it was, in one line.
  public struct Failure: Error, Sendable, CustomStringConvertible {
    /// What went wrong and what to do.
    public let description: String
  }

  private enum Source: Sendable {
    case uri(String)
    case pool(PostgresPool)
  }

  private let source: Source
  private let logger: Logger?

  /// A migrator that connects as an administrator of the database, on a loop of its own.
  public init(uri: String) {
    source = .uri(uri)
    logger = nil
  }

  /// A migrator on a further connection of a pool, which an administrator or the owner of the tables has to have configured.
  public init(pool: PostgresPool, logger: Logger) {
    source = .pool(pool)
    self.logger = logger
  }

  /// Runs `roles` (idempotent), then each new file in a transaction of its own.
  ///
  /// - Parameters:
  ///   - roles: makes the role `qiao_owner`, as which the files are then run; `nil` to run them as the user who connects.
  ///   - files: all of them, those that are applied too; see `files(in:)`.
  /// - Returns: the names of the files that were applied.
  /// - Throws: `Failure`; a file that fails is rolled back and none after it is tried.
  public func migrate(roles: String? = nil, files: [File]) async throws(Failure) -> [String] {
    switch source {
    case .pool(let pool):
      return try await migrate(roles: roles, files: files) { () async throws(DatabaseError) in try await pool.session()
      }
    case .uri(let uri):
      let loop = EventLoop(name: "qiao-migrate")
      defer { loop.shutdown() }
      return try await migrate(roles: roles, files: files) { () async throws(DatabaseError) in
        let parameters = try ConnectionParameters(uri: uri, applicationName: "qiao-migrate", timeout: .seconds(5))
        return try await TextSession.open(parameters, loop: loop)
      }
    }
  }

  private func migrate(
    roles: String?, files: [File], on open: () async throws(DatabaseError) -> TextSession
  ) async throws(Failure) -> [String] {
    let connection: TextSession
    do throws(DatabaseError) {
      connection = try await open()
    } catch {
      throw Failure(description: "cannot connect to the database: \(error.reason)")
    }
    // The advisory lock goes with the connection.
    defer { connection.end() }
    let applied = try await MigrationSession(connection).migrate(roles: roles, files: files)
    logger?.info("migrated the database", metadata: ["applied": "\(applied.count)"])
    return applied
  }
}
