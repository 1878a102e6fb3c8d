import Foundation
import TestSupport
import Testing

/// Every SQL text of the sources, against the migrated database.
@Suite struct StatementTests {
  /// A statement as it stands in the sources.
  struct Statement: Sendable {
    let file: String
    let sql: String
  }

  /// Tables that statements outside a tenant may name. A further one is a decision, not an accident.
  private static let systemTables: Set<String> = [
    "tenants", "tenant_domains", "tenant_erasures", "operator_idempotency_keys",
    "app_token_schedule", "application_schedules", "expiring_tables", "sweeps", "reconciliation_claims",
    "push_schedule", "backchannel_clients", "backchannel_logouts",
  ]

  /// Files whose system statements enter a tenant first and then work on its rows.
  private static let entering: Set<String> = [
    "KeyRotation+System.swift", "TenantErasure+System.swift", "Tenants+System.swift",
  ]

  @Test("every statement can be prepared as the server's role")
  func prepare() async throws {
    let statements = try Self.all()
    #expect(statements.count > 80)
    let database = try await TestDatabase.shared()
    for statement in statements where statement.file != "PostgresTransaction.swift" {
      do {
        try await TestDatabase.query(database.appURI, "PREPARE s AS \(statement.sql)")
      } catch {
        Issue.record("\(statement.file): \(error)\n\(statement.sql.prefix(200))")
      }
    }
  }

  @Test("no statement is put together from pieces, and each tenant statement names its tenant")
  func shape() throws {
    for statement in try Self.all() {
      #expect(!statement.sql.contains("\\("), "\(statement.file)")
      let isSystem = statement.file.hasSuffix("+System.swift") || statement.file == "OperationsRoutes.swift"
      let names = statement.sql.contains("current_tenant()") || statement.sql.contains("app.tenant_id")
      #expect(isSystem || names || !statement.sql.contains("FROM "), "\(statement.file): \(statement.sql.prefix(100))")
    }
  }

  @Test("a statement outside a tenant stands in a +System file and touches only the tables of the list")
  func system() async throws {
    let tables = Set(
      try await TestDatabase.shared().administer(
        """
        SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND relkind IN ('r', 'p')
        """
      ).compactMap { $0[0] })
    for (file, text) in try Self.sources() where text.contains(": SystemStatement {") {
      #expect(
        file.hasSuffix("+System.swift") || ["OperationsRoutes.swift", "TenantDatabase.swift"].contains(file), "\(file)")
    }
    for statement in try Self.all() where statement.file.hasSuffix("+System.swift") {
      guard !Self.entering.contains(statement.file) else { continue }
      let named = Set(statement.sql.split { !$0.isLetter && $0 != "_" }.map(String.init)).intersection(tables)
      #expect(named.isSubset(of: Self.systemTables), "\(statement.file): \(named.subtracting(Self.systemTables))")
    }
  }

  @Test("the erasure of a tenant deletes from every table that has tenants, from those that refer to others first")
  func erasure() async throws {
    let database = try await TestDatabase.shared()
    let order = try await database.administer("SELECT name FROM tables_to_erase()").compactMap { $0[0] }
    #expect(Set(order) == Set(try await Self.tenantTables()).subtracting(["tenant_erasures"]))
    let references = try await database.administer(
      "SELECT conrelid::regclass, confrelid::regclass FROM pg_constraint WHERE contype = 'f' AND conrelid <> confrelid")
    for reference in references {
      guard let child = reference[0].flatMap({ order.firstIndex(of: $0) }),
        let parent = reference[1].flatMap({ order.firstIndex(of: $0) })
      else { continue }
      #expect(child < parent, "\(reference)")
    }
  }

  @Test("the rotation of the master keys knows every sealed column that outlives a day")
  func rotation() async throws {
    let rotation = try #require(try Self.sources().first { $0.file == "SealedColumns.swift" }).text
    // They live for ten minutes, ten seconds, an hour, a day, and until a worker comes by.
    let shortLived: Set<String> = [
      "federation_transactions.session_key_sealed", "federation_transactions.carried_sealed",
      "wechat_code_exchanges.seed_sealed", "wechat_authorizations.interaction_sealed",
      "authorization_requests.ticket_sealed",
      "previous_push_settings.push_token_sealed", "previous_push_settings.push_encoding_aes_key_sealed",
      "idempotency_keys.response_sealed", "operator_idempotency_keys.response_sealed", "wechat_pushes.event_sealed",
    ]
    let columns = try await TestDatabase.shared().administer(
      """
      SELECT c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
      WHERE a.attname LIKE '%\\_sealed' AND NOT c.relispartition AND c.relkind IN ('r', 'p')
      """
    ).compactMap { $0[0] }
    #expect(columns.count >= 9)
    for column in columns where !shortLived.contains(column) {
      let parts = column.split(separator: ".")
      #expect(rotation.contains("UPDATE \(parts[0]) t SET \(parts[1]) ="), "\(column)")
    }
  }

  private static func tenantTables() async throws -> [String] {
    try await TestDatabase.shared().administer(
      """
      SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
      WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'tenant_domains'
      """
    ).compactMap { $0[0] }
  }

  private static func sources() throws -> [(file: String, text: String)] {
    let root = URL(filePath: TestDatabase.sqlFolder).appending(path: "../Sources")
    let files =
      FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)?.compactMap { $0 as? URL } ?? []
    return try files.filter { $0.pathExtension == "swift" }.map {
      ($0.lastPathComponent, try String(contentsOf: $0, encoding: .utf8))
    }
  }

  private static func all() throws -> [Statement] {
    try sources().flatMap { file, text in
      text.matches(
        of: /static let (?:sql|find|store): SQL =\s+(?:"""\n(?<long>.*?)"""|"(?<short>[^"\n]+)")/.dotMatchesNewlines()
      ).map {
        Statement(file: file, sql: String($0.long ?? $0.short ?? ""))
      }
    }
  }
}
