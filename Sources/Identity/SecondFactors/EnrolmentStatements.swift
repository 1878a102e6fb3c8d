import FoundationEssentials
import Query
import Tenancy

/// Keeps a new key until it is confirmed, or gives the one back that the same page showed before. No row for a person who has
/// one already: who only has the first factor cannot put another in its place.
struct BeginEnrolment: TenantStatement {
  static let sql: SQL = """
    INSERT INTO totp_authenticators AS t (tenant_id, user_id, secret_sealed, begun_by)
    SELECT current_tenant(), u.id, $2, $3 FROM users u WHERE u.tenant_id = current_tenant() AND u.id = $1
    ON CONFLICT ON CONSTRAINT totp_authenticators_pkey DO UPDATE
    SET secret_sealed = CASE WHEN t.begun_by = excluded.begun_by THEN t.secret_sealed ELSE excluded.secret_sealed END,
      begun_by = excluded.begun_by, created_at = now()
    WHERE t.confirmed_at IS NULL
    RETURNING t.secret_sealed
    """
  let user: ID<User>
  let secretSealed: [UInt8]
  let page: [UInt8]

  func bind(to binder: inout Binder) {
    binder.bind(user)
    binder.bind(secretSealed)
    binder.bind(page)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> [UInt8] { try row.next() }
}

/// The key that a page showed and that is not confirmed.
struct FindEnrolment: TenantStatement {
  static let sql: SQL = """
    SELECT secret_sealed FROM totp_authenticators
    WHERE tenant_id = current_tenant() AND user_id = $1 AND begun_by = $2 AND confirmed_at IS NULL
    """
  let user: ID<User>
  let page: [UInt8]

  func bind(to binder: inout Binder) {
    binder.bind(user)
    binder.bind(page)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> [UInt8] { try row.next() }
}

/// Makes a key count, with its first code taken and the first backup codes; the session it is done in has shown both factors.
struct ConfirmEnrolment: TenantStatement {
  static let sql: SQL = """
    WITH confirmed AS (
      UPDATE totp_authenticators SET confirmed_at = now(), last_step = $7
      WHERE tenant_id = current_tenant() AND user_id = $5 AND begun_by = $6 AND confirmed_at IS NULL
      RETURNING user_id
    ), given AS (
      INSERT INTO backup_codes (tenant_id, user_id, code_hash)
      SELECT current_tenant(), user_id, code FROM confirmed, unnest($8::bytea[]) code
    ), raised AS (
      UPDATE sessions s SET amr = s.amr || '{otp,mfa}'::text[] FROM confirmed c
      WHERE s.tenant_id = current_tenant() AND s.id = $9 AND s.user_id = c.user_id AND NOT 'mfa' = ANY (s.amr)
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id)
      SELECT current_tenant(), $1, 'mfa.enrolled', $2, $3, $4, 'user', user_id::text FROM confirmed
    )
    SELECT FROM confirmed
    """
  let author: Author
  let user: ID<User>
  let page: [UInt8]
  let step: Int
  let codeHashes: [[UInt8]]
  let session: ID<Session>?

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(user)
    binder.bind(page)
    binder.bind(step)
    binder.bind(ColumnArray(codeHashes))
    binder.bind(session)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) {}
}

/// Gives a person with an authenticator other backup codes.
struct RenewBackupCodes: TenantStatement {
  static let sql: SQL = """
    WITH owner AS (
      SELECT user_id FROM totp_authenticators
      WHERE tenant_id = current_tenant() AND user_id = $5 AND confirmed_at IS NOT NULL
      FOR UPDATE
    ), gone AS (
      DELETE FROM backup_codes b USING owner o WHERE b.tenant_id = current_tenant() AND b.user_id = o.user_id
    ), given AS (
      INSERT INTO backup_codes (tenant_id, user_id, code_hash)
      SELECT current_tenant(), user_id, code FROM owner, unnest($6::bytea[]) code
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id)
      SELECT current_tenant(), $1, 'mfa.backup_codes_renewed', $2, $3, $4, 'user', user_id::text FROM owner
    )
    SELECT FROM owner
    """
  let author: Author
  let user: ID<User>
  let codeHashes: [[UInt8]]

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(user)
    binder.bind(ColumnArray(codeHashes))
  }

  static func decode(_ row: inout Row) throws(DecodingFault) {}
}

/// Takes authenticator, backup codes and count of tries away; no row when there was no authenticator.
struct RemoveAuthenticator: TenantStatement {
  static let sql: SQL = """
    WITH removed AS (
      DELETE FROM totp_authenticators WHERE tenant_id = current_tenant() AND user_id = $6 AND confirmed_at IS NOT NULL
      RETURNING user_id
    ), forgotten AS (
      DELETE FROM password_tries t USING removed r, users u
      WHERE t.tenant_id = current_tenant() AND u.tenant_id = current_tenant() AND u.id = r.user_id
        AND t.identity_application_id = u.identity_application_id AND t.account = 'mfa:' || r.user_id::text
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id)
      SELECT current_tenant(), $1, $5, $2, $3, $4, 'user', user_id::text FROM removed
    )
    SELECT FROM removed
    """
  let author: Author
  /// `mfa.disabled` by the person, `mfa.reset` by an administrator.
  let action: String
  let user: ID<User>

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(action)
    binder.bind(user)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) {}
}
