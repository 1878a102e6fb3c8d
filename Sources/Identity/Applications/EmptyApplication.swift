import Query
import Tenancy

/// Deletes some users, sessions and grants of an application that is about to be deleted by force; says how many rows.
struct EmptyApplication: TenantStatement {
  static let sql: SQL = """
    WITH doomed AS (
      SELECT id FROM identity_applications
      WHERE tenant_id = current_tenant() AND id = $1 AND ($2::bigint[] IS NULL OR version = ANY ($2))
    ), some_sessions AS (
      DELETE FROM sessions WHERE tenant_id = current_tenant() AND id IN (
        SELECT s.id FROM sessions s, doomed d
        WHERE s.tenant_id = current_tenant() AND s.identity_application_id = d.id LIMIT $3)
      RETURNING 1
    ), some_grants AS (
      DELETE FROM grants WHERE tenant_id = current_tenant() AND id IN (
        SELECT g.id FROM grants g, doomed d
        WHERE g.tenant_id = current_tenant() AND g.identity_application_id = d.id LIMIT $3)
      RETURNING 1
    ), some_users AS (
      DELETE FROM users WHERE tenant_id = current_tenant() AND id IN (
        SELECT u.id FROM users u, doomed d
        WHERE u.tenant_id = current_tenant() AND u.identity_application_id = d.id LIMIT $3)
      RETURNING 1
    )
    SELECT (SELECT count(*) FROM some_sessions) + (SELECT count(*) FROM some_grants) + (SELECT count(*) FROM some_users)
    """
  let application: ID<IdentityApplication>
  let versions: [Int]?
  /// Rows of each kind.
  let most: Int

  func bind(to binder: inout Binder) {
    binder.bind(application)
    binder.bind(versions: versions)
    binder.bind(Int32(most))
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Int { try row.next() }
}

extension Applications {
  /// Deletes most of what a doomed application has in transactions of some thousand rows: one for all of it would not end in time.
  func empty(
    _ id: ID<IdentityApplication>, versions: [Int]?, in database: TenantDatabase
  ) async throws(ManagementRefusal) {
    while true {
      let gone = try await database.managing(
        EmptyApplication(application: id, versions: versions, most: Self.batch), repeatable: true
      ).first
      guard gone ?? 0 > 0 else { return }
    }
  }

  /// Rows of each kind that one transaction deletes; users take their identities and credentials with them.
  private static let batch = 2000
}
