import Query
import Secrets
import Tenancy

/// Creates the shadow user of an unknown person with their identity and unionid, if the ticket (where one is needed) is good.
///
/// Two first logins of one person cannot both succeed: `federated_identities_openid_key` and `unified_identities_pkey` let one in,
/// the other batch is rolled back and finds what the first one made.
struct CreateShadowUser: TenantStatement {
  static let sql: SQL = """
    WITH ticket AS (
      SELECT t.id FROM federation_transactions t
      WHERE $1::uuid IS NOT NULL AND t.tenant_id = current_tenant() AND t.id = $1 AND t.used_at IS NULL
        AND t.expires_at > now()
      FOR UPDATE
    ), created AS (
      INSERT INTO users (tenant_id, id, identity_application_id, username, name, picture, phone_number,
        phone_number_verified, phone_number_source, attributes, origin)
      SELECT current_tenant(), $2, $3, $4, $5, $6, $7::text, $7::text IS NOT NULL,
        CASE WHEN $7::text IS NOT NULL THEN 'wechat' END, $8, 'shadow'
      WHERE $1::uuid IS NULL OR EXISTS (SELECT FROM ticket)
      RETURNING id
    ), unified AS (
      INSERT INTO unified_identities (tenant_id, identity_application_id, open_platform_account, unionid, user_id)
      SELECT current_tenant(), $3, $9::text, $10::text, id FROM created
      WHERE $9::text IS NOT NULL AND $10::text IS NOT NULL
    ), linked AS (
      INSERT INTO federated_identities (tenant_id, id, identity_application_id, user_id, client_id, app_id, openid, unionid,
        open_platform_account, session_key_sealed, session_key_at)
      SELECT current_tenant(), $11, $3, id, $12, $13, $14, $10, $9, $15::bytea,
        CASE WHEN $15::bytea IS NOT NULL THEN now() END
      FROM created
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, target_type, target_id, request_id)
      SELECT current_tenant(), $16::uuid, 'user.created', 'user', $2::text, 'user', $2::text, $18 FROM created
      UNION ALL
      SELECT current_tenant(), $17, 'identity.linked', 'user', $2::text, 'identity', $11::text, $18 FROM created
    )
    SELECT id FROM created
    """

  let ticket: ID<FederationTransaction>?
  let user: ID<User>
  let username: String?
  let client: FederationClient
  let person: Person
  let patch: ProfilePatch
  let phoneNumber: String?
  let requestID: String

  func bind(to binder: inout Binder) {
    binder.bind(ticket)
    binder.bind(user)
    binder.bind(client.application.id)
    binder.bind(username)
    binder.bind(patch.name.always ?? patch.name.ifEmpty)
    binder.bind(patch.picture.always ?? patch.picture.ifEmpty)
    binder.bind(phoneNumber)
    // The sign-in behind this statement in the same batch applies the rest of the patch.
    binder.bind(JSONText("{}"))
    binder.bind(client.openPlatformAccount)
    binder.bind(person.unionid)
    binder.bind(UUIDv7.make())
    binder.bind(client.id)
    binder.bind(person.appID)
    binder.bind(person.openid)
    binder.bind(person.sessionKeySealed)
    binder.bind(UUIDv7.make())
    binder.bind(UUIDv7.make())
    binder.bind(requestID)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> ID<User> { try row.next() }
}
