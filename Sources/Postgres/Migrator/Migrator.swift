import CLibpq
import Foundation

/// Brings a database to the state of the migration files (`sql/migrations`): forward only, each file once, in order.
///
/// Holds an advisory lock, so that of several migrators one works and the others find nothing to do. Remembers the checksum of each
/// file and refuses to go on when a landed file was edited or is missing.
public struct Migrator: Sendable {
  /// One file.
  public struct File: Sendable {
    /// `NNNN_what.sql`
    public let name: String
    /// Its SQL.
    public let text: String

    /// A file of known content.
    public init(name: String, text: String) {
      self.name = name
      self.text = text
    }
  }

  /// Why the database was left as it was, in one line.
  public struct Failure: Error, Sendable, CustomStringConvertible {
    /// What went wrong and what to do.
    public let description: String
  }

  private let uri: String

  /// A migrator that connects as an administrator of the database.
  public init(uri: String) {
    self.uri = uri
  }

  /// The files of a folder, in order.
  /// - Throws: `Failure` when the folder cannot be read or a name is not `NNNN_what.sql`.
  public static func files(in folder: String) throws(Failure) -> [File] {
    do {
      let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".sql") }.sorted()
      for name in names where name.wholeMatch(of: /[0-9]{4}_[a-z0-9_]+\.sql/) == nil {
        throw Failure(description: "'\(name)' is not named NNNN_what.sql")
      }
      return try names.map { File(name: $0, text: try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8)) }
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure(description: "the migrations in '\(folder)' cannot be read")
    }
  }

  /// Runs `roles` (idempotent), then each new file in a transaction of its own as `qiao_owner`.
  /// - Returns: the names of the files that were applied.
  /// - Throws: `Failure`; a file that fails is rolled back and none after it is tried.
  public func migrate(roles: String, files: [File]) async throws -> [String] {
    let uri = uri
    return try await withCheckedThrowingContinuation { done in
      Thread {
        done.resume(with: Result { try MigrationSession(uri: uri).migrate(roles: roles, files: files) })
      }.start()
    }
  }
}

/// A plain blocking connection on the migrator's own thread.
private final class MigrationSession {
  /// "qiao" in ASCII: the key of the advisory lock.
  private static let lock = 0x7169_616F

  private let handle: OpaquePointer

  init(uri: String) throws(Migrator.Failure) {
    switch Connecting.connect(uri: uri, applicationName: "qiao-migrate") {
    case .open(let handle): self.handle = handle
    case .failed(let reason): throw Migrator.Failure(description: "cannot connect to the database: \(reason)")
    }
  }

  deinit { PQfinish(handle) }

  func migrate(roles: String, files: [Migrator.File]) throws -> [String] {
    try execute("SET statement_timeout = 0; SELECT pg_advisory_lock(\(Self.lock))", of: "lock")
    defer { _ = try? execute("SELECT pg_advisory_unlock(\(Self.lock))", of: "lock") }
    try execute(roles, of: "roles.sql")
    try execute(
      """
      SET ROLE qiao_owner;
      CREATE TABLE IF NOT EXISTS schema_migrations (
        name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())
      """, of: "schema_migrations")
    let landed = try rows("SELECT name, checksum FROM schema_migrations ORDER BY name")
    for row in landed where !files.contains(where: { $0.name == row[0] }) {
      throw Migrator.Failure(description: "'\(row[0])' is applied but its file is missing: use the files it came with")
    }
    var applied: [String] = []
    for file in files {
      let checksum = try checksum(file.text)
      if let row = landed.first(where: { $0[0] == file.name }) {
        guard row[1] == checksum else {
          throw Migrator.Failure(
            description: "'\(file.name)' was edited after it was applied: restore it and put the change into a new file")
        }
        continue
      }
      do {
        try execute(
          "BEGIN; \(file.text)\n; INSERT INTO schema_migrations (name, checksum) VALUES ('\(file.name)', '\(checksum)'); COMMIT",
          of: file.name)
      } catch {
        _ = try? execute("ROLLBACK", of: file.name)
        throw error
      }
      applied.append(file.name)
    }
    return applied
  }

  private func checksum(_ text: String) throws -> String {
    let result = text.withCString { value in
      withUnsafePointer(to: UnsafePointer<CChar>?(value)) {
        PQexecParams(handle, "SELECT encode(sha256(convert_to($1, 'UTF8')), 'hex')", 1, nil, $0, nil, nil, 0)
      }
    }
    defer { PQclear(result) }
    return try rows(of: result, "checksum")[0][0]
  }

  private func execute(_ sql: String, of what: String) throws {
    let result = PQexec(handle, sql)
    defer { PQclear(result) }
    _ = try rows(of: result, what)
  }

  private func rows(_ sql: String) throws -> [[String]] {
    let result = PQexec(handle, sql)
    defer { PQclear(result) }
    return try rows(of: result, "schema_migrations")
  }

  private func rows(of result: OpaquePointer?, _ what: String) throws -> [[String]] {
    guard [PGRES_COMMAND_OK, PGRES_TUPLES_OK].contains(PQresultStatus(result)) else {
      let message = PQresultErrorField(result, Int32(UInt8(ascii: "M"))).map { String(cString: $0) } ?? "no connection"
      throw Migrator.Failure(description: "\(what): \(message)")
    }
    return (0..<PQntuples(result)).map { row in
      (0..<PQnfields(result)).map { String(cString: PQgetvalue(result, row, $0)) }
    }
  }
}
