import FoundationEssentials
import Query
import Secrets
import Tenancy

/// The stored app access token of a client.
struct FindAppToken: TenantStatement {
  struct Output: Sendable {
    let sealed: [UInt8]?
    let isLive: Bool
    let isPaused: Bool
  }

  static let sql: SQL = """
    SELECT access_token_sealed, coalesce(expires_at > now() + interval '5 seconds', false),
      last_error IS NOT NULL AND refresh_at > now() AND lease_until IS NULL
    FROM wechat_app_tokens WHERE tenant_id = current_tenant() AND client_id = $1
    """
  let client: ID<ThirdPartyAuthzClient>

  func bind(to binder: inout Binder) { binder.bind(client) }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Output {
    Output(sealed: try row.next(), isLive: try row.next(), isPaused: try row.next())
  }
}

/// Takes the lease of a client's token for 30 s; no row while somebody else has it. The row is the fence.
struct ClaimAppToken: TenantStatement {
  static let sql: SQL = """
    INSERT INTO wechat_app_tokens AS t (tenant_id, client_id, lease_owner, lease_until, fence, attempts)
    VALUES (current_tenant(), $1, $2, now() + interval '30 seconds', 1, 1)
    ON CONFLICT ON CONSTRAINT wechat_app_tokens_pkey DO UPDATE
    SET lease_owner = $2, lease_until = now() + interval '30 seconds', fence = t.fence + 1, attempts = t.attempts + 1
    WHERE t.lease_until IS NULL OR t.lease_until < now()
    RETURNING t.fence
    """
  let client: ID<ThirdPartyAuthzClient>
  let owner: UUID

  func bind(to binder: inout Binder) {
    binder.bind(client)
    binder.bind(owner)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Int { try row.next() }
}

/// Stores a fetched token and gives the lease back, if the lease was not lost.
struct StoreAppToken: TenantStatement {
  static let sql: SQL = """
    WITH stored AS (
      UPDATE wechat_app_tokens SET access_token_sealed = $3, obtained_at = now(),
        expires_at = now() + make_interval(secs => $4),
        refresh_at = now() + make_interval(secs => $4 * (0.6 + random() * 0.2)),
        lease_until = NULL, lease_owner = NULL, attempts = 0, last_error = NULL
      WHERE tenant_id = current_tenant() AND client_id = $1 AND fence = $2
      RETURNING client_id
    ), healthy AS (
      UPDATE third_party_authz_clients c SET credential_status = 'ok', credential_error = NULL, version = c.version + 1,
        updated_at = now()
      FROM stored
      WHERE c.tenant_id = current_tenant() AND c.id = $1 AND c.credential_status <> 'ok'
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, target_type, target_id)
      SELECT current_tenant(), $5, 'wechat.token.refreshed', 'worker', 'token-hub', 'third_party_authz_client', $1::text
      FROM stored
    )
    SELECT client_id FROM stored
    """
  let client: ID<ThirdPartyAuthzClient>
  let fence: Int
  let sealed: [UInt8]
  /// Seconds, from WeChat's own `expires_in`.
  let lifetime: Double

  func bind(to binder: inout Binder) {
    binder.bind(client)
    binder.bind(fence)
    binder.bind(sealed)
    binder.bind(lifetime)
    binder.bind(UUIDv7.make())
  }

  static func decode(_ row: inout Row) throws(DecodingFault) {}
}

/// Keeps a failure and gives the lease back, if the lease was not lost. Refused credentials turn the client to `failing`.
struct FailAppToken: TenantStatement {
  static let sql: SQL = """
    WITH failed AS (
      UPDATE wechat_app_tokens SET lease_until = NULL, lease_owner = NULL,
        last_error = CASE WHEN $4 THEN $3::text END, refresh_at = now() + make_interval(secs => $6)
      WHERE tenant_id = current_tenant() AND client_id = $1 AND fence = $2
      RETURNING client_id
    ), failing AS (
      UPDATE third_party_authz_clients c SET credential_status = 'failing', credential_error = $5::jsonb,
        version = c.version + 1, updated_at = now()
      FROM failed
      WHERE c.tenant_id = current_tenant() AND c.id = $1 AND $4
        AND (c.credential_status, c.credential_error) IS DISTINCT FROM ('failing', $5::jsonb)
      RETURNING c.id
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, target_type, target_id, details)
      SELECT current_tenant(), $7, 'client.credential_failing', 'worker', 'token-hub', 'third_party_authz_client', $1::text,
        $5::jsonb
      FROM failing
    )
    SELECT client_id FROM failed
    """
  let client: ID<ThirdPartyAuthzClient>
  let fence: Int
  let reason: String
  let isRefusal: Bool
  let error: JSONText?
  /// Seconds until WeChat may be asked again.
  let pause: Int

  func bind(to binder: inout Binder) {
    binder.bind(client)
    binder.bind(fence)
    binder.bind(reason)
    binder.bind(isRefusal)
    binder.bind(error)
    binder.bind(Double(pause))
    binder.bind(UUIDv7.make())
  }

  static func decode(_ row: inout Row) throws(DecodingFault) {}
}
