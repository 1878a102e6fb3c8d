import FoundationEssentials
import OAuth
import Query
import Secrets
import Tenancy

/// What the authorization endpoint must know of a client, and of the browser that came.
struct AuthorizingClient: Sendable {
  let id: UUID
  let name: String
  let type: String
  let redirectURIs: [String]
  let grantTypes: [String]
  let scopes: [String]
  let resources: [String]
  let isPublic: Bool
  let requiresPAR: Bool
  let requiresConsent: Bool
  /// The live session of the browser, if there is one.
  let session: BrowserSession?
  /// What its user agreed to before.
  let consented: Scope

  /// True when the user must be asked.
  func needsConsent(_ request: AuthorizationRequest) -> Bool {
    request.prompts.contains(.consent) || (requiresConsent && !consented.covers(agreement(request)))
  }
}

/// A session of the hosted pages, held by a browser.
struct BrowserSession: Sendable {
  let id: ID<Session>
  let user: ID<User>
  let authTime: Date
  /// How its user proved who they are (RFC 8176).
  let amr: [String]
}

/// An OAuth client of an application, with the live session whose cookie the browser sent and that user's consent. A session that
/// lacks a factor which is asked for by now is none.
struct FindAuthorizingClient: TenantStatement {
  static let sql: SQL = """
    SELECT c.id, c.name, c.type, c.redirect_uris, c.grant_types, c.scopes, c.token_endpoint_auth_method = 'none',
      c.require_pushed_authorization_requests, c.require_consent, a.resources, s.id, s.user_id, s.auth_time,
      coalesce(s.amr, '{}'), coalesce(k.scopes, '{}')
    FROM oauth_clients c
    JOIN identity_applications a ON a.tenant_id = current_tenant() AND a.id = c.identity_application_id
    LEFT JOIN (sessions s JOIN users u ON u.tenant_id = current_tenant() AND u.id = s.user_id AND u.status = 'active')
      ON s.tenant_id = current_tenant() AND s.id = $3 AND s.cookie_hash = $4
      AND s.identity_application_id = $2 AND s.ended_at IS NULL AND s.expires_at > now() AND s.idle_expires_at > now()
      AND ('mfa' = ANY (s.amr) OR second_factor(s.identity_application_id, s.user_id) = 'none')
    LEFT JOIN consents k ON k.tenant_id = current_tenant() AND k.user_id = s.user_id AND k.client_id = c.id
    WHERE c.tenant_id = current_tenant() AND c.id = $1 AND c.identity_application_id = $2
    """
  let client: UUID
  let application: ID<IdentityApplication>
  let cookie: OpaqueToken?

  func bind(to binder: inout Binder) {
    binder.bind(client)
    binder.bind(application)
    binder.bind(cookie?.id)
    binder.bind(cookie?.hash)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> AuthorizingClient {
    let id: UUID = try row.next()
    let name: String = try row.next()
    let type: String = try row.next()
    let redirectURIs = try row.next(ColumnArray<String>.self).elements
    let grantTypes = try row.next(ColumnArray<String>.self).elements
    let scopes = try row.next(ColumnArray<String>.self).elements
    let isPublic: Bool = try row.next()
    let requiresPAR: Bool = try row.next()
    let requiresConsent: Bool = try row.next()
    let resources = try row.next(ColumnArray<String>.self).elements
    let session: ID<Session>? = try row.next()
    let user: ID<User>? = try row.next()
    let authTime: Date? = try row.next()
    let amr = try row.next(ColumnArray<String>.self).elements
    var browser: BrowserSession?
    if let session, let user, let authTime {
      browser = BrowserSession(id: session, user: user, authTime: authTime, amr: amr)
    }
    return AuthorizingClient(
      id: id, name: name, type: type, redirectURIs: redirectURIs, grantTypes: grantTypes, scopes: scopes,
      resources: resources, isPublic: isPublic, requiresPAR: requiresPAR, requiresConsent: requiresConsent,
      session: browser,
      consented: Scope(try row.next(ColumnArray<String>.self).elements))
  }
}
