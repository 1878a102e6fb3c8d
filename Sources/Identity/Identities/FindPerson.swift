import Query
import Tenancy

/// The user a person already is, by (AppID, openid).
struct FindPerson: TenantStatement {
  static let sql: SQL = """
    SELECT u.id, u.identity_application_id, u.username, u.name, u.picture, u.phone_number, u.phone_number_verified, u.email,
      u.email_verified, u.attributes, u.origin, u.status = 'active', u.last_login_at, u.version, u.created_at, u.updated_at
    FROM federated_identities i
    JOIN users u ON u.tenant_id = i.tenant_id AND u.id = i.user_id
    WHERE i.tenant_id = current_tenant() AND i.identity_application_id = $1 AND i.app_id = $2 AND i.openid = $3
    """
  let application: ID<IdentityApplication>
  let appID: String
  let openid: String

  func bind(to binder: inout Binder) {
    binder.bind(application)
    binder.bind(appID)
    binder.bind(openid)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> User { try User(&row) }
}

/// The user with a verified phone number.
struct FindUserByPhone: TenantStatement {
  struct Output: Sendable {
    let id: ID<User>
    let isVerified: Bool
    let isActive: Bool
  }

  static let sql: SQL = """
    SELECT id, phone_number_verified, status = 'active' FROM users
    WHERE tenant_id = current_tenant() AND identity_application_id = $1 AND phone_number = $2
    """
  let application: ID<IdentityApplication>
  let phoneNumber: String

  func bind(to binder: inout Binder) {
    binder.bind(application)
    binder.bind(phoneNumber)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Output {
    Output(id: try row.next(), isVerified: try row.next(), isActive: try row.next())
  }
}

/// One user by id.
struct FindUser: TenantStatement {
  static let sql: SQL = """
    SELECT u.id, u.identity_application_id, u.username, u.name, u.picture, u.phone_number, u.phone_number_verified, u.email,
      u.email_verified, u.attributes, u.origin, u.status = 'active', u.last_login_at, u.version, u.created_at, u.updated_at
    FROM users u
    WHERE u.tenant_id = current_tenant() AND u.identity_application_id = $1 AND u.id = $2
    """
  let application: ID<IdentityApplication>
  let user: ID<User>

  func bind(to binder: inout Binder) {
    binder.bind(application)
    binder.bind(user)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> User { try User(&row) }
}
