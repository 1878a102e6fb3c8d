import FoundationEssentials
import Query
import Secrets
import Tenancy

/// The person whose account page a browser asks for, by the live session it holds.
public struct AccountHolder: Sendable {
  /// The person.
  public let user: User
  /// The session of this browser.
  public let session: ID<Session>
  /// When they signed in.
  public let authTime: Date
  /// How they did (RFC 8176).
  public let amr: [String]
  /// False for a person who only comes by WeChat.
  public let hasPassword: Bool
  /// What the application asks of everybody.
  public let mfa: MultiFactor
  /// True for a person with an authenticator.
  public let isEnrolled: Bool
  /// Backup codes that were not used.
  public let backupCodesLeft: Int

  /// As whom a page addresses them.
  public var shownName: String? { user.name ?? user.email ?? user.username }
  /// What the sign-in page may fill in for them.
  public var loginHint: String? { user.username ?? user.email ?? user.phoneNumber }
}

/// The holder of a browser's cookie; nobody while the session lacks a factor that is asked for by now.
struct FindAccountHolder: TenantStatement {
  static let sql: SQL = """
    SELECT u.id, u.identity_application_id, u.username, u.name, u.picture, u.phone_number, u.phone_number_verified, u.email,
      u.email_verified, u.attributes, u.origin, u.status = 'active', u.last_login_at, u.version, u.created_at, u.updated_at,
      s.id, s.auth_time, s.amr, u.password_hash IS NOT NULL, a.mfa, t.user_id IS NOT NULL, (SELECT count(*)
        FROM backup_codes b WHERE b.tenant_id = current_tenant() AND b.user_id = u.id)
    FROM sessions s
    JOIN identity_applications a ON a.tenant_id = current_tenant() AND a.id = s.identity_application_id
    JOIN users u ON u.tenant_id = current_tenant() AND u.id = s.user_id AND u.status = 'active'
    LEFT JOIN totp_authenticators t
      ON t.tenant_id = current_tenant() AND t.user_id = u.id AND t.confirmed_at IS NOT NULL
    WHERE s.tenant_id = current_tenant() AND s.id = $2 AND s.cookie_hash = $3 AND s.identity_application_id = $1
      AND s.ended_at IS NULL AND s.expires_at > now() AND s.idle_expires_at > now()
      AND ('mfa' = ANY (s.amr) OR second_factor(s.identity_application_id, s.user_id) = 'none')
    """
  let application: ID<IdentityApplication>
  let cookie: OpaqueToken

  func bind(to binder: inout Binder) {
    binder.bind(application)
    binder.bind(cookie.id)
    binder.bind(cookie.hash)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> AccountHolder {
    AccountHolder(
      user: try User(&row), session: try row.next(), authTime: try row.next(),
      amr: try row.next(ColumnArray<String>.self).elements, hasPassword: try row.next(),
      mfa: MultiFactor(rawValue: try row.next()) ?? .required, isEnrolled: try row.next(),
      backupCodesLeft: try row.next())
  }
}
