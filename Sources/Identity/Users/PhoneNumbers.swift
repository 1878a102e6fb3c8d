import Federation
import Observability
import Query
import Secrets
import Tenancy

/// Phone numbers that WeChat verified in this very call; numbers a client sends are worth nothing.
public struct PhoneNumbers: Sendable {
  private let provider: any PhoneProvider
  private let tokens: AppTokenHub

  /// Numbers from `provider`, asked with the app access tokens of `tokens`.
  public init(provider: any PhoneProvider, tokens: AppTokenHub) {
    self.provider = provider
    self.tokens = tokens
  }

  /// The number behind a code of the getPhoneNumber button, E.164; `nil` without a code.
  func number(
    _ code: String?, of openid: String, client: FederationClient, in database: TenantDatabase,
    requestID: String
  ) async throws(FederationRefusal) -> String? {
    guard let code else { return nil }
    let token = try await tokens.token(of: client.id, in: database)
    do {
      return try await provider.phoneNumber(code: code, openid: openid, appID: client.appID, token: token).e164
    } catch {
      // WeChat refuses a superseded token before it looks at the code, so asking once more with a new one is safe.
      guard error.retry == .refreshToken else {
        await database.note(error, of: client, at: .phoneNumber, requestID: requestID)
        throw .provider(error)
      }
    }
    let fresh = try await tokens.token(of: client.id, insteadOf: token, in: database)
    do {
      return try await provider.phoneNumber(code: code, openid: openid, appID: client.appID, token: fresh).e164
    } catch {
      await database.note(error, of: client, at: .phoneNumber, requestID: requestID)
      throw .provider(error)
    }
  }

  /// The user who is found by `phone` where the policy links.
  /// - Throws: `.phoneNumberConflict` when the number is another user's and does not link.
  func owner(
    of phone: String?, client: FederationClient, target: ID<User>?, in database: TenantDatabase
  ) async throws(FederationRefusal) -> ID<User>? {
    guard let phone else { return nil }
    let find = FindUserByPhone(application: client.application.id, phoneNumber: phone)
    guard let owner = try await database.refusing(find).first else { return nil }
    if let target, owner.id == target { return nil }
    // A number nobody verified proves nothing: linking by it would hand the account to whoever typed it first.
    guard target == nil, client.application.phoneMatching == .link, owner.isVerified else { throw .phoneNumberConflict }
    guard owner.isActive else { throw .userDisabled }
    return owner.id
  }
}

/// Fills an empty or equal phone number with one that WeChat verified.
struct FillPhoneNumber: TenantStatement {
  static let sql: SQL = """
    WITH filled AS (
      UPDATE users u SET phone_number = $2, phone_number_verified = true,
        phone_number_source = CASE WHEN u.phone_number IS NULL THEN 'wechat' ELSE u.phone_number_source END,
        version = u.version + 1, updated_at = now()
      WHERE u.tenant_id = current_tenant() AND u.id = $1
        AND (u.phone_number IS NULL OR (u.phone_number = $2 AND NOT u.phone_number_verified))
      RETURNING u.*
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, target_type, target_id, request_id, details)
      SELECT current_tenant(), $3, 'user.updated', 'user', $1::text, 'user', $1::text, $4,
        '{"fields": ["phone_number"]}'::jsonb
      FROM filled
    )
    SELECT u.id, u.identity_application_id, u.username, u.name, u.picture, u.phone_number, u.phone_number_verified, u.email,
      u.email_verified, u.attributes, u.origin, u.status = 'active', u.last_login_at, u.version, u.created_at, u.updated_at
    FROM filled u
    """
  let user: ID<User>
  let phoneNumber: String
  let requestID: String

  func bind(to binder: inout Binder) {
    binder.bind(user)
    binder.bind(phoneNumber)
    binder.bind(UUIDv7.make())
    binder.bind(requestID)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> User { try User(&row) }
}
