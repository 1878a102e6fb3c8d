import FoundationEssentials
import Query
import Tenancy

/// One run over the identities of an application, or of one user, that asks WeChat again who they are.
///
/// ```
///  queued ─► running ─► succeeded
///     └────────┴─► cancelled, failed
/// ```
public struct Reconciliation: Sendable {
  /// What a run does with what it finds.
  public enum Mode: String, Sendable, CaseIterable {
    /// Changes nothing.
    case report
    /// Writes it.
    case apply
  }

  /// Where a run is.
  public enum Status: String, Sendable, CaseIterable {
    case queued, running, succeeded, failed, cancelled
  }

  /// What an identity came to (contract section 10).
  public enum Situation: String, Sendable, CaseIterable {
    /// Nothing to do.
    case confirmed = "CONFIRMED"
    /// The profile changed.
    case updated = "UPDATED"
    /// A unionid appeared and belongs to nobody else.
    case found = "FOUND"
    /// The unionid is another user's.
    case ambiguous = "AMBIGUOUS"
    /// WeChat does not know the person or the grant any more.
    case sourceMissing = "SOURCE_MISSING"
    /// There is nothing to ask with.
    case unqualified = "UNQUALIFIED"
    /// WeChat refused for another reason.
    case failed = "FAILED"
  }

  /// The run.
  public let id: ID<Reconciliation>
  /// Whose identities.
  public let application: ID<IdentityApplication>
  /// Only this user's.
  public let user: ID<User>?
  /// `report` or `apply`.
  public let mode: String
  /// One of `Status`.
  public let status: String
  /// Identities that are done.
  public let done: Int
  /// Identities there were at the start; `nil` before it.
  public let total: Int?
  /// How many identities came to each situation, as a JSON object.
  public let situations: JSONText
  /// A kind of failure, never a value.
  public let lastError: String?
  /// When the first identity was looked at.
  public let startedAt: Date?
  /// When it ended, however it did.
  public let finishedAt: Date?
  /// Grows with each change that is not progress.
  public let version: Int
  /// When it was asked for.
  public let createdAt: Date
  /// When it last moved.
  public let updatedAt: Date

  /// Reads `id, identity_application_id, user_id, mode, status, done, total, situations, last_error, started_at, finished_at,
  /// version, created_at, updated_at`.
  init(_ row: inout Row) throws(DecodingFault) {
    id = try row.next()
    application = try row.next()
    user = try row.next()
    mode = try row.next()
    status = try row.next()
    done = try row.next()
    total = try row.next()
    situations = try row.next()
    lastError = try row.next()
    startedAt = try row.next()
    finishedAt = try row.next()
    version = try row.next()
    createdAt = try row.next()
    updatedAt = try row.next()
  }
}

/// What a run came to for one identity.
public struct ReconciliationItem: Sendable {
  /// The identity.
  public let identity: UUID
  /// Whose it is.
  public let user: ID<User>
  /// One of `Reconciliation.Situation`.
  public let situation: String
  /// The other user of an ambiguous unionid.
  public let otherUser: ID<User>?
  /// Names of the user's fields that change.
  public let fields: [String]
  /// WeChat's number, where it refused.
  public let errcode: Int?
  /// When it was looked at.
  public let createdAt: Date

  init(_ row: inout Row) throws(DecodingFault) {
    identity = try row.next()
    user = try row.next()
    situation = try row.next()
    otherUser = try row.next()
    fields = try row.next(ColumnArray<String>.self).elements
    errcode = try row.next()
    createdAt = try row.next()
  }
}
