import Query
import Tenancy

/// Counts a try of a second factor and reads the key. The count is that of passwords: ten in a row are free, then the person is
/// locked for half a minute, twice as long after each further one, at most a quarter of an hour. A row is always there.
struct BeginFactorTry: TenantStatement {
  struct Output: Sendable {
    /// False when the person is locked.
    let isCounted: Bool
    /// True when this try locks them, should it be wrong.
    let locks: Bool
    /// Seconds until a locked person's code is looked at again.
    let lockedFor: Int?
    let secretSealed: [UInt8]?
  }

  static let sql: SQL = """
    WITH counted AS (
      INSERT INTO password_tries AS t (tenant_id, identity_application_id, account, tries)
      SELECT current_tenant(), u.identity_application_id, 'mfa:' || u.id::text, 1 FROM users u
      WHERE u.tenant_id = current_tenant() AND u.id = $1
      ON CONFLICT ON CONSTRAINT password_tries_pkey DO UPDATE
      SET tries = CASE WHEN t.last_try_at <= now() - interval '1 day' THEN 1 ELSE least(t.tries, 1000) + 1 END,
        locked_until = CASE WHEN t.last_try_at > now() - interval '1 day' AND t.tries >= 9
          THEN now() + make_interval(secs => least(900, 30 * power(2, least(t.tries - 9, 10)))) END,
        last_try_at = now()
      WHERE t.locked_until IS NULL OR t.locked_until <= now()
      RETURNING t.locked_until
    )
    SELECT EXISTS (SELECT FROM counted), coalesce((SELECT locked_until IS NOT NULL FROM counted), false),
      ceil(extract(epoch FROM (
        SELECT t.locked_until - now() FROM password_tries t
        JOIN users u ON u.tenant_id = current_tenant() AND u.id = $1
        WHERE t.tenant_id = current_tenant() AND t.identity_application_id = u.identity_application_id
          AND t.account = 'mfa:' || $1::uuid::text AND t.locked_until > now())))::bigint,
      (SELECT a.secret_sealed FROM totp_authenticators a
        WHERE a.tenant_id = current_tenant() AND a.user_id = $1 AND a.confirmed_at IS NOT NULL)
    """
  let user: ID<User>

  func bind(to binder: inout Binder) { binder.bind(user) }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Output {
    Output(isCounted: try row.next(), locks: try row.next(), lockedFor: try row.next(), secretSealed: try row.next())
  }
}

/// Takes the code of a time step, once: no row when it or a later one was taken before. A taken code forgets the tries.
struct TakeTimeStep: TenantStatement {
  static let sql: SQL = """
    WITH taken AS (
      UPDATE totp_authenticators SET last_step = $2
      WHERE tenant_id = current_tenant() AND user_id = $1 AND confirmed_at IS NOT NULL
        AND (last_step IS NULL OR last_step < $2)
      RETURNING user_id
    ), forgotten AS (
      DELETE FROM password_tries t USING taken k, users u
      WHERE t.tenant_id = current_tenant() AND u.tenant_id = current_tenant() AND u.id = k.user_id
        AND t.identity_application_id = u.identity_application_id AND t.account = 'mfa:' || k.user_id::text
    )
    SELECT FROM taken
    """
  let user: ID<User>
  let step: Int

  func bind(to binder: inout Binder) {
    binder.bind(user)
    binder.bind(step)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) {}
}

/// Takes a backup code: no row when it is none or was taken before. A taken code forgets the tries.
struct TakeBackupCode: TenantStatement {
  static let sql: SQL = """
    WITH taken AS (
      DELETE FROM backup_codes WHERE tenant_id = current_tenant() AND user_id = $5 AND code_hash = $6
      RETURNING user_id
    ), forgotten AS (
      DELETE FROM password_tries t USING taken k, users u
      WHERE t.tenant_id = current_tenant() AND u.tenant_id = current_tenant() AND u.id = k.user_id
        AND t.identity_application_id = u.identity_application_id AND t.account = 'mfa:' || k.user_id::text
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id)
      SELECT current_tenant(), $1, 'mfa.backup_code_used', $2, $3, $4, 'user', user_id::text FROM taken
    )
    SELECT FROM taken
    """
  let author: Author
  let user: ID<User>
  let hash: [UInt8]

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(user)
    binder.bind(hash)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) {}
}
