import Foundation
import Postgres

/// The migrated database all tests of this process share.
///
/// It is made anew at the first use, on the server that `QIAO_TEST_DATABASE_URL` names (a superuser's URI); `script/test` starts one and
/// throws it away. Each test makes tenants of its own, so no test minds the others.
public struct TestDatabase: Sendable {
  /// Why there is no database to test with, in one line.
  public struct Failure: Error, CustomStringConvertible {
    /// What went wrong and what to do.
    public let description: String
  }

  /// As the superuser, whom no policy binds: to look at what the server wrote, never for the server itself.
  public let adminURI: String
  /// As `qiao_app`, the server's role.
  public let appURI: String
  /// As `qiao_worker`, the workers' role.
  public let workerURI: String

  /// The database of this process.
  /// - Throws: `Failure`, or `Migrator.Failure` when a migration does not apply.
  public static func shared() async throws -> TestDatabase {
    try await made.value
  }

  /// A further database, empty and unmigrated, for tests of migrating itself; without the roles' privileges.
  /// - Returns: the superuser's URI of it.
  /// - Throws: `Failure`.
  public static func empty() async throws -> String {
    try await create(on: server()).text
  }

  /// A migrated database of its own, for a test that would disturb the others.
  /// - Throws: as `shared`.
  public static func separate() async throws -> TestDatabase { try await make() }

  /// The folder `sql` of the checkout.
  public static var sqlFolder: String {
    URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../sql").standardized.path(
      percentEncoded: false)
  }

  /// Runs statements as the superuser and gives back the rows of the last as text, `nil` for NULL.
  /// - Throws: `Failure` with the server's message.
  @discardableResult
  public func administer(_ sql: String) async throws -> [[String?]] {
    try await Self.query(adminURI, sql)
  }

  /// Runs statements at any URI and gives back the rows of the last as text, `nil` for NULL.
  /// - Throws: `Failure` with the server's message.
  public static func query(_ uri: String, _ sql: String) async throws -> [[String?]] {
    try await PlainConnection.run(uri) { try $0.execute(sql) }
  }

  // One for the process: every test waits for the same work.
  private static let made = Task { try await make() }

  private static func make() async throws -> TestDatabase {
    let server = try server()
    let database = try await create(on: server)
    let roles = try String(contentsOfFile: "\(sqlFolder)/roles.sql", encoding: .utf8)
    let files = try Migrator.files(in: "\(sqlFolder)/migrations")
    _ = try await Migrator(uri: database.text).migrate(roles: roles, files: files)
    try await givePasswords(server)
    return TestDatabase(
      adminURI: database.text, appURI: database.role("qiao_app").text, workerURI: database.role("qiao_worker").text)
  }

  private static func server() throws -> ConnectionURI {
    guard let text = ProcessInfo.processInfo.environment["QIAO_TEST_DATABASE_URL"], !text.isEmpty else {
      throw Failure(
        description: "QIAO_TEST_DATABASE_URL is not set: run the tests with script/test (script/test --filter X)")
    }
    return try ConnectionURI(text)
  }

  private static func create(on server: ConnectionURI) async throws -> ConnectionURI {
    let name = "qiao_test_\(UUID().uuidString.lowercased().replacing("-", with: ""))"
    try await PlainConnection.run(server.text) { connection in
      // Its roles are about to get other passwords, which would lock that Qiao out.
      guard
        try connection.execute("SELECT FROM pg_stat_activity WHERE datname = 'qiao' AND usename LIKE 'qiao\\_%'")
          .isEmpty
      else { throw Failure(description: "a Qiao runs on the server of QIAO_TEST_DATABASE_URL: use a throwaway one") }
      try connection.execute("CREATE DATABASE \(name)")
    }
    return server.database(name)
  }

  /// The roles that log in get the superuser's own password, so that several processes that test on one server agree on it.
  private static func givePasswords(_ server: ConnectionURI) async throws {
    guard let password = server.password?.replacing("'", with: "''") else { return }
    try await PlainConnection.run(server.text) { connection in
      // In a transaction behind a lock: two that alter the same role at once would fail with "tuple concurrently updated".
      try connection.execute(
        """
        BEGIN;
        LOCK TABLE pg_authid IN SHARE ROW EXCLUSIVE MODE;
        ALTER ROLE qiao_app PASSWORD '\(password)';
        ALTER ROLE qiao_worker PASSWORD '\(password)';
        COMMIT
        """)
    }
  }
}
