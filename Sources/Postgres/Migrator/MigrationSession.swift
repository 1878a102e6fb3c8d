import Query

/// One run of the migrator on its connection.
struct MigrationSession {
  /// "qiao" in ASCII: the key of the advisory lock.
  private static let lock = 0x7169_616F

  private let connection: TextSession

  init(_ connection: TextSession) {
    self.connection = connection
  }

  func migrate(roles: String?, files: [Migrator.File]) async throws(Migrator.Failure) -> [String] {
    try await run("SELECT pg_advisory_lock(\(Self.lock))", of: "lock")
    if let roles {
      try await run(roles, of: "roles.sql")
      try await run("SET ROLE qiao_owner", of: "roles.sql")
    }
    let landed = try await landed()
    for name in landed.keys.sorted() where !files.contains(where: { $0.name == name }) {
      throw Migrator.Failure(description: "'\(name)' is applied but its file is missing: use the files it came with")
    }
    var applied: [String] = []
    for file in files.sorted(by: { $0.name < $1.name }) {
      let checksum = try await checksum(file)
      guard let known = landed[file.name] else {
        try await apply(file, checksum: checksum)
        applied.append(file.name)
        continue
      }
      guard known == checksum else {
        throw Migrator.Failure(
          description: "'\(file.name)' was edited after it was applied: restore it and put the change into a new file")
      }
    }
    return applied
  }

  /// Names and checksums of the files that were applied.
  private func landed() async throws(Migrator.Failure) -> [String: String] {
    try await run(
      """
      CREATE TABLE IF NOT EXISTS schema_migrations (
        name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())
      """, of: "schema_migrations")
    let rows = try await run("SELECT name, checksum FROM schema_migrations", of: "schema_migrations")
    var landed: [String: String] = [:]
    for row in rows { if let name = row[0] { landed[name] = row[1] ?? "" } }
    return landed
  }

  private func apply(_ file: Migrator.File, checksum: String) async throws(Migrator.Failure) {
    do throws(Migrator.Failure) {
      try await run("BEGIN", of: file.name)
      try await run(file.text, of: file.name)
      guard await isInTransaction() else {
        throw Migrator.Failure(
          description:
            "\(file.name): it ends the transaction it runs in; part of it may be applied, which only a person can tell")
      }
      try await run(
        "INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)", [file.name, checksum], of: file.name)
      try await run("COMMIT", of: file.name)
    } catch {
      _ = try? await connection.query("ROLLBACK")
      throw error
    }
  }

  private func isInTransaction() async -> Bool {
    await withUnsafeContinuation { (waiter: UnsafeContinuation<Bool, Never>) in
      let isTaken = connection.loop.execute { waiter.resume(returning: connection.isInTransaction) }
      if !isTaken { waiter.resume(returning: false) }
    }
  }

  /// SHA-256 in hexadecimal, computed by the server.
  private func checksum(_ file: Migrator.File) async throws(Migrator.Failure) -> String {
    let rows = try await run(
      "SELECT encode(sha256(convert_to($1, 'UTF8')), 'hex')", [file.text], of: file.name)
    guard let checksum = rows.first?.first ?? nil else {
      throw Migrator.Failure(description: "\(file.name): no checksum")
    }
    return checksum
  }

  @discardableResult
  private func run(
    _ text: String, _ parameters: [String] = [], of what: String
  ) async throws(Migrator.Failure) -> TextSession.Rows {
    do throws(DatabaseError) {
      return try await connection.query(text, parameters)
    } catch {
      throw Migrator.Failure(description: "\(what): \(Self.explanation(error))")
    }
  }

  private static func explanation(_ error: DatabaseError) -> String {
    switch error {
    case .server(let state, let message): "\(message) (SQLSTATE \(state))"
    case .unknownOutcome: "the connection to the database was lost"
    default: error.reason
    }
  }
}
