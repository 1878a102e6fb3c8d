import FoundationEssentials
import OAuth
import Query
import Secrets
import Tenancy

/// A device that waits: `qdc_`, its row and 32 random bytes are its device code.
enum DeviceCode {
  static let prefix = "qdc"
  /// Seconds that a code lives.
  static let lifetime = 600
  /// Seconds between two polls, to begin with (RFC 8628 section 3.2).
  static let interval = 5
}

/// Keeps a new device code; a user code that is taken breaks a unique key.
struct StoreDeviceCode: TenantStatement {
  static let sql: SQL = """
    INSERT INTO device_authorizations (tenant_id, id, identity_application_id, client_id, secret_hash, user_code, scope,
      poll_interval, expires_at, resource)
    VALUES (current_tenant(), $1, $2, $3, $4, $5, $6, $7::bigint::integer, now() + make_interval(secs => $8), $9)
    """
  let code: OpaqueToken
  let application: ID<IdentityApplication>
  let client: UUID
  let userCode: UserCode
  let scope: Scope
  /// What its access tokens are to be for.
  let resource: String?

  func bind(to binder: inout Binder) {
    binder.bind(code.id)
    binder.bind(application)
    binder.bind(client)
    binder.bind(code.hash)
    binder.bind(userCode.letters)
    binder.bind(scope.text)
    binder.bind(DeviceCode.interval)
    binder.bind(Double(DeviceCode.lifetime))
    binder.bind(resource)
  }
}

/// Counts a try to type a user code and finds its device, unless too many were tried.
///
/// The try is counted before the code is looked at, so that tries sent at once cannot outrun the count. A row is always there.
struct TryUserCode: TenantStatement {
  struct Output: Sendable {
    let isLocked: Bool
    let device: Device?
  }

  /// A device whose code was typed.
  struct Device: Sendable {
    let id: UUID
    let client: UUID
    let scope: String
    let userCode: UserCode
  }

  static let sql: SQL = """
    WITH counted AS (
      INSERT INTO user_code_tries AS t (tenant_id, identity_application_id, who, tries)
      SELECT current_tenant(), a.id, w.who, 1
      FROM identity_applications a, (VALUES ($2::bytea), ($3::bytea)) AS w (who)
      WHERE a.tenant_id = current_tenant() AND a.id = $1 AND w.who IS NOT NULL
      ORDER BY w.who
      ON CONFLICT ON CONSTRAINT user_code_tries_pkey DO UPDATE
      SET tries = CASE WHEN t.begun_at <= now() - interval '10 minutes' THEN 1 ELSE least(t.tries, 1000) + 1 END,
        begun_at = CASE WHEN t.begun_at <= now() - interval '10 minutes' THEN now() ELSE t.begun_at END
      RETURNING t.who, t.tries
    ), verdict AS (
      SELECT coalesce(bool_or(tries > CASE WHEN who = $2 THEN 10 ELSE 20 END), true) AS locked FROM counted
    )
    SELECT v.locked, d.id, d.client_id, d.scope, d.user_code
    FROM verdict v
    LEFT JOIN device_authorizations d ON NOT v.locked AND d.tenant_id = current_tenant()
      AND d.identity_application_id = $1 AND d.user_code = $4::text AND d.approved IS NULL AND d.expires_at > now()
    """
  let application: ID<IdentityApplication>
  /// Keyed hashes of the browser and of the address it comes from.
  let browser: [UInt8]
  let address: [UInt8]?
  let userCode: UserCode?

  func bind(to binder: inout Binder) {
    binder.bind(application)
    binder.bind(browser)
    binder.bind(address)
    binder.bind(userCode?.letters)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Output {
    let isLocked: Bool = try row.next()
    let id: UUID? = try row.next()
    let client: UUID? = try row.next()
    let scope: String? = try row.next()
    let userCode: String? = try row.next()
    guard let id, let client, let scope, let userCode else { return Output(isLocked: isLocked, device: nil) }
    return Output(
      isLocked: isLocked, device: Device(id: id, client: client, scope: scope, userCode: UserCode(stored: userCode)))
  }
}

/// Takes one try back, because its code was right; the others stay, or an attacker's own device would reset the count.
struct ForgiveUserCodeTry: TenantStatement {
  static let sql: SQL = """
    UPDATE user_code_tries SET tries = tries - 1
    WHERE tenant_id = current_tenant() AND identity_application_id = $1 AND who IN ($2, $3::bytea) AND tries > 0
    """
  let tried: TryUserCode

  func bind(to binder: inout Binder) {
    binder.bind(tried.application)
    binder.bind(tried.browser)
    binder.bind(tried.address)
  }
}

/// Answers a device by the interaction that stands for it, once, and ends that interaction.
struct DecideDevice: TenantStatement {
  static let sql: SQL = """
    WITH spent AS (
      UPDATE authorization_requests SET used_at = now()
      WHERE tenant_id = current_tenant() AND id = $5 AND secret_hash = $6 AND used_at IS NULL AND expires_at > now()
      RETURNING device_id
    ), decided AS (
      UPDATE device_authorizations d SET approved = $8, user_id = s.user_id, amr = s.amr, auth_time = s.auth_time
      FROM spent r, sessions s
      WHERE d.tenant_id = current_tenant() AND d.id = r.device_id AND d.approved IS NULL AND d.expires_at > now()
        AND s.tenant_id = current_tenant() AND s.id = $7 AND s.identity_application_id = d.identity_application_id
        AND s.ended_at IS NULL AND s.expires_at > now() AND s.idle_expires_at > now()
      RETURNING d.client_id
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id)
      SELECT current_tenant(), $1, CASE WHEN $8 THEN 'device.approved' ELSE 'device.refused' END, $2, $3, $4,
        'oauth_client', client_id::text
      FROM decided
    )
    SELECT FROM decided
    """
  let author: Author
  let interaction: OpaqueToken
  let session: ID<Session>
  let isApproved: Bool

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(interaction.id)
    binder.bind(interaction.hash)
    binder.bind(session)
    binder.bind(isApproved)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) {}
}
