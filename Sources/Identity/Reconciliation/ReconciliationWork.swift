import Jobs
import Synchronization
import Tenancy

/// The work of the profile reconciler that comes from reconciliations: a slice of a run is a claim.
public final class ReconciliationWork: Work {
  /// Between two looks for applications whose `reconcile_every` is over.
  private static let looking = Duration.seconds(1)

  private let reconciler: Reconciler
  /// A connection of its own for the sign of life, so that it does not wait behind a batch.
  private let heartbeat: Database
  private let lookAt = Mutex<ContinuousClock.Instant?>(nil)

  /// Runs what `reconciler` finds; `heartbeat` renews the leases.
  public init(_ reconciler: Reconciler, heartbeat: Database) {
    self.reconciler = reconciler
    self.heartbeat = heartbeat
  }

  /// The `kind` of jobs and metrics.
  public let kind = "profile_reconciliation"
  /// Runs of so many tenants at once; each has up to 32 calls to WeChat under way.
  public let concurrency = 4

  /// Leases due runs, and queues those that `reconcile_every` asks for.
  public func claim(_ lease: Lease, limit: Int) async throws -> [ReconciliationClaim] {
    let isTime = lookAt.withLock { at in
      guard at.map({ $0 <= .now }) ?? true else { return false }
      at = .now + Self.looking
      return true
    }
    if isTime { try await reconciler.queueScheduled() }
    return try await reconciler.claim(lease, limit: limit)
  }

  /// Brings a run on for one slice.
  public func handle(_ claim: ReconciliationClaim) async throws -> Handled {
    switch try await reconciler.work(claim) {
    case .finished(let count), .paused(_, let count): .done(count)
    case .heldUp: .failed
    case .cancelled: .done(0)
    case .lost: .lost
    }
  }

  /// Prolongs the holder's leases.
  public func renew(_ lease: Lease) async throws {
    _ = try await heartbeat.run(
      RenewReconciliations(lease: lease), deadline: .seconds(lease.seconds / 3), repeatable: true)
  }

  /// Gives the holder's runs back.
  public func release(_ lease: Lease) async throws {
    _ = try await heartbeat.run(ReleaseReconciliations(holder: lease.holder), deadline: .seconds(2), repeatable: true)
  }

  /// Seconds the run that is due longest waits.
  public func lag() async throws -> Double {
    try await heartbeat.run(OldestDueReconciliation(), repeatable: true).first ?? 0
  }
}
