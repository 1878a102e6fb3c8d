import Query
import Tenancy

/// A row when the application is there.
struct ApplicationExists: TenantStatement {
  static let sql: SQL = "SELECT FROM identity_applications WHERE tenant_id = current_tenant() AND id = $1"
  let application: ID<IdentityApplication>

  func bind(to binder: inout Binder) { binder.bind(application) }
}

/// Users of an application, newest first.
struct ListUsers: TenantStatement {
  static let sql: SQL = """
    SELECT u.id, u.identity_application_id, u.username, u.name, u.picture, u.phone_number, u.phone_number_verified, u.email,
      u.email_verified, u.attributes, u.origin, u.status = 'active', u.last_login_at, u.version, u.created_at, u.updated_at
    FROM users u
    WHERE u.tenant_id = current_tenant() AND u.identity_application_id = $3 AND ($1::uuid IS NULL OR u.id < $1)
      AND ($4::text IS NULL OR u.status = $4)
    ORDER BY u.id DESC LIMIT $2
    """
  let slice: ListSlice
  let application: ID<IdentityApplication>
  let status: UserChange.Status?

  func bind(to binder: inout Binder) {
    binder.bind(slice)
    binder.bind(application)
    binder.bind(status?.rawValue)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> User { try User(&row) }
}

/// Users by what names them: each filter is looked up by its own index, and all that are given must fit.
///
/// An openid is unique only with its AppID, so the AppIDs of the application are walked first, one index step each.
struct FindUsers: TenantStatement {
  static let sql: SQL = """
    WITH RECURSIVE apps AS (
      (SELECT f.app_id FROM federated_identities f
        WHERE $9::text IS NOT NULL AND f.tenant_id = current_tenant() AND f.identity_application_id = $3
        ORDER BY f.app_id LIMIT 1)
      UNION ALL
      SELECT (SELECT f.app_id FROM federated_identities f
        WHERE f.tenant_id = current_tenant() AND f.identity_application_id = $3 AND f.app_id > a.app_id
        ORDER BY f.app_id LIMIT 1)
      FROM apps a WHERE a.app_id IS NOT NULL
    ), by_openid AS (
      SELECT f.user_id FROM apps a JOIN federated_identities f ON f.tenant_id = current_tenant()
        AND f.identity_application_id = $3 AND f.app_id = a.app_id AND f.openid = $9
    ), by_unionid AS (
      SELECT f.user_id FROM federated_identities f
      WHERE $8::text IS NOT NULL AND f.tenant_id = current_tenant() AND f.identity_application_id = $3 AND f.unionid = $8
    ), candidates AS (
      SELECT id FROM users WHERE $5::text IS NOT NULL AND tenant_id = current_tenant()
        AND identity_application_id = $3 AND username_norm = lower($5)
      UNION
      SELECT id FROM users WHERE $6::text IS NOT NULL AND tenant_id = current_tenant()
        AND identity_application_id = $3 AND phone_number = $6
      UNION
      SELECT id FROM users WHERE $7::text IS NOT NULL AND tenant_id = current_tenant()
        AND identity_application_id = $3 AND email_norm = lower($7)
      UNION
      SELECT user_id FROM by_unionid
      UNION
      SELECT user_id FROM by_openid
    )
    SELECT u.id, u.identity_application_id, u.username, u.name, u.picture, u.phone_number, u.phone_number_verified, u.email,
      u.email_verified, u.attributes, u.origin, u.status = 'active', u.last_login_at, u.version, u.created_at, u.updated_at
    FROM candidates c JOIN users u ON u.tenant_id = current_tenant() AND u.id = c.id
    WHERE ($1::uuid IS NULL OR u.id < $1) AND ($4::text IS NULL OR u.status = $4)
      AND ($5::text IS NULL OR u.username_norm = lower($5)) AND ($6::text IS NULL OR u.phone_number = $6)
      AND ($7::text IS NULL OR u.email_norm = lower($7))
      AND ($8::text IS NULL OR u.id IN (SELECT user_id FROM by_unionid))
      AND ($9::text IS NULL OR u.id IN (SELECT user_id FROM by_openid))
    ORDER BY u.id DESC LIMIT $2
    """
  let slice: ListSlice
  let application: ID<IdentityApplication>
  let filter: UserFilter

  func bind(to binder: inout Binder) {
    binder.bind(slice)
    binder.bind(application)
    binder.bind(filter.status?.rawValue)
    binder.bind(filter.username)
    binder.bind(filter.phoneNumber)
    binder.bind(filter.email)
    binder.bind(filter.unionid)
    binder.bind(filter.openid)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> User { try User(&row) }
}

/// Which users of an application are wanted; what is `nil` does not matter.
public struct UserFilter: Sendable {
  /// Whatever the case.
  public var username: String?
  /// E.164.
  public var phoneNumber: String?
  /// Whatever the case.
  public var email: String?
  /// Of one of the user's identities.
  public var unionid: String?
  /// Of one of the user's identities.
  public var openid: String?
  /// Whether they may sign in.
  public var status: UserChange.Status?

  /// All.
  public init() {}

  /// True when something names the user, so that an index finds them.
  var namesUser: Bool { username != nil || phoneNumber != nil || email != nil || unionid != nil || openid != nil }
}
