import Federation
import Query
import Secrets
import Tenancy

/// Keeps at the client what WeChat said of its credentials or permissions to a call that was not the refresher's, with an audit
/// event where it is news (contract section 8: details go to the tenant's administrator, not to the caller).
///
/// Nothing happens when the secret was changed meanwhile. Where the secret itself is refused the client is failing, and the
/// refresher looks at it at once.
struct NoteRefusedCredentials: TenantStatement {
  /// Which call met the refusal; the actor of the audit event.
  enum Call: String, Sendable {
    /// A login code was exchanged, with AppID and secret.
    case login
    /// A phone number was asked for, with the app access token.
    case phoneNumber = "phone_number"
  }

  static let sql: SQL = """
    WITH client AS (
      SELECT id FROM third_party_authz_clients WHERE tenant_id = current_tenant() AND id = $1 AND app_secret_sealed = $2
      FOR NO KEY UPDATE
    ), noted AS (
      UPDATE third_party_authz_clients c SET credential_error = $3::jsonb,
        credential_status = CASE WHEN $4 THEN 'failing' ELSE c.credential_status END,
        version = c.version + 1, updated_at = now()
      FROM client
      WHERE c.tenant_id = current_tenant() AND c.id = client.id
        AND (($4 AND c.credential_status <> 'failing')
          OR (c.credential_error -> 'errcode') IS DISTINCT FROM ($3::jsonb -> 'errcode'))
      RETURNING c.id
    ), due AS (
      UPDATE app_token_schedule s SET refresh_at = least(s.refresh_at, now()) FROM noted
      WHERE $4 AND s.tenant_id = current_tenant() AND s.client_id = noted.id AND s.lease_owner IS NULL
      RETURNING s.client_id
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id, details)
      SELECT current_tenant(), $5, 'client.credential_failing', 'wechat', $6, $7, 'third_party_authz_client', id::text,
        $3::jsonb
      FROM noted
    )
    SELECT pg_notify('qiao_work', 'wechat_token_refresh') FROM due
    """
  let client: FederationClient
  let failure: ProviderFailure
  let call: Call
  let requestID: String

  func bind(to binder: inout Binder) {
    binder.bind(client.id)
    binder.bind(client.appSecretSealed)
    binder.bind(failure.credentialError)
    binder.bind(call == .login || failure.retry == .disable)
    binder.bind(UUIDv7.make())
    binder.bind(call.rawValue)
    binder.bind(requestID)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) {}
}

extension TenantDatabase {
  /// Keeps what a failure says of a client's credentials, if it says anything; the caller's answer does not depend on it.
  func note(
    _ failure: ProviderFailure, of client: FederationClient, at call: NoteRefusedCredentials.Call, requestID: String
  ) async {
    guard failure.isRefusal || failure.retry == .refreshToken else { return }
    let note = NoteRefusedCredentials(client: client, failure: failure, call: call, requestID: requestID)
    _ = try? await run(note, repeatable: true)
  }
}
