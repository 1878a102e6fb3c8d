import Query
import Secrets
import Tenancy

/// What pushes to a client are verified with; no row when it has no push settings. A disabled client's pushes count too: what a
/// person took back at WeChat must go, whether or not the tenant lets people sign in there.
struct FindPushSettings: TenantStatement {
  struct Output: Sendable {
    let appID: String
    let tokenSealed: [UInt8]
    let keySealed: [UInt8]?
  }

  static let sql: SQL = """
    SELECT app_id, push_token_sealed, push_encoding_aes_key_sealed FROM third_party_authz_clients
    WHERE tenant_id = current_tenant() AND id = $1 AND push_token_sealed IS NOT NULL
    """
  let client: ID<ThirdPartyAuthzClient>

  func bind(to binder: inout Binder) { binder.bind(client) }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Output {
    Output(appID: try row.next(), tokenSealed: try row.next(), keySealed: try row.next())
  }
}

/// Push settings that a client had until less than an hour ago, the newest first.
struct FindPreviousPushSettings: TenantStatement {
  struct Output: Sendable {
    let tokenSealed: [UInt8]
    let keySealed: [UInt8]?
  }

  static let sql: SQL = """
    SELECT push_token_sealed, push_encoding_aes_key_sealed FROM previous_push_settings
    WHERE tenant_id = current_tenant() AND client_id = $1 AND expires_at > now()
    ORDER BY id DESC LIMIT 8
    """
  let client: ID<ThirdPartyAuthzClient>

  func bind(to binder: inout Binder) { binder.bind(client) }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Output {
    Output(tokenSealed: try row.next(), keySealed: try row.next())
  }
}

/// Keeps a push and makes its application due; nothing happens when the event is there already.
struct StorePush: TenantStatement {
  static let sql: SQL = """
    WITH stored AS (
      INSERT INTO wechat_pushes (tenant_id, id, client_id, identity_hash, event_sealed)
      VALUES (current_tenant(), $1, $2, $3, $4)
      ON CONFLICT ON CONSTRAINT wechat_pushes_identity_key DO NOTHING
      RETURNING tenant_id, id
    ), due AS (
      INSERT INTO push_schedule (tenant_id, push_id) SELECT tenant_id, id FROM stored RETURNING push_id
    )
    SELECT pg_notify('qiao_work', 'wechat_push') FROM due
    """
  let push: ID<WeChatPush>
  let client: ID<ThirdPartyAuthzClient>
  let identityHash: [UInt8]
  let sealed: [UInt8]

  func bind(to binder: inout Binder) {
    binder.bind(push)
    binder.bind(client)
    binder.bind(identityHash)
    binder.bind(sealed)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) {}
}

/// Leaves an audit event, once, of a privacy event that came in plain mode.
struct RefusePlainPush: TenantStatement {
  static let sql: SQL = """
    WITH noted AS (
      INSERT INTO wechat_pushes (tenant_id, id, client_id, identity_hash) VALUES (current_tenant(), $1, $2, $3)
      ON CONFLICT ON CONSTRAINT wechat_pushes_identity_key DO NOTHING
      RETURNING id
    )
    INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id, details)
    SELECT current_tenant(), id, 'wechat.push.refused', 'wechat', 'push', $4, 'third_party_authz_client', $2::text,
      '{"reason": "plain_mode"}'::jsonb
    FROM noted
    """
  let client: ID<ThirdPartyAuthzClient>
  let identityHash: [UInt8]
  let requestID: String

  func bind(to binder: inout Binder) {
    // Marked by a hash of its own: the same event may still come encrypted, and then it counts.
    binder.bind(UUIDv7.make())
    binder.bind(client)
    binder.bind(Digest.sha256(identityHash + [0]))
    binder.bind(requestID)
  }
}

/// A push that a worker holds, with the client it came for; no row when the lease is lost.
struct FindPush: TenantStatement {
  struct Output: Sendable {
    let client: ID<ThirdPartyAuthzClient>
    let application: ID<IdentityApplication>
    let appID: String
    let provider: String
    let propertyMap: PropertyMap
    let sealed: [UInt8]?
  }

  static let sql: SQL = """
    SELECT c.id, c.identity_application_id, c.app_id, c.provider, c.property_map, p.event_sealed
    FROM push_schedule s
    JOIN wechat_pushes p ON p.tenant_id = current_tenant() AND p.id = s.push_id
    JOIN third_party_authz_clients c ON c.tenant_id = current_tenant() AND c.id = p.client_id
    WHERE s.tenant_id = current_tenant() AND s.push_id = $1 AND s.fence = $2
    """
  let push: ID<WeChatPush>
  let fence: Int

  func bind(to binder: inout Binder) {
    binder.bind(push)
    binder.bind(fence)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Output {
    Output(
      client: try row.next(), application: try row.next(), appID: try row.next(),
      provider: try row.next(), propertyMap: PropertyMap(stored: try row.next()), sealed: try row.next())
  }
}
