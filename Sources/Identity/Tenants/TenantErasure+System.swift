import Query
import Tenancy

/// Erases what deleted tenants left behind, some thousand rows at a time, the tenants in turns.
///
/// A request that had entered before the delete may still write, so a tenant is erased again until ten seconds have passed.
public struct TenantErasure: Sendable {
  /// Rows a transaction deletes: well under a second's work.
  private static let batch = 2000
  /// The pool's own is meant for people who wait.
  private static let deadline = Duration.seconds(15)

  private let database: Database

  /// An erasure in `database`.
  public init(database: Database) { self.database = database }

  /// Erases until no deleted tenant has rows left that could be erased now; safe to run anywhere at any time, several times at
  /// once.
  /// - Parameter failed: told of each tenant whose erasure failed; the others are gone on with, and this one is tried again at the
  ///   next run.
  /// - Returns: how many tenants were worked on.
  /// - Throws: `DatabaseError` when the tenants could not even be listed.
  @discardableResult
  public func run(
    failed: (ID<Tenant>, DatabaseError) -> Void = { _, _ in }
  ) async throws(DatabaseError) -> Int {
    var seen: Set<ID<Tenant>> = []
    var finished: Set<ID<Tenant>> = []
    while !Task.isCancelled {
      let waiting = try await database.run(ListErasures(), repeatable: true).filter { !finished.contains($0) }
      guard !waiting.isEmpty else { break }
      for tenant in waiting where !Task.isCancelled {
        seen.insert(tenant)
        do {
          let (_, left) = try await database.run(
            EnterErasedTenant(tenant: tenant), EraseTenantRows(tenant: tenant, most: Self.batch),
            deadline: Self.deadline, repeatable: true)
          if left.first != true { finished.insert(tenant) }
        } catch {
          finished.insert(tenant)
          failed(tenant, error)
        }
      }
    }
    return seen.count
  }
}

/// Deleted tenants with rows left, the longest waiting first.
struct ListErasures: SystemStatement {
  static let sql: SQL = "SELECT tenant_id FROM tenant_erasures ORDER BY requested_at LIMIT 1000"

  static func decode(_ row: inout Row) throws(DecodingFault) -> ID<Tenant> { try row.next() }
}

/// Makes the transaction a deleted tenant's; never a living one's.
struct EnterErasedTenant: SystemStatement {
  static let sql: SQL = """
    SELECT set_config('app.tenant_id', tenant_id::text, true) FROM tenant_erasures e
    WHERE tenant_id = $1 AND NOT EXISTS (SELECT FROM tenants t WHERE t.id = e.tenant_id)
    """
  let tenant: ID<Tenant>

  func bind(to binder: inout Binder) { binder.bind(tenant) }
  static func decode(_ row: inout Row) throws(DecodingFault) {}
}

/// Deletes some rows of the tenant, and the note of its erasure when there were none any more.
///
/// True when rows were deleted, so that there may be more; false when there were none, or another node is deleting them.
struct EraseTenantRows: SystemStatement {
  static let sql: SQL = """
    WITH erased AS MATERIALIZED (
      SELECT erase_tenant_rows($2) AS rows WHERE current_tenant() = $1
    ), finished AS (
      DELETE FROM tenant_erasures e USING erased
      WHERE e.tenant_id = $1 AND erased.rows = 0 AND e.requested_at < now() - interval '10 seconds'
    )
    SELECT coalesce(rows, 0) > 0 FROM erased
    """
  let tenant: ID<Tenant>
  let most: Int

  func bind(to binder: inout Binder) {
    binder.bind(tenant)
    binder.bind(Int32(most))
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Bool { try row.next() }
}
