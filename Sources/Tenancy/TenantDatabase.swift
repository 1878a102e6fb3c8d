import Postgres
import Query

/// The rows of one tenant: every batch enters the tenant first, in the same round trip.
///
/// The batch is one transaction. Its first statement sets `app.tenant_id` for the transaction, and only where the tenant is
/// active, so a suspended or deleted tenant reads nothing and can write nothing, on every node, from the moment its row says so.
public struct TenantDatabase: Sendable {
  private let pool: PostgresPool
  /// The tenant.
  public let tenant: TenantScope

  init(pool: PostgresPool, tenant: TenantScope) {
    self.pool = pool
    self.tenant = tenant
  }

  /// Runs one statement in one round trip and returns its rows.
  /// - Parameter repeatable: true when running it twice is as good as once; then lost connections are tried again.
  /// - Throws: `DatabaseError.tenantUnavailable` when the tenant is gone or suspended, and every other `DatabaseError`.
  public func run<S: TenantStatement>(_ statement: S, repeatable: Bool = false) async throws(DatabaseError) -> [S
    .Output]
  {
    do throws(DatabaseError) {
      let (entered, rows) = try await pool.run(EnterTenant(tenant: tenant.id), statement, repeatable: repeatable)
      guard !entered.isEmpty else { throw DatabaseError.tenantUnavailable }
      return rows
    } catch {
      throw Self.explained(error)
    }
  }

  /// Runs two statements as one transaction in one round trip.
  /// - Throws: as `run`.
  public func run<First: TenantStatement, Second: TenantStatement>(
    _ first: First, _ second: Second, repeatable: Bool = false
  ) async throws(DatabaseError) -> ([First.Output], [Second.Output]) {
    do throws(DatabaseError) {
      let (entered, firstRows, secondRows) =
        try await pool.run(EnterTenant(tenant: tenant.id), first, second, repeatable: repeatable)
      guard !entered.isEmpty else { throw DatabaseError.tenantUnavailable }
      return (firstRows, secondRows)
    } catch {
      throw Self.explained(error)
    }
  }

  /// Runs three statements as one transaction in one round trip.
  /// - Throws: as `run`.
  public func run<First: TenantStatement, Second: TenantStatement, Third: TenantStatement>(
    _ first: First, _ second: Second, _ third: Third, repeatable: Bool = false
  ) async throws(DatabaseError) -> ([First.Output], [Second.Output], [Third.Output]) {
    do throws(DatabaseError) {
      let (entered, firstRows, secondRows, thirdRows) =
        try await pool.run(EnterTenant(tenant: tenant.id), first, second, third, repeatable: repeatable)
      guard !entered.isEmpty else { throw DatabaseError.tenantUnavailable }
      return (firstRows, secondRows, thirdRows)
    } catch {
      throw Self.explained(error)
    }
  }

  /// An insert of a batch that did not enter is refused by the policy before we see that it did not enter.
  private static func explained(_ error: DatabaseError) -> DatabaseError {
    error == .denied ? .tenantUnavailable : error
  }
}

/// Makes the transaction the tenant's; no row when there is no such active tenant.
struct EnterTenant: SystemStatement {
  static let sql: SQL = """
    SELECT set_config('app.tenant_id', id::text, true) FROM tenants WHERE id = $1 AND status = 'active'
    """
  let tenant: ID<Tenant>

  func bind(to binder: inout Binder) { binder.bind(tenant) }
  static func decode(_ row: inout Row) throws(DecodingFault) {}
}
