import Federation
import FoundationEssentials
import Jobs
import Query
import Secrets
import Tenancy

/// Runs reconciliations in slices: claims one, brings it on for a while, hands it back, so that a run of a million identities
/// keeps nobody else waiting.
///
/// ```
///  claimed ─► page of identities ─► WeChat asked, up to 32 at once ─► one statement stores the page ─► next page
///                                        └► limit reached or away: what came before is stored, due again later
/// ```
///
/// No transaction spans a call to WeChat or two batches. Where a batch ended is stored with it, so a killed run goes on there
/// and the identities of its last, unstored batch are asked again, which changes nothing at WeChat.
public struct Reconciler: Sendable {
  /// What a slice came to.
  public enum Outcome: Sendable, Equatable {
    /// All identities are done; how many were in this slice.
    case finished(Int)
    /// Handed back, due again after a while; how many identities were in this slice.
    case paused(Duration, Int)
    /// Handed back because WeChat has a limit or is away, as the run says, due again after a while; how many identities were in this
    /// slice.
    case heldUp(Duration, Int, reason: String)
    /// Somebody cancelled it meanwhile.
    case cancelled
    /// Another worker has it now.
    case lost
  }

  /// Identities a statement takes where some can be asked: what a page costs by itself is shared by all, so 1,024 are written about a
  /// third faster than in pages of 256. Pages of 2,048 brought no more.
  static let pageSize = 1024
  /// The same where none could be asked on the page before.
  static let silentPageSize = 4000
  /// Calls under way at once.
  private static let concurrency = 32
  /// Claims in a row after which an identity that cannot be asked fails, so that one sick identity stops no run.
  private static let patience = 3
  /// Claims in a row after which a fault that is not the database's absence fails the run.
  private static let lastAttempt = 10

  let database: Database
  let directory: TenantDirectory
  let provider: any WebProvider
  let ring: KeyRing
  let now: @Sendable () -> Date
  private let slice: Duration

  /// A reconciler over `database`; `slice` is how long a run is worked on before others get their turn.
  public init(
    database: Database, directory: TenantDirectory, provider: any WebProvider, ring: KeyRing,
    slice: Duration = .seconds(2), now: @escaping @Sendable () -> Date
  ) {
    self.database = database
    self.directory = directory
    self.provider = provider
    self.ring = ring
    self.slice = slice
    self.now = now
  }

  /// Queues what `reconcile_every` asks for; any number of workers may do it at once.
  /// - Throws: `DatabaseError`.
  public func queueScheduled() async throws(DatabaseError) {
    for due in try await database.run(ListDueSchedules(), repeatable: true) {
      guard let tenant = try await rows(of: due.slug) else { continue }
      _ = try await tenant.run(QueueScheduled(application: due.application, reconciliation: .make()), repeatable: true)
    }
  }

  /// Leases at most `limit` runs that are due; tenants take turns.
  /// - Throws: `DatabaseError`.
  public func claim(_ lease: Lease, limit: Int) async throws(DatabaseError) -> [ReconciliationClaim] {
    try await database.run(ClaimReconciliations(lease: lease, limit: limit))
  }

  /// Brings a run on for one slice and hands it back; when the task is cancelled, who holds the run gives it back.
  /// - Throws: `DatabaseError`; what was stored before stays.
  public func work(_ claim: ReconciliationClaim) async throws(DatabaseError) -> Outcome {
    guard let rows = try await rows(of: claim.slug) else { return .lost }
    do {
      let outcome = try await slice(claim, rows)
      let isKept: Bool =
        switch outcome {
        case .paused(let pause, _) where !Task.isCancelled: try await handBack(claim, after: pause)
        case .heldUp(let pause, _, let reason) where !Task.isCancelled:
          try await !rows.run(HoldUpRun(claim: claim, reason: reason, pause: pause)).isEmpty
        case .lost: false
        default: true
        }
      return isKept ? outcome : try await ended(claim, rows)
    } catch {
      if error == .tenantUnavailable { return .lost }
      if !error.isTransient, claim.attempts >= Self.lastAttempt {
        _ = try? await rows.run(FinishRun(claim: claim, status: .failed, reason: error.kind), repeatable: true)
      } else {
        _ = try? await rows.run(HoldUpRun(claim: claim, reason: error.kind, pause: Self.backOff(claim.attempts)))
      }
      throw error
    }
  }

  /// What became of a run that is not this worker's any more.
  private func ended(_ claim: ReconciliationClaim, _ rows: TenantDatabase) async throws(DatabaseError) -> Outcome {
    let run = try await rows.run(FindReconciliation(reconciliation: claim.reconciliation), repeatable: true).first
    return run?.status == Reconciliation.Status.cancelled.rawValue ? .cancelled : .lost
  }

  /// Gives a run back, due again after `pause`; false when somebody else has it.
  private func handBack(_ claim: ReconciliationClaim, after pause: Duration) async throws(DatabaseError) -> Bool {
    try await !database.run(HandBackReconciliation(claim: claim, pause: pause)).isEmpty
  }

  private func rows(of slug: String) async throws(DatabaseError) -> TenantDatabase? {
    do {
      return database.scoped(to: try await directory.scope(slug: slug))
    } catch {
      if case .database(let error) = error { throw error }
      return nil
    }
  }

  private func slice(_ claim: ReconciliationClaim, _ rows: TenantDatabase) async throws(DatabaseError) -> Outcome {
    guard let run = try await rows.run(BeginRun(claim: claim), repeatable: true).first else { return .lost }
    let end = ContinuousClock.now + slice
    var batch = RunBatch(
      claim: claim, rows: rows,
      reader: ProfileReader(provider: provider, ring: ring, tenant: claim.tenant, now: now),
      concurrency: Self.concurrency, end: end, isImpatient: claim.attempts >= Self.patience, reached: run.reached)
    var limit = Self.silentPageSize
    while true {
      guard !Task.isCancelled else { return .paused(.zero, batch.done) }
      let page = try await page(run, after: batch.reached, limit: limit, rows)
      guard !page.isEmpty else {
        _ = try await rows.run(FinishRun(claim: claim, status: .succeeded, reason: nil), repeatable: true)
        return .finished(batch.done)
      }
      limit = page.contains { $0.oauthTokenSealed != nil } ? Self.pageSize : Self.silentPageSize
      switch try await batch.store(page) {
      case .stored: break
      case .lost: return .lost
      case .limited(let pause, let errcode):
        return .heldUp(pause, batch.done, reason: Self.reason("rate_limited", errcode))
      case .away(let errcode):
        return .heldUp(
          Self.backOff(claim.attempts), batch.done, reason: Self.reason("wechat_unavailable", errcode))
      }
      if ContinuousClock.now >= end { return .paused(.zero, batch.done) }
    }
  }

  /// The next identities of the run: those of its user, where it is for one.
  private func page(
    _ run: Run, after reached: UUID?, limit: Int, _ rows: TenantDatabase
  ) async throws(DatabaseError) -> [IdentityToAsk] {
    let after = reached ?? UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    guard let user = run.user else {
      return try await rows.run(
        NextIdentities(application: run.application, after: after, limit: limit), repeatable: true)
    }
    return try await rows.run(NextIdentitiesOfUser(user: user, after: after, limit: limit), repeatable: true)
  }

  private static func reason(_ code: String, _ errcode: Int?) -> String { errcode.map { "\(code) \($0)" } ?? code }

  private static func backOff(_ attempts: Int) -> Duration { .seconds(Pause.backOff(attempts: attempts)) }
}
