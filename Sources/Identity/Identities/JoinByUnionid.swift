import Query
import Secrets
import Tenancy

/// Settles the unionid of a person: joins an unknown (AppID, openid) to the user their unionid already is, or lets a known
/// identity gain the unionid that appeared. The `sub` of a known identity never changes.
/// The user is locked before the identity, as a login does.
///
/// A unionid that is already another user's is kept on the identity and reported (`identity.ambiguous`), never merged.
struct JoinByUnionid: TenantStatement {
  static let sql: SQL = """
    WITH account AS (
      SELECT u.id FROM users u
      WHERE u.tenant_id = current_tenant() AND u.id = (SELECT f.user_id FROM federated_identities f
        WHERE f.tenant_id = current_tenant() AND f.identity_application_id = $1 AND f.app_id = $2 AND f.openid = $3)
      FOR UPDATE
    ), known AS (
      SELECT i.id, i.user_id FROM federated_identities i
      WHERE i.tenant_id = current_tenant() AND i.identity_application_id = $1 AND i.app_id = $2 AND i.openid = $3
        AND i.user_id = (SELECT id FROM account)
      FOR UPDATE
    ), unified AS (
      SELECT u.user_id FROM unified_identities u
      WHERE u.tenant_id = current_tenant() AND u.identity_application_id = $1 AND u.open_platform_account = $4::text
        AND u.unionid = $5
    ), claimed AS (
      INSERT INTO unified_identities (tenant_id, identity_application_id, open_platform_account, unionid, user_id)
      SELECT current_tenant(), $1, $4, $5, k.user_id FROM known k
      WHERE $4::text IS NOT NULL AND NOT EXISTS (SELECT FROM unified)
    ), promoted AS (
      UPDATE federated_identities i SET unionid = $5, open_platform_account = $4, updated_at = now()
      FROM known k
      WHERE i.tenant_id = current_tenant() AND i.id = k.id
      RETURNING i.id, i.user_id
    ), linked AS (
      INSERT INTO federated_identities (tenant_id, id, identity_application_id, user_id, client_id, app_id, openid, unionid,
        open_platform_account)
      SELECT current_tenant(), $6, $1, u.user_id, $7, $2, $3, $5, $4 FROM unified u
      WHERE NOT EXISTS (SELECT FROM known)
      RETURNING id, user_id
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, target_type, target_id, request_id, details)
      SELECT current_tenant(), $8::uuid, 'identity.linked', 'user', l.user_id::text, 'identity', l.id::text, $9,
        '{"by": "unionid"}'::jsonb
      FROM linked l
      UNION ALL
      SELECT current_tenant(), $8::uuid,
        CASE WHEN u.user_id IS NULL OR u.user_id = p.user_id THEN 'identity.unionid_added' ELSE 'identity.ambiguous' END,
        'user', p.user_id::text, 'identity', p.id::text, $9,
        CASE WHEN u.user_id IS NULL OR u.user_id = p.user_id THEN '{}'::jsonb
          ELSE jsonb_build_object('users', jsonb_build_array(p.user_id, u.user_id)) END
      FROM promoted p LEFT JOIN unified u ON true
    )
    SELECT user_id FROM promoted UNION ALL SELECT user_id FROM linked
    """

  let client: FederationClient
  let person: Person
  let requestID: String

  func bind(to binder: inout Binder) {
    binder.bind(client.application.id)
    binder.bind(person.appID)
    binder.bind(person.openid)
    binder.bind(client.openPlatformAccount)
    binder.bind(person.unionid)
    binder.bind(UUIDv7.make())
    binder.bind(client.id)
    binder.bind(UUIDv7.make())
    binder.bind(requestID)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> ID<User> { try row.next() }
}
