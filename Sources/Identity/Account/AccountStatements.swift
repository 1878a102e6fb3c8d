import FoundationEssentials
import Query
import Tenancy

/// Ends the sessions of a user, all or all but one; with them ends everything that was issued in them.
struct EndSessions: TenantStatement {
  static let sql: SQL = """
    WITH ended AS (
      UPDATE sessions SET ended_at = now()
      WHERE tenant_id = current_tenant() AND user_id = $5 AND ended_at IS NULL AND ($6::uuid IS NULL OR id <> $6)
      RETURNING id
    )
    INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id, details)
    SELECT current_tenant(), $1, 'user.sessions_ended', $2, $3, $4, 'user', $5::uuid::text,
      jsonb_build_object('count', count(*))
    FROM ended HAVING count(*) > 0
    """
  let author: Author
  let user: ID<User>
  var sparing: ID<Session>?

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(user)
    binder.bind(sparing)
  }
}

/// Takes back what a user agreed that a client may have: the agreement, every grant of the client for them, and codes that it has
/// not yet turned into one. No row when there was no agreement.
///
/// Grants have no index by user, which would cost every sign-in; none is older than the agreement, so only the partitions since
/// then are read.
struct RevokeConsent: TenantStatement {
  static let sql: SQL = """
    WITH revoked AS (
      DELETE FROM consents WHERE tenant_id = current_tenant() AND user_id = $5 AND client_id = $6
      RETURNING client_id, created_at
    ), ended AS (
      UPDATE grants g SET revoked_at = now() FROM revoked r
      WHERE g.tenant_id = current_tenant() AND g.id >= uuidv7_floor(r.created_at - interval '1 day')
        AND g.client_id = r.client_id AND g.user_id = $5 AND g.revoked_at IS NULL
    ), burnt AS (
      UPDATE authorization_codes c SET used_at = now() FROM revoked r
      WHERE c.tenant_id = current_tenant() AND c.id >= uuidv7_floor(now() - interval '10 minutes')
        AND c.client_id = r.client_id AND c.user_id = $5 AND c.used_at IS NULL
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id, details)
      SELECT current_tenant(), $1, 'consent.revoked', $2, $3, $4, 'oauth_client', client_id::text,
        jsonb_build_object('user', $5::uuid)
      FROM revoked
    )
    SELECT FROM revoked
    """
  let author: Author
  let user: ID<User>
  let client: UUID

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(user)
    binder.bind(client)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) {}
}

/// Gives a user who has a password another one.
struct ChangePassword: TenantStatement {
  static let sql: SQL = """
    WITH changed AS (
      UPDATE users SET password_hash = $6, version = version + 1
      WHERE tenant_id = current_tenant() AND id = $5 AND status = 'active' AND password_hash IS NOT NULL
      RETURNING id
    )
    INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id)
    SELECT current_tenant(), $1, 'user.password_changed', $2, $3, $4, 'user', id::text FROM changed
    """
  let author: Author
  let user: ID<User>
  let passwordHash: String

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(user)
    binder.bind(passwordHash)
  }
}
