import FoundationEssentials
import Query
import Secrets
import Tenancy

/// Seals again, with the first master key, everything that another key sealed: online, tenant by tenant, in batches.
///
/// A value that changed meanwhile was sealed with the first key by whoever changed it, so a batch writes only where the old
/// bytes are still there. Each batch goes on after the last id, so a large tenant costs what its rows cost. Safe to stop and to
/// run again.
public struct KeyRotation: Sendable {
  /// Rows a statement.
  private static let batch = 200

  private let database: Database
  private let ring: KeyRing

  /// A rotation in `database`, connected as the server's own role.
  public init(database: Database, ring: KeyRing) {
    self.database = database
    self.ring = ring
  }

  /// What a rotation did.
  public struct Report: Sendable, Equatable {
    /// Values sealed again.
    public var resealed = 0
    /// Values that do not open with any key of the ring; they are left as they are.
    public var unreadable = 0
  }

  /// Goes through all tenants; `progress` is told after each.
  /// - Throws: `DatabaseError`.
  public func run(progress: (_ tenants: Int, _ report: Report) -> Void) async throws(DatabaseError) -> Report {
    var report = Report()
    var after: ID<Tenant>?
    var count = 0
    while true {
      let tenants = try await database.run(ListTenantsToReseal(after: after), repeatable: true)
      guard let last = tenants.last else { return report }
      for tenant in tenants {
        try await reseal(tenant, &report)
        count += 1
        progress(count, report)
      }
      after = last
    }
  }

  private func reseal(_ tenant: ID<Tenant>, _ report: inout Report) async throws(DatabaseError) {
    try await reseal(SealedColumns.PrivateSigningKeys.self, of: tenant, &report)
    try await reseal(SealedColumns.AppSecrets.self, of: tenant, &report)
    try await reseal(SealedColumns.PushTokens.self, of: tenant, &report)
    try await reseal(SealedColumns.PushKeys.self, of: tenant, &report)
    try await reseal(SealedColumns.AppAccessTokens.self, of: tenant, &report)
    try await reseal(SealedColumns.SessionKeys.self, of: tenant, &report)
    try await reseal(SealedColumns.UserOAuthTokens.self, of: tenant, &report)
    try await reseal(SealedColumns.Authenticators.self, of: tenant, &report)
  }

  private func reseal<Column: SealedColumn>(
    _ column: Column.Type, of tenant: ID<Tenant>, _ report: inout Report
  ) async throws(DatabaseError) {
    let enter = EnterTenantToReseal(tenant: tenant)
    var after: UUID?
    while true {
      let found = try await database.run(
        enter, FindSealedValues<Column>(after: after, limit: Self.batch), repeatable: true
      ).1
      guard let last = found.last else { return }
      var values: [(old: SealedValue, new: [UInt8])] = []
      for value in found where KeyRing.keyID(of: value.sealed) != ring.currentKeyID {
        let place = KeyRing.Place(tenant: tenant.uuid, table: Column.table, column: Column.column, row: value.row)
        guard let plain = try? ring.open(value.sealed, for: place) else {
          report.unreadable += 1
          continue
        }
        values.append((value, ring.seal(plain, for: place)))
      }
      if !values.isEmpty {
        report.resealed += try await database.run(enter, StoreResealedValues<Column>(values: values)).1.count
      }
      after = last.id
    }
  }
}
