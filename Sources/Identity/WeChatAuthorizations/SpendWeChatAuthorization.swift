import FoundationEssentials
import Query
import Secrets
import Tenancy

/// Spends a `state` that came back by its own browser to its own client, while what it was begun for is still wanted; what the
/// interaction carried of an earlier person is dropped.
///
/// A browser that WeChat sends back twice at once finds it again for 10 s with the same code, which is exchanged once. No row for
/// everything else, and nothing is spent: whoever saw somebody's state cannot take it from them.
struct SpendWeChatAuthorization: TenantStatement {
  struct Output: Sendable {
    let provider: String
    /// Of a login.
    let interactionSealed: [UInt8]?
    /// Of a link.
    let user: ID<User>?
  }

  static let sql: SQL = """
    WITH spent AS (
      UPDATE wechat_authorizations w SET used_at = coalesce(w.used_at, now()), code_hash = coalesce(w.code_hash, $6)
      WHERE w.tenant_id = current_tenant() AND w.id = $1 AND w.state_hash = $2 AND w.browser_hash = $3
        AND w.identity_application_id = $4 AND w.client_id = $5 AND w.expires_at > now()
        AND (w.used_at IS NULL OR (w.used_at > now() - interval '10 seconds' AND w.code_hash = $6::bytea))
        AND CASE w.purpose
          WHEN 'login' THEN EXISTS (SELECT FROM authorization_requests r
            WHERE r.tenant_id = current_tenant() AND r.id = w.interaction_id AND r.browser_hash = $3
              AND r.used_at IS NULL AND r.expires_at > now())
          ELSE EXISTS (SELECT FROM sessions s
            JOIN users u ON u.tenant_id = current_tenant() AND u.id = s.user_id AND u.status = 'active'
            WHERE s.tenant_id = current_tenant() AND s.id = w.session_id AND s.id = $7 AND s.cookie_hash = $8
              AND s.ended_at IS NULL AND s.expires_at > now() AND s.idle_expires_at > now())
          END
      RETURNING w.client_id, w.interaction_id, w.interaction_sealed, w.session_id, w.used_at = now() AS is_first
    ), dropped AS (
      UPDATE authorization_requests r SET ticket_sealed = NULL FROM spent p
      WHERE r.tenant_id = current_tenant() AND r.id = p.interaction_id AND p.is_first AND r.ticket_sealed IS NOT NULL
    )
    SELECT c.provider, p.interaction_sealed, s.user_id
    FROM spent p
    JOIN third_party_authz_clients c ON c.tenant_id = current_tenant() AND c.id = p.client_id
    LEFT JOIN sessions s ON s.tenant_id = current_tenant() AND s.id = p.session_id
    """
  let state: AuthorizationState
  let browserHash: [UInt8]
  let application: ID<IdentityApplication>
  let client: ID<ThirdPartyAuthzClient>
  /// `nil` when the browser brought no code: the person said no.
  let codeHash: [UInt8]?
  let cookie: OpaqueToken?

  func bind(to binder: inout Binder) {
    binder.bind(state.token.id)
    binder.bind(state.token.hash)
    binder.bind(browserHash)
    binder.bind(application)
    binder.bind(client)
    binder.bind(codeHash)
    binder.bind(cookie?.id)
    binder.bind(cookie?.hash)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Output {
    Output(provider: try row.next(), interactionSealed: try row.next(), user: try row.next())
  }
}
