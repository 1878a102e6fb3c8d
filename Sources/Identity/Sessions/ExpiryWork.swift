import Jobs
import Synchronization
import Tenancy

/// The work of the session expirer: a pass over one relation is a claim.
///
/// Relying parties of a session that ends by time are told like those of any other: a trigger sees its row go.
public final class ExpiryWork: Work {
  /// Between two looks for new partitions.
  private static let preparing = Duration.seconds(60)

  private let expiry: SessionExpiry
  private let database: Database
  /// A connection of its own for the sign of life, so that it does not wait behind a batch.
  private let heartbeat: Database
  private let prepareAt = Mutex<ContinuousClock.Instant?>(nil)

  /// Sweeps in `database`; `heartbeat` renews the leases.
  public init(database: Database, heartbeat: Database) {
    self.database = database
    self.heartbeat = heartbeat
    expiry = SessionExpiry(database: database)
  }

  /// The `kind` of jobs and metrics.
  public let kind = "session_expiry"
  /// Two relations at once: a sweep is bound by the database's disk, and logins are to have the rest of it.
  public let concurrency = 2

  /// Leases due relations, and makes partitions ahead every minute.
  public func claim(_ lease: Lease, limit: Int) async throws -> [SessionExpiry.Claim] {
    let isTime = prepareAt.withLock { at in
      guard at.map({ $0 <= .now }) ?? true else { return false }
      at = .now + Self.preparing
      return true
    }
    if isTime { try await expiry.prepare() }
    return try await expiry.claim(lease, limit: limit)
  }

  /// Sweeps a relation.
  public func handle(_ claim: SessionExpiry.Claim) async throws -> Handled {
    let outcome = try await expiry.sweep(claim)
    return outcome.lostLease ? .lost : .done(outcome.removed + outcome.closed + outcome.dropped)
  }

  /// Prolongs the holder's leases.
  public func renew(_ lease: Lease) async throws {
    _ = try await heartbeat.run(RenewSweeps(lease: lease), deadline: .seconds(lease.seconds / 3), repeatable: true)
  }

  /// Gives the holder's relations back.
  public func release(_ lease: Lease) async throws {
    _ = try await heartbeat.run(ReleaseSweeps(holder: lease.holder), deadline: .seconds(2), repeatable: true)
  }

  /// Seconds the relation that is due longest waits.
  public func lag() async throws -> Double {
    try await heartbeat.run(OldestDueSweep(), repeatable: true).first ?? 0
  }
}
