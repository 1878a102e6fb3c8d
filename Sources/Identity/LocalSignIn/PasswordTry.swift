import Query
import Tenancy

/// Counts a try and finds whose it is. A row is always there; it says `isCounted` unless the account is locked.
///
/// The first ten tries in a row are free, then an account is locked for half a minute, twice as long after each further one, at
/// most a quarter of an hour.
struct BeginPasswordTry: TenantStatement {
  struct Output: Sendable {
    /// The key of the count; `nil` when the account is locked.
    let account: String?
    /// True when this try locks the account, should it be wrong.
    let locks: Bool
    /// Seconds until a locked account is looked at again.
    let lockedFor: Int?
    let user: ID<User>?
    let isActive: Bool
    let passwordHash: String?
  }

  static let sql: SQL = """
    WITH person AS (
      SELECT id, status = 'active' AS active, password_hash FROM users
      WHERE tenant_id = current_tenant() AND identity_application_id = $1
        AND (username_norm = lower($2) OR email_norm = lower($2) OR phone_number = $3::text)
      ORDER BY username_norm IS NOT DISTINCT FROM lower($2) DESC, email_norm IS NOT DISTINCT FROM lower($2) DESC LIMIT 1
    ), subject AS (
      SELECT coalesce((SELECT 'user:' || id::text FROM person), 'name:' || $4::text) AS account
    ), counted AS (
      INSERT INTO password_tries AS t (tenant_id, identity_application_id, account, tries)
      SELECT current_tenant(), a.id, s.account, 1 FROM identity_applications a, subject s
      WHERE a.tenant_id = current_tenant() AND a.id = $1
      ON CONFLICT ON CONSTRAINT password_tries_pkey DO UPDATE
      SET tries = CASE WHEN t.last_try_at <= now() - interval '1 day' THEN 1 ELSE least(t.tries, 1000) + 1 END,
        locked_until = CASE WHEN t.last_try_at > now() - interval '1 day' AND t.tries >= 9
          THEN now() + make_interval(secs => least(900, 30 * power(2, least(t.tries - 9, 10)))) END,
        last_try_at = now()
      WHERE t.locked_until IS NULL OR t.locked_until <= now()
      RETURNING t.account, t.locked_until
    )
    SELECT c.account, c.locked_until IS NOT NULL,
      ceil(extract(epoch FROM (
        SELECT t.locked_until - now() FROM password_tries t
        WHERE t.tenant_id = current_tenant() AND t.identity_application_id = $1 AND t.account = s.account
          AND t.locked_until > now())))::bigint,
      p.id, coalesce(p.active, false), p.password_hash
    FROM subject s LEFT JOIN person p ON true LEFT JOIN counted c ON true
    """
  let application: ID<IdentityApplication>
  let name: LoginName

  func bind(to binder: inout Binder) {
    binder.bind(application)
    binder.bind(name.text)
    binder.bind(name.phoneNumber)
    binder.bind(name.hash)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Output {
    Output(
      account: try row.next(), locks: try row.next(), lockedFor: try row.next(), user: try row.next(),
      isActive: try row.next(), passwordHash: try row.next())
  }
}

/// Writes down that wrong passwords locked an account; nothing for a name that nobody has.
struct RecordLock: TenantStatement {
  static let sql: SQL = """
    INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id)
    SELECT current_tenant(), $1, 'user.locked', $2, $3, $4, 'user', u.id::text FROM users u
    WHERE u.tenant_id = current_tenant() AND u.id = $5
    """
  let author: Author
  let user: ID<User>?

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(user)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) {}
}

/// Forgets the tries of an account whose password was right, and stores it with the parameters of today if it had others.
struct EndPasswordTries: TenantStatement {
  static let sql: SQL = """
    WITH rehashed AS (
      UPDATE users SET password_hash = $5
      WHERE $5::text IS NOT NULL AND tenant_id = current_tenant() AND id = $3 AND password_hash = $4::text
    )
    DELETE FROM password_tries
    WHERE tenant_id = current_tenant() AND identity_application_id = $1 AND account = $2
    """
  let application: ID<IdentityApplication>
  let account: String
  let user: ID<User>
  let oldHash: String?
  let newHash: String?

  func bind(to binder: inout Binder) {
    binder.bind(application)
    binder.bind(account)
    binder.bind(user)
    binder.bind(oldHash)
    binder.bind(newHash)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) {}
}
