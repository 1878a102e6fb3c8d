import Identity
import Tenancy

extension Runtime {
  /// Runs reconciliations.
  public var reconciler: Reconciler {
    let database = Database(pool: pool)
    return Reconciler(
      database: database, directory: TenantDirectory(database: database), provider: wechat, ring: settings.masterKeys,
      now: now)
  }
}
