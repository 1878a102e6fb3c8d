import Foundation
import Postgres
import TestSupport
import Testing

@Suite("roles.sql")
struct RolesTests {
  @Test("the roles that log in have no power beyond their grants and are members of nothing")
  func attributes() async throws {
    let rows = try await TestDatabase.shared().administer(
      """
      SELECT rolname FROM pg_roles
      WHERE rolname IN ('qiao_app', 'qiao_worker') AND rolcanlogin
        AND NOT (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)
        AND NOT EXISTS (SELECT FROM pg_auth_members WHERE member = pg_roles.oid)
      ORDER BY 1
      """)
    #expect(rows == [["qiao_app"], ["qiao_worker"]])
  }

  @Test("nobody logs in as the owner, and everything in the schema is the owner's")
  func owner() async throws {
    let database = try await TestDatabase.shared()
    #expect(try await database.administer("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'qiao_owner'") == [["f"]])
    let foreign = try await database.administer(
      """
      SELECT relname FROM pg_class
      WHERE relnamespace = 'public'::regnamespace AND relowner <> 'qiao_owner'::regrole
      """)
    #expect(foreign.isEmpty)
  }

  @Test("neither PUBLIC nor the roles that log in can make objects or connect without a grant")
  func publicRights() async throws {
    let rows = try await TestDatabase.shared().administer(
      """
      SELECT has_schema_privilege('qiao_app', 'public', 'CREATE'), has_schema_privilege('qiao_worker', 'public', 'CREATE'),
        has_database_privilege('qiao_app', current_database(), 'TEMPORARY'),
        has_database_privilege('pg_monitor', current_database(), 'CONNECT'),
        has_database_privilege('qiao_app', current_database(), 'CONNECT')
      """)
    #expect(rows == [["f", "f", "f", "f", "t"]])
  }

  @Test("a role that was given more is put back by the next run")
  func repair() async throws {
    let database = try await TestDatabase.shared()
    let roles = try String(contentsOfFile: "\(TestDatabase.sqlFolder)/roles.sql", encoding: .utf8)
    // In one transaction that is rolled back: the other tests use the same roles.
    let rows = try await database.administer(
      """
      BEGIN;
      ALTER ROLE qiao_worker BYPASSRLS CREATEDB;
      GRANT qiao_owner TO qiao_worker;
      \(roles)
      CREATE TEMPORARY TABLE seen ON COMMIT DROP AS
        SELECT rolbypassrls OR rolcreatedb AS more, pg_has_role('qiao_worker', 'qiao_owner', 'MEMBER') AS member
        FROM pg_roles WHERE rolname = 'qiao_worker';
      SELECT * FROM seen
      """)
    #expect(rows == [["f", "f"]])
  }

  @Test("the server's URI logs in as the server's role, and migrating twice applies nothing the second time")
  func login() async throws {
    let database = try await TestDatabase.shared()
    let roles = try String(contentsOfFile: "\(TestDatabase.sqlFolder)/roles.sql", encoding: .utf8)
    let files = try Migrator.files(in: "\(TestDatabase.sqlFolder)/migrations")
    #expect(!files.isEmpty)
    #expect(try await Migrator(uri: database.adminURI).migrate(roles: roles, files: files).isEmpty)
    for (uri, role) in [(database.appURI, "qiao_app"), (database.workerURI, "qiao_worker")] {
      #expect(try await TestDatabase.query(uri, "SELECT current_user") == [[role]])
    }
  }
}
