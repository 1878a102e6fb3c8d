import FoundationEssentials
import JSON
import OAuth
import Query
import Secrets
import Tenancy

/// RP-Initiated Logout (OpenID Connect RP-Initiated Logout 1.0).
public struct Logout: Sendable {
  private let hints: IDTokenHints

  /// A logout that trusts the ID tokens `hints` reads.
  public init(hints: IDTokenHints) { self.hints = hints }

  /// What a browser is to see.
  public enum Outcome: Sendable {
    /// The session is over; go back to the client.
    case redirect(String)
    /// The session is over, or there was none.
    case loggedOut
    /// Nobody proved that the person wants it: ask.
    case confirm
  }

  /// Ends the browser's session where an ID token of that very session asks for it, or the person confirmed.
  ///
  /// A hint of another session, or none, could be anybody's: the person is asked, so that no other site can sign them out.
  /// - Throws: `.oauth` for a page: a hint or an address that is not what it must be.
  public func end(
    _ fields: [String: String], isConfirmed: Bool, _ visit: Authorization.Visit, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> Outcome {
    let claims = try await hint(fields, visit, in: database)
    let target = try await target(fields, claims, visit, in: database)
    guard let cookie = visit.cookie else { return target.map { .redirect($0) } ?? .loggedOut }
    let isOwn = claims?["sid"]?.string == cookie.id.canonical
    guard isOwn || isConfirmed else { return .confirm }
    do {
      _ = try await database.run(
        EndBrowserSession(application: visit.application, cookie: cookie, requestID: visit.requestID), repeatable: true)
    } catch {
      throw .fault(.database(error))
    }
    return target.map { .redirect($0) } ?? .loggedOut
  }

  private func hint(
    _ fields: [String: String], _ visit: Authorization.Visit, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> JSONObject? {
    guard let text = fields["id_token_hint"] else { return nil }
    let claims: JSONObject?
    do {
      claims = try await hints.claims(text, application: visit.slug, in: database)
    } catch {
      throw .fault(error)
    }
    guard let claims, fields["client_id"] == nil || claims["aud"]?.string == fields["client_id"] else {
      throw .oauth(OAuthError(.invalidRequest, "id_token_hint is not an ID token of this issuer and client"))
    }
    return claims
  }

  /// Where to go afterwards: only with a hint, and only to an address registered for its client.
  private func target(
    _ fields: [String: String], _ claims: JSONObject?, _ visit: Authorization.Visit, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> String? {
    guard let uri = fields["post_logout_redirect_uri"] else { return nil }
    guard let client = claims?["aud"]?.string.flatMap({ UUID(canonical: $0) }) else {
      throw .oauth(OAuthError(.invalidRequest, "post_logout_redirect_uri needs an id_token_hint"))
    }
    let registered: [String]
    do {
      let find = FindLogoutAddresses(client: client, application: visit.application)
      registered = try await database.run(find, repeatable: true).first ?? []
    } catch {
      throw .fault(.database(error))
    }
    guard registered.contains(where: { $0.utf8.elementsEqual(uri.utf8) }) else {
      throw .oauth(OAuthError(.invalidRequest, "post_logout_redirect_uri is not registered for this client"))
    }
    guard let state = fields["state"] else { return uri }
    return "\(uri)\(uri.contains("?") ? "&" : "?")state=\(PercentEncoding.encode(state))"
  }
}

/// Where a client's browsers may go after logout.
struct FindLogoutAddresses: TenantStatement {
  static let sql: SQL = """
    SELECT post_logout_redirect_uris FROM oauth_clients
    WHERE tenant_id = current_tenant() AND id = $1 AND identity_application_id = $2
    """
  let client: UUID
  let application: ID<IdentityApplication>

  func bind(to binder: inout Binder) {
    binder.bind(client)
    binder.bind(application)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> [String] {
    try row.next(ColumnArray<String>.self).elements
  }
}

/// Ends the session of a cookie; everything issued in it ends with it.
struct EndBrowserSession: TenantStatement {
  static let sql: SQL = """
    WITH ended AS (
      UPDATE sessions SET ended_at = now()
      WHERE tenant_id = current_tenant() AND id = $1 AND cookie_hash = $2 AND identity_application_id = $3
        AND ended_at IS NULL
      RETURNING id, user_id
    )
    INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, target_type, target_id, request_id)
    SELECT current_tenant(), $4, 'session.ended', 'user', user_id::text, 'session', id::text, $5 FROM ended
    """
  let application: ID<IdentityApplication>
  let cookie: OpaqueToken
  let requestID: String

  func bind(to binder: inout Binder) {
    binder.bind(cookie.id)
    binder.bind(cookie.hash)
    binder.bind(application)
    binder.bind(UUIDv7.make())
    binder.bind(requestID)
  }
}
