import FoundationEssentials
import Query
import Tenancy

/// Creates a user.
struct InsertUser: TenantStatement {
  static let sql: SQL = """
    WITH created AS (
      INSERT INTO users (tenant_id, id, identity_application_id, origin, username, name, picture, phone_number, email,
        phone_number_verified, email_verified, attributes, status, password_hash)
      SELECT current_tenant(), $5, $6, $7, $9, $11, $13, $15::text, $17::text, coalesce($18, false) AND $15::text IS NOT NULL,
        coalesce($19, false) AND $17::text IS NOT NULL, json_merge_patch('{}', coalesce($20::jsonb, '{}')),
        coalesce($21, 'active'), $23
      WHERE $8::boolean IS NOT NULL AND $10::boolean IS NOT NULL AND $12::boolean IS NOT NULL
        AND $14::boolean IS NOT NULL AND $16::boolean IS NOT NULL AND $22::boolean IS NOT NULL
      RETURNING *
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id)
      SELECT current_tenant(), $1, 'user.created', $2, $3, $4, 'user', id::text FROM created
    )
    SELECT u.id, u.identity_application_id, u.username, u.name, u.picture, u.phone_number, u.phone_number_verified, u.email,
      u.email_verified, u.attributes, u.origin, u.status = 'active', u.last_login_at, u.version, u.created_at, u.updated_at
    FROM created u
    """
  let author: Author
  let user: ID<User>
  let application: ID<IdentityApplication>
  let origin: UserChange.Origin
  let fields: UserChange
  let passwordHash: FieldChange<String>

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(user)
    binder.bind(application)
    binder.bind(origin.rawValue)
    fields.bind(to: &binder, passwordHash: passwordHash)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> User { try User(&row) }
}

/// One user.
struct FindUserByID: TenantStatement {
  static let sql: SQL = """
    SELECT u.id, u.identity_application_id, u.username, u.name, u.picture, u.phone_number, u.phone_number_verified, u.email,
      u.email_verified, u.attributes, u.origin, u.status = 'active', u.last_login_at, u.version, u.created_at, u.updated_at
    FROM users u WHERE u.tenant_id = current_tenant() AND u.id = $1
    """
  let user: ID<User>

  func bind(to binder: inout Binder) { binder.bind(user) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> User { try User(&row) }
}

/// Changes a user; one who is disabled is signed out everywhere.
struct UpdateUser: TenantStatement {
  static let sql: SQL = """
    WITH target AS (
      SELECT id FROM users WHERE tenant_id = current_tenant() AND id = $5
    ), changed AS (
      UPDATE users SET username = CASE WHEN $8 THEN $9::text ELSE username END,
        name = CASE WHEN $10 THEN $11::text ELSE name END,
        picture = CASE WHEN $12 THEN $13::text ELSE picture END,
        phone_number = CASE WHEN $14 THEN $15::text ELSE phone_number END,
        phone_number_source = CASE WHEN $14 AND $15::text IS DISTINCT FROM phone_number THEN NULL ELSE phone_number_source END,
        email = CASE WHEN $16 THEN $17::text ELSE email END,
        phone_number_verified = CASE WHEN $14 AND $15::text IS NULL THEN false
          WHEN $18::boolean IS NOT NULL THEN $18 AND (CASE WHEN $14 THEN $15::text ELSE phone_number END) IS NOT NULL
          WHEN $14 AND $15::text IS DISTINCT FROM phone_number THEN false ELSE phone_number_verified END,
        email_verified = CASE WHEN $16 AND $17::text IS NULL THEN false
          WHEN $19::boolean IS NOT NULL THEN $19 AND (CASE WHEN $16 THEN $17::text ELSE email END) IS NOT NULL
          WHEN $16 AND $17::text IS DISTINCT FROM email THEN false ELSE email_verified END,
        attributes = CASE WHEN $20::jsonb IS NULL THEN attributes ELSE json_merge_patch(attributes, $20) END,
        status = coalesce($21, status),
        password_hash = CASE WHEN $22 THEN $23::text ELSE password_hash END,
        version = version + 1, updated_at = now()
      WHERE tenant_id = current_tenant() AND id = $5 AND ($6::bigint[] IS NULL OR version = ANY ($6))
      RETURNING *
    ), signed_out AS (
      UPDATE sessions s SET ended_at = now() FROM changed c
      WHERE s.tenant_id = current_tenant() AND s.user_id = c.id AND c.status = 'disabled' AND s.ended_at IS NULL
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id, details)
      SELECT current_tenant(), $1, 'user.updated', $2, $3, $4, 'user', id::text,
        jsonb_build_object('fields', to_jsonb($7::text[]))
      FROM changed
    )
    SELECT EXISTS (SELECT FROM target), u.id IS NOT NULL, u.id, u.identity_application_id, u.username, u.name, u.picture,
      u.phone_number, u.phone_number_verified, u.email, u.email_verified, u.attributes, u.origin, u.status = 'active',
      u.last_login_at, u.version, u.created_at, u.updated_at
    FROM (SELECT) AS one LEFT JOIN changed u ON true
    """
  let author: Author
  let user: ID<User>
  let versions: [Int]?
  let change: UserChange
  let passwordHash: FieldChange<String>

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(user)
    binder.bind(versions: versions)
    binder.bind(ColumnArray(change.names))
    change.bind(to: &binder, passwordHash: passwordHash)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Written<User> {
    try Written(&row) { row throws(DecodingFault) in try User(&row) }
  }
}

/// Deletes a user with identities, sessions and grants, and the tickets that name the person: they live on for minutes.
struct DeleteUser: TenantStatement {
  static let sql: SQL = """
    WITH target AS (
      SELECT id FROM users WHERE tenant_id = current_tenant() AND id = $5
    ), deleted AS (
      DELETE FROM users
      WHERE tenant_id = current_tenant() AND id = $5 AND ($6::bigint[] IS NULL OR version = ANY ($6))
      RETURNING id
    ), sessions_gone AS (
      DELETE FROM sessions s USING deleted d WHERE s.tenant_id = current_tenant() AND s.user_id = d.id
    ), tickets_gone AS (
      DELETE FROM federation_transactions t USING deleted d, federated_identities i
      WHERE t.tenant_id = current_tenant() AND t.id >= uuidv7_floor(now() - interval '1 day')
        AND i.tenant_id = current_tenant() AND i.user_id = d.id AND t.app_id = i.app_id AND t.openid = i.openid
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id)
      SELECT current_tenant(), $1, 'user.deleted', $2, $3, $4, 'user', id::text FROM deleted
    )
    SELECT EXISTS (SELECT FROM target), EXISTS (SELECT FROM deleted)
    """
  let author: Author
  let user: ID<User>
  let versions: [Int]?

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(user)
    binder.bind(versions: versions)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Written<Void> {
    try Written(&row) { _ throws(DecodingFault) in () }
  }
}
