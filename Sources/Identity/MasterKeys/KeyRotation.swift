import FoundationEssentials
import Query
import Secrets
import Tenancy

/// Seals again, with the first master key, everything that another key sealed: online, tenant by tenant, in batches.
///
/// A value that changed meanwhile was sealed with the first key by whoever changed it, so a batch writes only where the old bytes are
/// still there. Safe to stop and to run again. What lives for minutes (tickets' answers, idempotent answers) is left to expire.
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
    var after: String?
    while true {
      let find = FindSealedValues(after: after, limit: Self.batch)
      let found = try await database.run(EnterTenantToReseal(tenant: tenant), find, repeatable: true).1
      guard let last = found.last else { return }
      for value in found where KeyRing.keyID(of: value.sealed) != ring.currentKeyID {
        let place = KeyRing.Place(tenant: tenant.uuid, table: value.table, column: value.column, row: value.row)
        guard let plain = try? ring.open(value.sealed, for: place) else {
          report.unreadable += 1
          continue
        }
        let store = StoreResealedValue(value: value, sealed: ring.seal(plain, for: place))
        let stored = try await database.run(EnterTenantToReseal(tenant: tenant), store).1
        report.resealed += stored.count
      }
      after = last.position
    }
  }
}
