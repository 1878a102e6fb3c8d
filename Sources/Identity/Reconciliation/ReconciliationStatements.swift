import FoundationEssentials
import Query
import Tenancy

/// Queues a run.
struct InsertReconciliation: TenantStatement {
  enum Output: Sendable {
    case queued(Reconciliation)
    case noApplication
    case noUser
  }

  static let sql: SQL = """
    WITH target AS (
      SELECT id FROM identity_applications WHERE tenant_id = current_tenant() AND id = $6
    ), person AS (
      SELECT t.id FROM target t
      WHERE $7::uuid IS NULL OR EXISTS (SELECT FROM users u
        WHERE u.tenant_id = current_tenant() AND u.id = $7 AND u.identity_application_id = t.id)
    ), created AS (
      INSERT INTO reconciliations (tenant_id, id, identity_application_id, user_id, mode, cause)
      SELECT current_tenant(), $5, id, $7, $8, 'request' FROM person
      RETURNING *
    ), queued AS (
      INSERT INTO reconciliation_claims (tenant_id, reconciliation_id) SELECT current_tenant(), id FROM created
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id, details)
      SELECT current_tenant(), $1, 'reconciliation.requested', $2, $3, $4, 'reconciliation', id::text,
        jsonb_build_object('mode', mode) FROM created
    )
    SELECT EXISTS (SELECT FROM target), r.id IS NOT NULL, r.id, r.identity_application_id, r.user_id, r.mode, r.status, r.done,
      r.total, r.situations, r.last_error, r.started_at, r.finished_at, r.version, r.created_at, r.updated_at
    FROM (SELECT) AS one LEFT JOIN created r ON true
    """
  let author: Author
  let reconciliation: ID<Reconciliation>
  let application: ID<IdentityApplication>
  let user: ID<User>?
  let mode: Reconciliation.Mode

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(reconciliation)
    binder.bind(application)
    binder.bind(user)
    binder.bind(mode.rawValue)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Output {
    let hasApplication: Bool = try row.next()
    guard try row.next(Bool.self) else { return hasApplication ? .noUser : .noApplication }
    return .queued(try Reconciliation(&row))
  }
}

/// Runs, newest first.
struct ListReconciliations: TenantStatement {
  static let sql: SQL = """
    SELECT r.id, r.identity_application_id, r.user_id, r.mode, r.status, r.done, r.total, r.situations, r.last_error,
      r.started_at, r.finished_at, r.version, r.created_at, r.updated_at
    FROM reconciliations r
    WHERE r.tenant_id = current_tenant() AND ($1::uuid IS NULL OR r.id < $1) AND ($3::text IS NULL OR r.status = $3)
      AND ($4::uuid IS NULL OR r.identity_application_id = $4)
    ORDER BY r.id DESC LIMIT $2
    """
  let slice: ListSlice
  let filter: Reconciliations.Filter

  func bind(to binder: inout Binder) {
    binder.bind(slice)
    binder.bind(filter.status?.rawValue)
    binder.bind(filter.application)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Reconciliation { try Reconciliation(&row) }
}

/// One run.
struct FindReconciliation: TenantStatement {
  static let sql: SQL = """
    SELECT r.id, r.identity_application_id, r.user_id, r.mode, r.status, r.done, r.total, r.situations, r.last_error,
      r.started_at, r.finished_at, r.version, r.created_at, r.updated_at
    FROM reconciliations r WHERE r.tenant_id = current_tenant() AND r.id = $1
    """
  let reconciliation: ID<Reconciliation>

  func bind(to binder: inout Binder) { binder.bind(reconciliation) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> Reconciliation { try Reconciliation(&row) }
}

/// Items of a run: each situation is a range of the key, of which the newest are taken and merged.
struct ListReconciliationItems: TenantStatement {
  static let sql: SQL = """
    SELECT i.identity_id, i.user_id, i.situation, i.other_user_id, i.fields, i.errcode, i.created_at
    FROM unnest($4::text[]) AS s (situation), LATERAL (
      SELECT * FROM reconciliation_items x
      WHERE x.tenant_id = current_tenant() AND x.reconciliation_id = $3 AND x.situation = s.situation
        AND x.identity_id < coalesce($1::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
      ORDER BY x.identity_id DESC LIMIT $2
    ) AS i
    ORDER BY i.identity_id DESC LIMIT $2
    """
  let slice: ListSlice
  let reconciliation: ID<Reconciliation>
  let situation: Reconciliation.Situation?

  func bind(to binder: inout Binder) {
    binder.bind(slice)
    binder.bind(reconciliation)
    binder.bind(ColumnArray((situation.map { [$0] } ?? Reconciliation.Situation.allCases).map(\.rawValue)))
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> ReconciliationItem { try ReconciliationItem(&row) }
}

/// Stops an unfinished run; its claim goes with it, so that the worker's next batch has no effect.
struct CancelReconciliation: TenantStatement {
  static let sql: SQL = """
    WITH cancelled AS (
      UPDATE reconciliations SET status = 'cancelled', finished_at = now(), updated_at = now(), version = version + 1
      WHERE tenant_id = current_tenant() AND id = $5 AND status IN ('queued', 'running')
      RETURNING *
    ), released AS (
      DELETE FROM reconciliation_claims c USING cancelled r
      WHERE c.tenant_id = current_tenant() AND c.reconciliation_id = r.id
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id)
      SELECT current_tenant(), $1, 'reconciliation.cancelled', $2, $3, $4, 'reconciliation', id::text FROM cancelled
    )
    SELECT r.id, r.identity_application_id, r.user_id, r.mode, r.status, r.done, r.total, r.situations, r.last_error,
      r.started_at, r.finished_at, r.version, r.created_at, r.updated_at
    FROM cancelled r
    """
  let author: Author
  let reconciliation: ID<Reconciliation>

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(reconciliation)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Reconciliation { try Reconciliation(&row) }
}
