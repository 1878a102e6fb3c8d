import Identity
import Tenancy

/// What the workers of reconciliation and expiry run.
extension Runtime {
  /// Runs reconciliations.
  public var reconciler: Reconciler {
    let database = Database(pool: pool)
    return Reconciler(
      database: database, directory: TenantDirectory(database: database), provider: wechat, ring: settings.masterKeys,
      now: now)
  }

  /// Sweeps what is past its life.
  public var sessionExpiry: SessionExpiry { SessionExpiry(database: Database(pool: pool)) }
}
