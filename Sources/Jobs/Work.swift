import FoundationEssentials

/// A kind of work that lies in rows of the database, which many processes may take from.
///
/// ```
///  due ──claim──► leased ──handle──► done, due again later
///   ▲               │  ├── failed: due again after a pause
///   └── release ────┘  └── lease over: due for somebody else; what the first one still writes meets a higher fence
/// ```
///
/// A claim raises the row's fence, and every write of a handler demands that fence: so a worker that was frozen past its lease
/// changes nothing when it wakes up. Work is done at least once and must be safe to do twice.
public protocol Work: Sendable {
  /// What a worker holds while it handles it.
  associatedtype Claim: Sendable

  /// The `kind` of jobs and metrics.
  var kind: String { get }
  /// How many claims one process handles at once.
  var concurrency: Int { get }

  /// Leases at most `limit` of what is due; tenants take turns.
  func claim(_ lease: Lease, limit: Int) async throws -> [Claim]
  /// Does the work of a claim; what fails is kept in its row with the time of the next attempt.
  /// - Throws: when it could not even be kept; the lease then runs out.
  func handle(_ claim: Claim) async throws -> Handled
  /// Prolongs everything the lease's holder has.
  func renew(_ lease: Lease) async throws
  /// Gives back everything the lease's holder has, due at once.
  func release(_ lease: Lease) async throws
  /// Seconds since the oldest of what nobody has was due; 0 when nothing is.
  func lag() async throws -> Double
}

/// A claim that says for whom the work is done, for the log.
public protocol TenantClaim: Sendable {
  /// The name of the tenant in addresses.
  var tenantSlug: String { get }
}

/// Who holds work, and for how long without a sign of life.
public struct Lease: Sendable {
  /// The holder: a process, for as long as it can renew.
  public let holder: UUID
  /// Seconds.
  public let seconds: Double

  /// A lease of a new holder.
  public init(seconds: Double = 30) {
    holder = UUID()
    self.seconds = seconds
  }
}

/// How the handling of a claim ended.
public enum Handled: Sendable, Equatable {
  /// Done; how many things were done.
  case done(Int)
  /// Not done; the row says why and when again.
  case failed
  /// Somebody else has it by now; nothing was written.
  case lost
}
