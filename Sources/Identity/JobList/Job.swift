import FoundationEssentials
import Query
import Tenancy

/// What a worker does for a tenant, as the tenant sees it.
public struct Job: Sendable {
  /// How it stands.
  public enum Status: String, Sendable, CaseIterable {
    /// Due later, or waiting for a worker.
    case scheduled
    /// A worker has it.
    case running
    /// The last attempt failed; another one follows.
    case retrying
    /// It fails until somebody acts; it is looked at now and then.
    case failed
    /// It will not be done again.
    case done
  }

  /// The job: for a token refresh the id of the client.
  public let id: ID<Job>
  /// `wechat_token_refresh`, `profile_reconciliation`, …
  public let kind: String
  /// What it is about: type and id.
  public let target: (type: String, id: String)
  /// How it stands.
  public let status: Status
  /// Failures in a row, and the attempt that runs.
  public let attempts: Int
  /// When a worker takes it; `nil` when none will.
  public let nextRunAt: Date?
  /// Why the last attempt failed.
  public let lastError: String?
  /// When it came into being.
  public let createdAt: Date
  /// When it was last worked on.
  public let updatedAt: Date

  /// Reads the columns `id, kind, target type, target id, status, attempts, next_run_at, last_error, created_at, updated_at`.
  init(_ row: inout Row) throws(DecodingFault) {
    id = try row.next()
    kind = try row.next()
    target = (try row.next(), try row.next())
    status = Status(rawValue: try row.next()) ?? .scheduled
    attempts = try row.next()
    nextRunAt = try row.next()
    lastError = try row.next()
    createdAt = try row.next()
    updatedAt = try row.next()
  }
}

/// Which jobs are wanted; what is `nil` does not matter.
public struct JobFilter: Sendable {
  /// The kind.
  public var kind: String?
  /// How it stands.
  public var status: Job.Status?
  /// The target's id.
  public var target: String?

  /// All.
  public init() {}
}

/// The jobs of a tenant. They are the rows the workers take from, so there is no list that could disagree with them.
public struct JobList: Sendable {
  private let database: TenantDatabase

  /// The jobs in `database`.
  public init(_ database: TenantDatabase) { self.database = database }

  /// Jobs, newest first.
  /// - Throws: `ManagementRefusal`.
  public func list(_ filter: JobFilter, _ slice: ListSlice) async throws(ManagementRefusal) -> [Job] {
    try await database.managing(ListJobs(slice: slice, filter: filter, job: nil), repeatable: true)
  }

  /// One job.
  /// - Throws: `ManagementRefusal`.
  public func find(_ job: ID<Job>) async throws(ManagementRefusal) -> Job {
    try await database.managing(
      ListJobs(slice: ListSlice(fetch: 1, after: nil), filter: JobFilter(), job: job), repeatable: true
    ).first.orNotFound()
  }

  /// Makes a job due now; one that runs already is left alone, one that failed is taken up again.
  /// - Throws: `.notFound`; `.conflict` `job_finished` for one that is done or was cancelled.
  public func runNow(_ job: ID<Job>, author: Author) async throws(ManagementRefusal) -> Job {
    let due = try await database.managing(RunJob(author: author, job: job))
    let found = try await find(job)
    guard !due.isEmpty else {
      throw .conflict(code: "job_finished", detail: "The job is over; ask for a new one.")
    }
    return found
  }
}
