import FoundationEssentials
import JSON
import OAuth
import Observability
import Query
import Secrets
import Tenancy

/// An authorization request that waits for its person, found by its token and the cookie of the browser it belongs to.
public struct Interaction: Sendable {
  /// `qin_`, its row and 32 random bytes: the form token of its pages.
  public let token: Secret<String>
  /// The parameters of the request.
  public let fields: [String: String]
  /// For the pages; `nil` when the person signs in for the account page itself.
  public let clientName: String?
  let opaque: OpaqueToken
  let browserHash: [UInt8]
  let client: UUID?
  /// Who signed in for it, while the browser holds that session.
  let answeredBy: ID<User>?
  /// As whom the pages address them.
  public let userName: String?
  /// Who alone may answer it.
  let onlyUser: ID<User>?
  /// The ticket of a person whom WeChat authenticated and nobody knows.
  let ticketSealed: [UInt8]?
  /// True when such a person waits.
  public var hasNewcomer: Bool { ticketSealed != nil }
  /// What its client is registered for.
  let clientScopes: [String]
  /// The device that waits for it, instead of a redirect URI.
  var device: UUID?

  /// The code that the device shows, for the person to compare.
  public var userCode: String? { device == nil ? nil : fields["user_code"] }

  /// Who has shown the first factor for it and owes the second, with how they did.
  var first: FirstFactor?

  static let prefix = "qin"

  /// A first factor that was shown.
  public struct FirstFactor: Sendable {
    /// Who showed it.
    public let user: ID<User>
    /// How (RFC 8176).
    let amr: [String]
  }

  /// The scopes that the person is asked to agree to.
  public var scopes: [String] {
    guard device == nil, let request = try? AuthorizationRequest(fields, isPublicClient: false, mayBeOffline: true)
    else { return Scope(parsing: fields["scope"] ?? "")?.tokens ?? [] }
    let claims = try? ClaimsRequest(fields["claims"], within: clientScopes)
    return Scope(request.scope.tokens + (claims?.scopes ?? [])).tokens
  }

  /// Parameters as they are stored.
  static func json(_ fields: [String: String]) -> [UInt8] {
    let members = fields.sorted { $0.key < $1.key }.map { (name: $0.key, value: JSONValue.string($0.value)) }
    return JSONValue.object(JSONObject(members)).text
  }

  /// Parameters as they were stored.
  static func fields(_ stored: JSONText) -> [String: String] {
    let members = (try? JSONValue(parsing: stored.utf8))?.object?.members ?? []
    let fields = members.compactMap { member in member.value.string.map { (member.name, $0) } }
    return Dictionary(fields) { first, _ in first }
  }
}

/// Keeps a request for ten minutes.
struct StoreInteraction: TenantStatement {
  static let sql: SQL = """
    INSERT INTO authorization_requests (tenant_id, id, identity_application_id, client_id, secret_hash, browser_hash,
      session_id, parameters, device_id, user_id, expires_at)
    VALUES (current_tenant(), $1, $2, $3, $4, $5, $6, $7, $8, $9, now() + interval '10 minutes')
    """
  let token: OpaqueToken
  let application: ID<IdentityApplication>
  /// `nil` for the account page.
  let client: UUID?
  let browserHash: [UInt8]
  /// The session that may answer it without a new sign-in.
  let session: ID<Session>?
  let fields: [String: String]
  /// The device that waits for it.
  var device: UUID?
  /// Who alone may answer it.
  var user: ID<User>?

  func bind(to binder: inout Binder) {
    binder.bind(token.id)
    binder.bind(application)
    binder.bind(client)
    binder.bind(token.hash)
    binder.bind(browserHash)
    binder.bind(session)
    binder.bind(JSONText(utf8: Interaction.json(fields)))
    binder.bind(device)
    binder.bind(user)
  }
}

/// A live interaction of an application that belongs to this browser.
struct FindInteraction: TenantStatement {
  struct Output: Sendable {
    let client: UUID?
    let clientName: String?
    let fields: [String: String]
    let answeredBy: ID<User>?
    let userName: String?
    let onlyUser: ID<User>?
    let ticketSealed: [UInt8]?
    let device: UUID?
    let first: Interaction.FirstFactor?
    let clientScopes: [String]
  }

  static let sql: SQL = """
    SELECT r.client_id, c.name, r.parameters, s.user_id, r.user_id, r.ticket_sealed, r.device_id,
      r.first_user_id, r.first_amr, coalesce(c.scopes, '{}'), coalesce(u.name, u.email, u.username)
    FROM authorization_requests r
    LEFT JOIN oauth_clients c ON c.tenant_id = current_tenant() AND c.id = r.client_id
    LEFT JOIN sessions s ON s.tenant_id = current_tenant() AND s.id = r.session_id AND s.id = $5 AND s.cookie_hash = $6
      AND s.ended_at IS NULL AND s.expires_at > now() AND s.idle_expires_at > now()
    LEFT JOIN users u ON u.tenant_id = current_tenant() AND u.id = s.user_id
    WHERE r.tenant_id = current_tenant() AND r.id = $1 AND r.secret_hash = $2 AND r.browser_hash = $3
      AND r.identity_application_id = $4 AND r.used_at IS NULL AND r.expires_at > now()
      AND (r.client_id IS NULL OR c.id IS NOT NULL)
    """
  let token: OpaqueToken
  let browserHash: [UInt8]
  let application: ID<IdentityApplication>
  let cookie: OpaqueToken?

  func bind(to binder: inout Binder) {
    binder.bind(token.id)
    binder.bind(token.hash)
    binder.bind(browserHash)
    binder.bind(application)
    binder.bind(cookie?.id)
    binder.bind(cookie?.hash)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Output {
    let client: UUID? = try row.next()
    let name: String? = try row.next()
    let parameters: JSONText = try row.next()
    let answeredBy: ID<User>? = try row.next()
    let onlyUser: ID<User>? = try row.next()
    let ticketSealed: [UInt8]? = try row.next()
    let device: UUID? = try row.next()
    let first: ID<User>? = try row.next()
    let amr = try row.next(ColumnArray<String>?.self)?.elements
    let clientScopes = try row.next(ColumnArray<String>.self).elements
    return Output(
      client: client, clientName: name, fields: Interaction.fields(parameters), answeredBy: answeredBy,
      userName: try row.next(), onlyUser: onlyUser, ticketSealed: ticketSealed, device: device,
      first: first.map { Interaction.FirstFactor(user: $0, amr: amr ?? []) },
      clientScopes: clientScopes)
  }
}

/// Ends an interaction, and what it was pushed as; of two answers one finds its row.
struct SpendInteraction: TenantStatement {
  static let sql: SQL = """
    WITH spent AS (
      UPDATE authorization_requests SET used_at = now()
      WHERE tenant_id = current_tenant() AND id = $1 AND secret_hash = $2 AND used_at IS NULL AND expires_at > now()
      RETURNING (parameters ->> 'pushed_request')::uuid AS pushed_id
    ), pushed AS (
      UPDATE pushed_requests p SET used_at = now() FROM spent s
      WHERE p.tenant_id = current_tenant() AND p.id = s.pushed_id AND p.used_at IS NULL
      RETURNING p.id
    )
    SELECT FROM spent WHERE pushed_id IS NULL OR EXISTS (SELECT FROM pushed)
    """
  let token: OpaqueToken

  func bind(to binder: inout Binder) {
    binder.bind(token.id)
    binder.bind(token.hash)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) {}
}

/// Remembers what a user agreed to, on top of what they agreed to before.
struct RecordConsent: TenantStatement {
  static let sql: SQL = """
    WITH agreed AS (
      INSERT INTO consents AS k (tenant_id, user_id, client_id, scopes) VALUES (current_tenant(), $5, $6, $7)
      ON CONFLICT ON CONSTRAINT consents_pkey DO UPDATE
      SET scopes = ARRAY(SELECT DISTINCT s FROM unnest(k.scopes || excluded.scopes) s ORDER BY s), updated_at = now()
      RETURNING k.client_id
    )
    INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id, details)
    SELECT current_tenant(), $1, 'consent.granted', $2, $3, $4, 'oauth_client', client_id::text,
      jsonb_build_object('scopes', $7::text[])
    FROM agreed
    """
  let author: Author
  let user: ID<User>
  let client: UUID
  let scope: Scope

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(user)
    binder.bind(client)
    binder.bind(ColumnArray(scope.tokens))
  }
}
