import EventLoop
import FoundationEssentials
import Logging
import Query
import Testing

@testable import Postgres

private struct Tables: Statement {
  static let sql: SQL = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
  static func decode(_ row: inout Row) throws(DecodingFault) -> String { try row.next() }
}

private struct Landed: Statement {
  static let sql: SQL = "SELECT name, checksum FROM schema_migrations ORDER BY name"
  static func decode(_ row: inout Row) throws(DecodingFault) -> [String] { [try row.next(), try row.next()] }
}

@Suite(.cluster, .timeLimit(.minutes(3)))
struct MigratorTests {
  private let one = Migrator.File(
    name: "0001_one.sql", text: "CREATE TABLE one (id bigint);\nINSERT INTO one VALUES (1);\n")
  private let two = Migrator.File(name: "0002_two.sql", text: "CREATE TABLE two (id bigint) -- no semicolon")

  /// Runs `body` with a pool on an empty database of its own.
  private func withDatabase(_ name: String, _ body: (PostgresPool, Migrator) async throws -> Void) async throws {
    try await withPool(connections: 1) { try await $0.script("CREATE DATABASE \(name)") }
    let uri = try cluster.uri(database: name)
    try await withPool(uri: uri) { pool in
      let migrator = Migrator(pool: pool, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
      try await body(pool, migrator)
    }
  }

  @Test("files are applied in order, once, with their SHA-256")
  func applies() async throws {
    try await withDatabase("applies") { pool, migrator in
      #expect(try await migrator.migrate(files: [one]) == ["0001_one.sql"])
      #expect(try await migrator.migrate(files: [two, one]) == ["0002_two.sql"])
      #expect(try await migrator.migrate(files: [one, two]) == [])
      try await pool.expect(Tables(), ["one", "schema_migrations", "two"])
      let landed = try await pool.run(Landed())
      #expect(landed.map { $0[0] } == ["0001_one.sql", "0002_two.sql"])
      // printf of the text above into sha256sum.
      #expect(landed[0][1] == "a1c93aaa5ce772a8a4d48e974b4c8e983ccb6d3adf9324c9524e5048d091312a")
    }
  }

  @Test("an edited or missing file is refused and nothing further is applied")
  func refuses() async throws {
    try await withDatabase("refuses") { pool, migrator in
      _ = try await migrator.migrate(files: [one])
      let edited = Migrator.File(name: one.name, text: one.text + " ")
      await #expect { try await migrator.migrate(files: [edited, two]) } throws: { "\($0)".contains("edited") }
      await #expect { try await migrator.migrate(files: [two]) } throws: { "\($0)".contains("missing") }
      try await pool.expect(Tables(), ["one", "schema_migrations"])
    }
  }

  @Test("a file that fails leaves nothing behind and names itself and its fault")
  func fails() async throws {
    try await withDatabase("fails") { pool, migrator in
      let broken = Migrator.File(name: "0002_broken.sql", text: "CREATE TABLE half (id bigint); SELECT nonsense")
      await #expect { try await migrator.migrate(files: [one, broken]) } throws: { error in
        "\(error)".contains("0002_broken.sql") && "\(error)".contains("nonsense")
      }
      try await pool.expect(Tables(), ["one", "schema_migrations"])
      #expect(try await migrator.migrate(files: [one, two]) == ["0002_two.sql"])
    }
  }

  @Test("a file that ends its transaction is refused")
  func commits() async throws {
    try await withDatabase("commits") { pool, migrator in
      let file = Migrator.File(name: "0001_commits.sql", text: "SELECT 1; COMMIT; SELECT 2")
      await #expect { try await migrator.migrate(files: [file]) } throws: { "\($0)".contains("transaction") }
      try await pool.expect(Landed(), [])
    }
  }

  @Test("of migrators that run at the same time one applies a file, the others find it done")
  func concurrent() async throws {
    try await withDatabase("concurrent") { pool, migrator in
      let files = [one, two, Migrator.File(name: "0003_slow.sql", text: "SELECT pg_sleep(0.2)")]
      let applied = try await withThrowingTaskGroup { group in
        for _ in 0..<4 { group.addTask { try await migrator.migrate(files: files) } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(applied.sorted { $0.count < $1.count } == [[], [], [], files.map(\.name)])
      #expect(try await pool.run(Landed()).count == 3)
    }
  }

  @Test("roles are made first and their owner owns what the files make")
  func roles() async throws {
    struct Owner: Statement {
      static let sql: SQL = "SELECT DISTINCT tableowner::text FROM pg_tables WHERE schemaname = 'public'"
      static func decode(_ row: inout Row) throws(DecodingFault) -> String { try row.next() }
    }
    try await withDatabase("roles") { pool, _ in
      let roles = """
        DO $$ BEGIN
          IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'qiao_owner') THEN CREATE ROLE qiao_owner; END IF;
        END $$;
        GRANT CREATE ON SCHEMA public TO qiao_owner
        """
      let uri = try cluster.uri(database: "roles")
      #expect(try await Migrator(uri: uri).migrate(roles: roles, files: [one]) == ["0001_one.sql"])
      #expect(try await Migrator(uri: uri).migrate(roles: roles, files: [one]) == [])
      try await pool.expect(Owner(), ["qiao_owner"])
    }
  }

  @Test("an address without a server is told")
  func unreachable() async throws {
    let port = try PrivateCluster.freePort()
    let migrator = Migrator(uri: try cluster.uri(host: "127.0.0.1", port: port))
    await #expect { try await migrator.migrate(files: []) } throws: { "\($0)".contains("cannot connect") }
  }

  @Test("a folder gives its files in order, and refuses strange names and double numbers")
  func folder() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "qiao-migrations-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func write(_ name: String) throws { try Data("SELECT 1".utf8).write(to: folder.appending(path: name)) }
    try write("0002_b.sql")
    try write("0001_a.sql")
    try write("README.md")
    #expect(try Migrator.files(in: folder.path).map(\.name) == ["0001_a.sql", "0002_b.sql"])
    try write("0002_c.sql")
    #expect { try Migrator.files(in: folder.path) } throws: { "\($0)".contains("same number") }
    try write("draft.sql")
    #expect { try Migrator.files(in: folder.path) } throws: { "\($0)".contains("draft.sql") }
    #expect(throws: Migrator.Failure.self) { try Migrator.files(in: folder.path + "/absent") }
  }
}
