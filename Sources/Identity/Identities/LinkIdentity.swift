import Query
import Secrets
import Tenancy

/// Binds a person to an existing active user, if the ticket is good; a phone number that WeChat verified fills an empty one.
///
/// An (AppID, openid) or unionid that became another user's meanwhile violates a unique key and nothing happens.
struct LinkIdentity: TenantStatement {
  static let sql: SQL = """
    WITH ticket AS (
      SELECT t.id FROM federation_transactions t
      WHERE t.tenant_id = current_tenant() AND t.id = $1 AND t.used_at IS NULL AND t.expires_at > now()
      FOR UPDATE
    ), target AS (
      SELECT u.id FROM users u, ticket
      WHERE u.tenant_id = current_tenant() AND u.identity_application_id = $2 AND u.id = $3 AND u.status = 'active'
    ), phoned AS (
      UPDATE users u SET phone_number = $4, phone_number_verified = true,
        phone_number_source = CASE WHEN u.phone_number IS NULL THEN 'wechat' ELSE u.phone_number_source END,
        version = u.version + 1, updated_at = now()
      FROM target
      WHERE u.tenant_id = current_tenant() AND u.id = target.id AND $4::text IS NOT NULL
        AND (u.phone_number IS NULL OR u.phone_number = $4)
    ), unified AS (
      INSERT INTO unified_identities (tenant_id, identity_application_id, open_platform_account, unionid, user_id)
      SELECT current_tenant(), $2, $5::text, $6::text, target.id FROM target
      WHERE $5::text IS NOT NULL AND $6::text IS NOT NULL AND NOT EXISTS (
        SELECT FROM unified_identities x WHERE x.tenant_id = current_tenant() AND x.identity_application_id = $2
          AND x.open_platform_account = $5 AND x.unionid = $6 AND x.user_id = target.id)
    ), linked AS (
      INSERT INTO federated_identities (tenant_id, id, identity_application_id, user_id, client_id, app_id, openid, unionid,
        open_platform_account)
      SELECT current_tenant(), $7, $2, target.id, $8, $9, $10, $6, $5 FROM target
      RETURNING user_id
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, target_type, target_id, request_id, details)
      SELECT current_tenant(), $11, 'identity.linked', 'user', l.user_id::text, 'identity', $7::text, $12,
        jsonb_build_object('by', $13::text)
      FROM linked l
    )
    SELECT user_id FROM linked
    """

  let ticket: ID<FederationTransaction>
  let user: ID<User>
  let client: FederationClient
  let person: Person
  let phoneNumber: String?
  /// `access_token` or `phone_number`: how the user was found.
  let means: String
  let requestID: String

  func bind(to binder: inout Binder) {
    binder.bind(ticket)
    binder.bind(client.application.id)
    binder.bind(user)
    binder.bind(phoneNumber)
    binder.bind(client.openPlatformAccount)
    binder.bind(person.unionid)
    binder.bind(UUIDv7.make())
    binder.bind(client.id)
    binder.bind(person.appID)
    binder.bind(person.openid)
    binder.bind(UUIDv7.make())
    binder.bind(requestID)
    binder.bind(means)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> ID<User> { try row.next() }
}
