import FoundationEssentials
import Query
import Tenancy

/// Something that happened in a tenant.
public struct AuditEvent: Sendable {
  /// The event; sorts by time.
  public let id: ID<AuditEvent>
  /// `user.created`, `identity.linked` …
  public let action: String
  /// `api_key`, `user`, `worker`, `operator` or `wechat`.
  public let actorType: String
  /// The id of the key or user, else a name.
  public let actorID: String
  /// What it happened to.
  public let targetType: String
  /// Its id.
  public let targetID: String
  /// When.
  public let at: Date
  /// The request that did it; `nil` for a worker.
  public let requestID: String?
  /// More, never a secret.
  public let details: JSONText
}

/// Which events are wanted; what is `nil` does not matter.
public struct AuditFilter: Sendable {
  /// The action, as it is.
  public var action: String?
  /// The actor's id.
  public var actor: String?
  /// The target's id.
  public var target: String?
  /// Not before.
  public var since: Date?
  /// Before.
  public var until: Date?

  /// All.
  public init() {}
}

/// The audit events of a tenant; they are written by the statements of the changes and only read here.
public struct AuditEvents: Sendable {
  private let database: TenantDatabase

  /// The events in `database`.
  public init(_ database: TenantDatabase) { self.database = database }

  /// Events, newest first.
  /// - Throws: `ManagementRefusal`.
  public func list(_ filter: AuditFilter, _ slice: ListSlice) async throws(ManagementRefusal) -> [AuditEvent] {
    try await database.managing(ListAuditEvents(slice: slice, filter: filter), repeatable: true)
  }

  /// One event.
  /// - Throws: `ManagementRefusal`.
  public func find(_ event: ID<AuditEvent>) async throws(ManagementRefusal) -> AuditEvent {
    try await database.managing(FindAuditEvent(event: event), repeatable: true).first.orNotFound()
  }
}

/// Events, newest first. The id holds the time of its making, a little before `at`, so it bounds which partitions are read.
struct ListAuditEvents: TenantStatement {
  static let sql: SQL = """
    SELECT id, action, actor_type, actor_id, target_type, target_id, at, request_id, details FROM audit_events
    WHERE tenant_id = current_tenant() AND ($1::uuid IS NULL OR id < $1)
      AND ($3::text IS NULL OR action = $3) AND ($4::text IS NULL OR actor_id = $4) AND ($5::text IS NULL OR target_id = $5)
      AND ($6::timestamptz IS NULL OR (at >= $6 AND id >= uuidv7_floor($6 - interval '5 minutes')))
      AND ($7::timestamptz IS NULL OR (at < $7 AND id < uuidv7_floor($7 + interval '5 minutes')))
    ORDER BY id DESC LIMIT $2
    """
  let slice: ListSlice
  let filter: AuditFilter

  func bind(to binder: inout Binder) {
    binder.bind(slice)
    binder.bind(filter.action)
    binder.bind(filter.actor)
    binder.bind(filter.target)
    binder.bind(filter.since)
    binder.bind(filter.until)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> AuditEvent { try AuditEvent(&row) }
}

/// One event.
struct FindAuditEvent: TenantStatement {
  static let sql: SQL = """
    SELECT id, action, actor_type, actor_id, target_type, target_id, at, request_id, details FROM audit_events
    WHERE tenant_id = current_tenant() AND id = $1
    """
  let event: ID<AuditEvent>

  func bind(to binder: inout Binder) { binder.bind(event) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> AuditEvent { try AuditEvent(&row) }
}

extension AuditEvent {
  /// Reads the columns `id, action, actor_type, actor_id, target_type, target_id, at, request_id, details`.
  init(_ row: inout Row) throws(DecodingFault) {
    id = try row.next()
    action = try row.next()
    actorType = try row.next()
    actorID = try row.next()
    targetType = try row.next()
    targetID = try row.next()
    at = try row.next()
    requestID = try row.next()
    details = try row.next()
  }
}
