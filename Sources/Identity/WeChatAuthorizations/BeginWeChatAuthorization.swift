import FoundationEssentials
import Query
import Secrets
import Tenancy

/// Keeps a `state` for ten minutes, for an enabled client of this application that browsers can go to.
///
/// No row: there is no such client. Not begun: a link without a live session, or with one older than five minutes.
struct BeginWeChatAuthorization: TenantStatement {
  struct Output: Sendable {
    let provider: String
    let appID: String
    let isBegun: Bool
  }

  /// What the browser goes for.
  enum Purpose: Sendable {
    /// To sign in for an interaction, whose token is sealed.
    case login(interaction: UUID, sealed: [UInt8])
    /// To give the user of its session another identity.
    case link(session: OpaqueToken)
  }

  static let sql: SQL = """
    WITH client AS (
      SELECT c.id, c.provider, c.app_id FROM third_party_authz_clients c
      WHERE c.tenant_id = current_tenant() AND c.id = $1 AND c.identity_application_id = $2 AND c.enabled
        AND c.provider IN ('wechat_web', 'wechat_official_account')
    ), begun AS (
      INSERT INTO wechat_authorizations (tenant_id, id, identity_application_id, client_id, purpose, state_hash,
        browser_hash, interaction_id, interaction_sealed, session_id, expires_at)
      SELECT current_tenant(), $3, $2, c.id, CASE WHEN $8::uuid IS NULL THEN 'login' ELSE 'link' END, $4, $5, $6, $7, $8,
        now() + interval '10 minutes'
      FROM client c
      WHERE $8 IS NULL OR EXISTS (SELECT FROM sessions s
        JOIN users u ON u.tenant_id = current_tenant() AND u.id = s.user_id AND u.status = 'active'
        WHERE s.tenant_id = current_tenant() AND s.id = $8 AND s.cookie_hash = $9 AND s.identity_application_id = $2
          AND s.ended_at IS NULL AND s.expires_at > now() AND s.idle_expires_at > now()
          AND s.auth_time > now() - interval '5 minutes'
          AND ('mfa' = ANY (s.amr) OR second_factor(s.identity_application_id, s.user_id) = 'none'))
      RETURNING id
    )
    SELECT provider, app_id, EXISTS (SELECT FROM begun) FROM client
    """
  let client: ID<ThirdPartyAuthzClient>
  let application: ID<IdentityApplication>
  let state: AuthorizationState
  let browserHash: [UInt8]
  let purpose: Purpose

  func bind(to binder: inout Binder) {
    binder.bind(client)
    binder.bind(application)
    binder.bind(state.token.id)
    binder.bind(state.token.hash)
    binder.bind(browserHash)
    switch purpose {
    case .login(let interaction, let sealed):
      binder.bind(interaction)
      binder.bind(sealed)
      binder.bind(UUID?.none)
      binder.bind([UInt8]?.none)
    case .link(let session):
      binder.bind(UUID?.none)
      binder.bind([UInt8]?.none)
      binder.bind(session.id)
      binder.bind(session.hash)
    }
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Output {
    Output(provider: try row.next(), appID: try row.next(), isBegun: try row.next())
  }
}
