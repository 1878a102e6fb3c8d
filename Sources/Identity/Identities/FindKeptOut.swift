import Query
import Tenancy

/// Why `SignInPerson` found nobody to sign in: the user of a person who is disabled or owes a second factor.
///
/// No row: nobody is known by this person, or the ticket is good no more.
struct FindKeptOut: TenantStatement {
  enum Reason: String, Sendable {
    case disabled
    /// Has a second factor, which was not given.
    case owesCode = "code"
    /// Needs a second factor and has none.
    case mustEnrol = "enroll"
    /// Not kept out any more.
    case none
  }

  struct Output: Sendable {
    let user: User
    let reason: Reason
  }

  static let sql: SQL = """
    SELECT u.id, u.identity_application_id, u.username, u.name, u.picture, u.phone_number, u.phone_number_verified, u.email,
      u.email_verified, u.attributes, u.origin, u.status = 'active', u.last_login_at, u.version, u.created_at, u.updated_at,
      CASE WHEN u.status <> 'active' THEN 'disabled' WHEN $8::boolean THEN second_factor($1, u.id) ELSE 'none' END
    FROM federated_identities i
    JOIN users u ON u.tenant_id = i.tenant_id AND u.id = i.user_id
    WHERE i.tenant_id = current_tenant() AND i.identity_application_id = $1 AND i.app_id = $2 AND i.openid = $3
      AND ($4::text IS NULL OR $5::boolean
        OR (i.unionid = $4 AND i.open_platform_account IS NOT DISTINCT FROM $6::text))
      AND ($7::uuid IS NULL OR EXISTS (
        SELECT FROM federation_transactions t
        WHERE t.tenant_id = current_tenant() AND t.id = $7 AND t.used_at IS NULL AND t.expires_at > now()))
    """
  /// What was tried.
  let attempt: SignInPerson

  func bind(to binder: inout Binder) {
    binder.bind(attempt.client.application.id)
    binder.bind(attempt.person.appID)
    binder.bind(attempt.person.openid)
    binder.bind(attempt.person.unionid)
    binder.bind(attempt.anyUnionid)
    binder.bind(attempt.client.openPlatformAccount)
    binder.bind(attempt.ticket)
    binder.bind(attempt.asksForSecondFactor)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Output {
    let user = try User(&row)
    guard let reason = Reason(rawValue: try row.next()) else { throw DecodingFault(column: 16, reason: "is no reason") }
    return Output(user: user, reason: reason)
  }
}
