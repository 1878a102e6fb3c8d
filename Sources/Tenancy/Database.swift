import Postgres
import Query

/// A statement that runs inside one tenant, under row-level security.
public protocol TenantStatement: Statement {}

/// A statement on the tables that belong to no tenant; lives in a file named `*+System.swift`.
public protocol SystemStatement: Statement {}

/// The database before a tenant is known.
///
/// It takes system statements only. `scoped(to:)` is the one way to a tenant's rows.
public struct Database: Sendable {
  private let pool: PostgresPool

  /// A database over a pool that somebody runs.
  public init(pool: PostgresPool) {
    self.pool = pool
  }

  /// Runs a system statement in one round trip and returns its rows.
  /// - Parameter deadline: how long it may take, waiting included; `nil` for the pool's own.
  /// - Throws: `DatabaseError`.
  public func run<S: SystemStatement>(
    _ statement: S, deadline: Duration? = nil, repeatable: Bool = false
  ) async throws(DatabaseError) -> [S.Output] {
    try await pool.run(statement, deadline: deadline, repeatable: repeatable)
  }

  /// Runs two system statements as one transaction in one round trip.
  /// - Throws: `DatabaseError`.
  public func run<First: SystemStatement, Second: SystemStatement>(
    _ first: First, _ second: Second, deadline: Duration? = nil, repeatable: Bool = false
  ) async throws(DatabaseError) -> ([First.Output], [Second.Output]) {
    try await pool.run(first, second, deadline: deadline, repeatable: repeatable)
  }

  /// The rows of one tenant.
  public func scoped(to tenant: TenantScope) -> TenantDatabase {
    TenantDatabase(pool: pool, tenant: tenant)
  }
}
