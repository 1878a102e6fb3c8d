import EventLoop
import Foundation
import Identity
import Logging
import Postgres
import Tenancy
import TestSupport
import Testing

/// What becomes of the rows of deleted tenants, on databases of their own.
@Suite struct TenantErasureTests {
  private let database: TestDatabase
  private let erasure: TenantErasure

  init() async throws {
    database = try await TestDatabase.separate()
    let pool = PostgresPool(
      PostgresConfiguration(uri: database.appURI, connections: 1), loop: EventLoop(name: "erasure"),
      logger: Logger(label: "erasure") { _ in SwiftLogNoOpLogHandler() })
    erasure = TenantErasure(database: Database(pool: pool))
  }

  @Test("a tenant with many rows is erased in batches, and a dozen others with it")
  func large() async throws {
    let large = try await deleted(people: 12_000)
    for _ in 0..<12 { _ = try await deleted(people: 1) }
    // As the housekeeper does: what a busy machine kept from ending is gone on with at the next run.
    _ = try await eventually("the rows to be gone", limit: .seconds(60)) {
      try await erasure.run()
      return try await rows() == 0 ? true : nil
    }
    // A request that was on its way may have written since.
    try await database.administer(
      "INSERT INTO api_keys (tenant_id, id, name, key_hash, scopes) VALUES ('\(large)', '\(large)', 'k', '', '{}')")
    try await database.administer("UPDATE tenant_erasures SET requested_at = now() - interval '11 seconds'")
    // As the housekeeper does: what a busy machine kept from ending is gone on with at the next run.
    _ = try await eventually("the rows to be gone", limit: .seconds(60)) {
      try await erasure.run()
      return try await rows() == 0 ? true : nil
    }
    #expect(try await database.administer("SELECT FROM tenant_erasures").isEmpty)
    #expect(try await erasure.run() == 0)
  }

  @Test("one tenant whose erasure fails keeps no other from being erased")
  func failing() async throws {
    let stuck = try await deleted(people: 1)
    let other = try await deleted(people: 1)
    try await database.administer(
      """
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN IF OLD.tenant_id = '\(stuck)' THEN RAISE 'no'; END IF; RETURN OLD; END $$;
      CREATE TRIGGER refuse BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION refuse()
      """)
    var failed: [String] = []
    try await erasure.run { tenant, _ in failed.append(tenant.description) }
    #expect(failed == [stuck])
    let left = try await database.administer("SELECT DISTINCT tenant_id FROM users")
    #expect(left.map { $0[0] } == [stuck])
    #expect(other != stuck)
  }

  @Test("a living tenant is not erased, whatever is noted")
  func living() async throws {
    let tenant = try await deleted(people: 1)
    try await database.administer("INSERT INTO tenants (id, slug, name) VALUES ('\(tenant)', 'back', 'Back')")
    #expect(try await erasure.run() == 1)
    #expect(try await rows() > 0)
  }

  /// A deleted tenant with rows in tables that refer to each other.
  private func deleted(people: Int) async throws -> String {
    let tenant = UUID().uuidString.lowercased()
    try await database.administer(
      """
      INSERT INTO tenant_erasures (tenant_id) VALUES ('\(tenant)');
      INSERT INTO identity_applications (tenant_id, id, slug, name) VALUES ('\(tenant)', '\(tenant)', 'a', 'A');
      INSERT INTO users (tenant_id, id, identity_application_id, origin)
        SELECT '\(tenant)', gen_random_uuid(), '\(tenant)', 'local' FROM generate_series(1, \(people));
      INSERT INTO federated_identities (tenant_id, id, identity_application_id, user_id, app_id, openid)
        SELECT tenant_id, id, tenant_id, id, 'wx1', id::text FROM users WHERE tenant_id = '\(tenant)';
      INSERT INTO sessions (tenant_id, id, identity_application_id, user_id, amr, auth_time, last_seen_at, idle_expires_at,
          expires_at)
        SELECT tenant_id, id, tenant_id, id, '{wechat}', now(), now(), now(), now() FROM users
        WHERE tenant_id = '\(tenant)'
      """)
    return tenant
  }

  private func rows() async throws -> Int {
    let counts = try await database.administer(
      """
      SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM federated_identities) + (SELECT count(*) FROM sessions)
        + (SELECT count(*) FROM identity_applications) + (SELECT count(*) FROM api_keys)
      """)
    return Int(counts[0][0] ?? "") ?? -1
  }
}
