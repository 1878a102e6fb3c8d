import EventLoop
import Foundation
import Logging
import Postgres
import Query
import Secrets
import TestSupport
import Testing

@testable import Tenancy

/// What the database lets a tenant do to another one's rows: nothing.
@Suite struct IsolationTests {
  /// Two tenants with an API key each, as the superuser made them.
  private struct Two {
    let database: TestDatabase
    let tenants: TenantDirectory
    let door: Database
    let slugs: [String]
    let ids: [String]
    let pool: PostgresPool

    static func make() async throws -> Two {
      let database = try await TestDatabase.shared()
      let pool = PostgresPool(
        PostgresConfiguration(uri: database.appURI, connections: 1), loop: EventLoop(name: "isolation"),
        logger: Logger(label: "isolation") { _ in SwiftLogNoOpLogHandler() })
      let ids = [UUIDv7.make().canonical, UUIDv7.make().canonical]
      let slugs = ids.map { "i" + $0.replacing("-", with: "").suffix(20) }
      for (id, slug) in zip(ids, slugs) {
        try await database.administer(
          """
          INSERT INTO tenants (id, slug, name) VALUES ('\(id)', '\(slug)', 'Test');
          INSERT INTO api_keys (tenant_id, id, name, key_hash, scopes) VALUES ('\(id)', '\(id)', 'key', '\\x00', '{}')
          """)
      }
      let door = Database(pool: pool)
      return Two(
        database: database, tenants: TenantDirectory(database: door), door: door, slugs: slugs, ids: ids, pool: pool)
    }

    func rows(of tenant: Int) async throws -> TenantDatabase {
      door.scoped(to: try await tenants.scope(slug: slugs[tenant]))
    }
  }

  private struct CountKeys: TenantStatement {
    static let sql: SQL = "SELECT id::text FROM api_keys"
    static func decode(_ row: inout Row) throws(DecodingFault) -> String { try row.next() }
  }

  private struct Rename: TenantStatement {
    static let sql: SQL = "UPDATE api_keys SET name = 'taken' WHERE id = $1 RETURNING id::text"
    let id: UUID
    func bind(to binder: inout Binder) { binder.bind(id) }
    static func decode(_ row: inout Row) throws(DecodingFault) -> String { try row.next() }
  }

  private struct Plant: TenantStatement {
    static let sql: SQL = """
      INSERT INTO api_keys (tenant_id, id, name, key_hash, scopes) VALUES ($1, $1, 'planted', '\\x00', '{}') RETURNING 1
      """
    let tenant: UUID
    func bind(to binder: inout Binder) { binder.bind(tenant) }
    static func decode(_ row: inout Row) throws(DecodingFault) {}
  }

  private struct ReadSetting: SystemStatement {
    static let sql: SQL = "SELECT coalesce(current_setting('app.tenant_id', true), '')"
    static func decode(_ row: inout Row) throws(DecodingFault) -> String { try row.next() }
  }

  @Test("a statement without any WHERE sees only its own tenant's rows")
  func reads() async throws {
    let two = try await Two.make()
    for tenant in 0...1 { #expect(try await two.rows(of: tenant).run(CountKeys()) == [two.ids[tenant]]) }
  }

  @Test("another tenant's row cannot be changed, nor one planted there")
  func writes() async throws {
    let two = try await Two.make()
    let mine = try await two.rows(of: 0)
    let theirs = try #require(UUID(uuidString: two.ids[1]))
    #expect(try await mine.run(Rename(id: theirs)).isEmpty)
    await #expect(throws: DatabaseError.tenantUnavailable) { try await mine.run(Plant(tenant: theirs)) }
    #expect(try await two.rows(of: 1).run(CountKeys()) == [two.ids[1]])
  }

  @Test("the tenant is gone from the connection when the batch is over")
  func nothingStays() async throws {
    let two = try await Two.make()
    for round in 0..<50 {
      _ = try await two.rows(of: round % 2).run(CountKeys())
      #expect(try await two.door.run(ReadSetting()) == [""])
    }
  }

  @Test("100 interleaved callers on one connection each see their own tenant")
  func interleaved() async throws {
    let two = try await Two.make()
    let rows = [try await two.rows(of: 0), try await two.rows(of: 1)]
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for index in 0..<100 {
        group.addTask { try await rows[index % 2].run(CountKeys()) == [two.ids[index % 2]] }
      }
      for try await isOwn in group { #expect(isOwn) }
    }
  }

  @Test("a tenant that is suspended or gone reads nothing and writes nothing, whatever scope somebody still holds")
  func suspended() async throws {
    let two = try await Two.make()
    let held = try await two.rows(of: 0)
    try await two.database.administer("UPDATE tenants SET status = 'suspended' WHERE id = '\(two.ids[0])'")
    await #expect(throws: DatabaseError.tenantUnavailable) { try await held.run(CountKeys()) }
    let own = try #require(UUID(uuidString: two.ids[0]))
    await #expect(throws: DatabaseError.tenantUnavailable) { try await held.run(Plant(tenant: own)) }
    await #expect(throws: DatabaseError.tenantUnavailable) { try await held.run(Rename(id: own)) }
    let name = try await two.database.administer("SELECT name FROM api_keys WHERE id = '\(two.ids[0])'")
    #expect(name[0][0] == "key")
  }

  @Test("without a tenant nothing is visible at all")
  func noTenant() async throws {
    let two = try await Two.make()
    let rows = try await TestDatabase.query(two.database.appURI, "SELECT count(*) FROM api_keys")
    #expect(rows[0][0] == "0")
  }
}
