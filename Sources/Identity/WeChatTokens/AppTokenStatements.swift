import FoundationEssentials
import Query
import Secrets
import Tenancy

/// The stored app access token of a client that is enabled.
struct FindAppToken: TenantStatement {
  struct Output: Sendable {
    let sealed: [UInt8]?
    /// Seconds it has left; not positive when it is past.
    let remaining: Double
    /// True while WeChat refuses the credentials.
    let isFailing: Bool
    /// What WeChat refuses them with.
    let errcode: Int?
  }

  static let sql: SQL = """
    SELECT t.access_token_sealed, coalesce(extract(epoch FROM t.expires_at - now()), 0)::double precision,
      c.credential_status = 'failing', (c.credential_error ->> 'errcode')::bigint
    FROM third_party_authz_clients c
    LEFT JOIN wechat_app_tokens t ON t.tenant_id = current_tenant() AND t.client_id = c.id
    WHERE c.tenant_id = current_tenant() AND c.id = $1 AND c.enabled
    """
  let client: ID<ThirdPartyAuthzClient>

  func bind(to binder: inout Binder) { binder.bind(client) }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Output {
    Output(sealed: try row.next(), remaining: try row.next(), isFailing: try row.next(), errcode: try row.next())
  }
}

/// Makes the refresh of a token due, if the stored token is still the one that was read, and wakes a worker; tells whether it is.
///
/// Not sooner than a second after the last one: however many callers report one token, WeChat is called once a second at most.
/// A refresh that failed keeps its pause: callers who want the token must not undo it.
struct HastenAppToken: TenantStatement {
  static let sql: SQL = """
    WITH stored AS (
      SELECT t.access_token_sealed IS NOT DISTINCT FROM $2 AS is_same,
        greatest(now(), t.obtained_at + interval '1 second') AS earliest
      FROM (SELECT) AS one
      LEFT JOIN wechat_app_tokens t ON t.tenant_id = current_tenant() AND t.client_id = $1
    ), due AS (
      UPDATE app_token_schedule s SET
        refresh_at = CASE WHEN stored.is_same AND s.lease_owner IS NULL AND s.attempts = 0
          THEN least(s.refresh_at, stored.earliest) ELSE s.refresh_at END,
        awaited_until = CASE WHEN $3 THEN now() + interval '6 seconds' ELSE s.awaited_until END
      FROM stored
      WHERE s.tenant_id = current_tenant() AND s.client_id = $1 AND stored.is_same
        AND (s.lease_owner IS NULL AND s.attempts = 0 AND s.refresh_at > stored.earliest
          OR $3 AND coalesce(s.awaited_until < now() + interval '3 seconds', true))
      RETURNING s.client_id
    )
    SELECT stored.is_same, (SELECT pg_notify('qiao_work', 'wechat_token_refresh') FROM due) FROM stored
    """
  let client: ID<ThirdPartyAuthzClient>
  /// As it was read; `nil` when there was none.
  let sealed: [UInt8]?
  /// True when somebody waits for the end of the refresh; it is forgotten after six seconds.
  let isAwaited: Bool

  func bind(to binder: inout Binder) {
    binder.bind(client)
    binder.bind(sealed)
    binder.bind(isAwaited)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Bool { try row.next() }
}

/// Takes the refresh of one client for `verify`; no row while a worker has it.
struct ClaimAppToken: TenantStatement {
  static let sql: SQL = """
    UPDATE app_token_schedule s SET lease_owner = $2, lease_until = now() + interval '10 seconds', fence = s.fence + 1
    WHERE s.tenant_id = current_tenant() AND s.client_id = $1 AND (s.lease_until IS NULL OR s.lease_until < now())
    RETURNING s.fence
    """
  let client: ID<ThirdPartyAuthzClient>
  let owner: UUID

  func bind(to binder: inout Binder) {
    binder.bind(client)
    binder.bind(owner)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Int { try row.next() }
}

/// The credentials that tokens are fetched with; no row for a client that is disabled or gone.
struct FindAppCredentials: TenantStatement {
  struct Credentials: Sendable {
    let appID: String
    let secretSealed: [UInt8]
  }

  static let sql: SQL = """
    SELECT v.place, c.app_id, c.app_secret_sealed
    FROM unnest($1::uuid[]) WITH ORDINALITY AS v (client_id, place)
    JOIN third_party_authz_clients c ON c.tenant_id = current_tenant() AND c.id = v.client_id AND c.enabled
    """
  let clients: [ID<ThirdPartyAuthzClient>]

  func bind(to binder: inout Binder) { binder.bind(ColumnArray(clients.map(\.uuid))) }

  static func decode(_ row: inout Row) throws(DecodingFault)
    -> TenantGathering<ID<ThirdPartyAuthzClient>, Credentials>.Placed
  {
    .init(place: try row.next(), outcome: Credentials(appID: try row.next(), secretSealed: try row.next()))
  }
}

/// A token as it is stored.
struct FetchedAppToken: Sendable {
  let client: ID<ThirdPartyAuthzClient>
  let fence: Int
  let sealed: [UInt8]
  /// Seconds, from WeChat's own `expires_in`.
  let lifetime: Int
  /// Who asked for it; `nil` for the refresher.
  var author: Author?
}

/// Stores fetched tokens and gives their leases back; no row for a lease that is somebody else's by now.
///
/// The clients are locked before their schedules, as in a change of a client, and in one order.
struct StoreAppTokens: TenantStatement {
  static let sql: SQL = """
    WITH clients AS (
      SELECT id FROM third_party_authz_clients WHERE tenant_id = current_tenant() AND id = ANY ($1)
      ORDER BY id FOR NO KEY UPDATE
    ), held AS (
      UPDATE app_token_schedule s SET refresh_at = now() + make_interval(secs => v.lifetime * (0.5 + random() * 0.4)),
        lease_until = NULL, lease_owner = NULL, attempts = 0
      FROM unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::bigint[], $5::uuid[], $6::text[], $7::text[], $8::text[])
        WITH ORDINALITY AS v (client_id, fence, sealed, lifetime, event_id, actor_type, actor_id, request_id, place)
      JOIN clients c ON c.id = v.client_id
      WHERE s.tenant_id = current_tenant() AND s.client_id = v.client_id AND s.fence = v.fence
      RETURNING v.*, s.awaited_until > now() AS is_awaited
    ), stored AS (
      INSERT INTO wechat_app_tokens AS t (tenant_id, client_id, access_token_sealed, obtained_at, expires_at)
      SELECT current_tenant(), client_id, sealed, now(), now() + make_interval(secs => lifetime) FROM held
      ON CONFLICT ON CONSTRAINT wechat_app_tokens_pkey DO UPDATE
      SET access_token_sealed = excluded.access_token_sealed, obtained_at = excluded.obtained_at,
        expires_at = excluded.expires_at, last_error = NULL
    ), healthy AS (
      UPDATE third_party_authz_clients c SET credential_status = 'ok', credential_error = NULL, version = c.version + 1,
        updated_at = now()
      FROM held
      WHERE c.tenant_id = current_tenant() AND c.id = held.client_id
        AND (c.credential_status <> 'ok' OR c.credential_error IS NOT NULL)
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id)
      SELECT current_tenant(), event_id, 'wechat.token.refreshed', actor_type, actor_id, nullif(request_id, ''),
        'third_party_authz_client', client_id::text
      FROM held
    )
    SELECT place, CASE WHEN is_awaited THEN pg_notify('qiao_app_tokens', client_id::text) END FROM held
    """
  let tokens: [FetchedAppToken]

  func bind(to binder: inout Binder) {
    binder.bind(ColumnArray(tokens.map(\.client.uuid)))
    binder.bind(ColumnArray(tokens.map(\.fence)))
    binder.bind(ColumnArray(tokens.map(\.sealed)))
    binder.bind(ColumnArray(tokens.map(\.lifetime)))
    binder.bind(ColumnArray(tokens.map { _ in UUIDv7.make() }))
    binder.bind(ColumnArray(tokens.map { $0.author?.kind ?? Author.refresher.kind }))
    binder.bind(ColumnArray(tokens.map { $0.author?.id ?? Author.refresher.id }))
    binder.bind(ColumnArray(tokens.map { $0.author?.requestID ?? "" }))
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> TenantGathering<FetchedAppToken, Void>.Placed {
    .init(place: try row.next(), outcome: ())
  }
}

/// Keeps a failure and gives the lease back; no row when the lease is somebody else's by now. Refused credentials turn the client
/// to `failing`.
struct FailAppToken: TenantStatement {
  static let sql: SQL = """
    WITH client AS (
      SELECT id FROM third_party_authz_clients WHERE tenant_id = current_tenant() AND id = $1 FOR NO KEY UPDATE
    ), held AS (
      UPDATE app_token_schedule s SET lease_until = NULL, lease_owner = NULL,
        refresh_at = now() + make_interval(secs => $6)
      FROM client
      WHERE s.tenant_id = current_tenant() AND s.client_id = client.id AND s.fence = $2
      RETURNING s.client_id, s.awaited_until > now() AS is_awaited
    ), noted AS (
      INSERT INTO wechat_app_tokens AS t (tenant_id, client_id, last_error)
      SELECT current_tenant(), client_id, $3 FROM held
      ON CONFLICT ON CONSTRAINT wechat_app_tokens_pkey DO UPDATE SET last_error = excluded.last_error
    ), failing AS (
      UPDATE third_party_authz_clients c SET credential_status = 'failing', credential_error = $5::jsonb,
        version = c.version + 1, updated_at = now()
      FROM held
      WHERE c.tenant_id = current_tenant() AND c.id = $1 AND $4
        AND (c.credential_status, c.credential_error - 'request_id')
          IS DISTINCT FROM ('failing', $5::jsonb - 'request_id')
      RETURNING c.id
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id, details)
      SELECT current_tenant(), $7, 'client.credential_failing', $8, $9, $10, 'third_party_authz_client', $1::text, $5::jsonb
      FROM failing
    )
    SELECT CASE WHEN is_awaited THEN pg_notify('qiao_app_tokens', client_id::text) END FROM held
    """
  let client: ID<ThirdPartyAuthzClient>
  let fence: Int
  let reason: String
  let isRefusal: Bool
  let error: JSONText?
  /// Seconds until WeChat is asked again.
  let pause: Double
  /// Who asked for it; `nil` for the refresher.
  var author: Author?

  func bind(to binder: inout Binder) {
    binder.bind(client)
    binder.bind(fence)
    binder.bind(reason)
    binder.bind(isRefusal)
    binder.bind(error)
    binder.bind(pause)
    binder.bind(UUIDv7.make())
    binder.bind(author?.kind ?? Author.refresher.kind)
    binder.bind(author?.id ?? Author.refresher.id)
    binder.bind(author?.requestID)
  }
}

extension Author {
  /// The refresher, which acts upon no request.
  fileprivate static let refresher = Author(kind: "worker", id: "token-refresher", requestID: "")
}
