import FoundationEssentials
import OAuth
import Query
import Secrets
import Tenancy

extension Authorization {
  /// The way on for a browser that sends a form once more whose interaction it has brought to its end just now: as if it had asked the
  /// authorization endpoint again, where its session answers without a page.
  /// - Returns: `nil` when this browser and its session finished no such interaction in the last 10 s.
  /// - Throws: `.oauth` for a page, `.fault`.
  public func again(
    _ token: String?, _ visit: Visit, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> Outcome? {
    guard let opaque = token.flatMap({ OpaqueToken($0, prefix: Interaction.prefix) }), let cookie = visit.cookie else {
      return nil
    }
    let find = FindFinishedInteraction(
      token: opaque, browserHash: visit.browserHash, application: visit.application, cookie: cookie)
    guard let found = try await run(find, in: database).first else { return nil }
    guard var fields = found else { return .account(isConfirmed: false) }
    // Both were satisfied by what the person has just done.
    fields["prompt"] = nil
    fields["max_age"] = nil
    return try await begin(fields, visit, in: database)
  }
}

/// The parameters of an interaction that a browser brought to its end in the last 10 s by the session it still holds; NULL for one
/// of the account page.
struct FindFinishedInteraction: TenantStatement {
  static let sql: SQL = """
    SELECT CASE WHEN r.client_id IS NOT NULL THEN r.parameters END FROM authorization_requests r
    JOIN sessions s ON s.tenant_id = current_tenant() AND s.id = r.session_id AND s.id = $5 AND s.cookie_hash = $6
      AND s.ended_at IS NULL AND s.expires_at > now() AND s.idle_expires_at > now()
    WHERE r.tenant_id = current_tenant() AND r.id = $1 AND r.secret_hash = $2 AND r.browser_hash = $3
      AND r.identity_application_id = $4 AND r.used_at > now() - interval '10 seconds' AND r.device_id IS NULL
    """
  let token: OpaqueToken
  let browserHash: [UInt8]
  let application: ID<IdentityApplication>
  let cookie: OpaqueToken

  func bind(to binder: inout Binder) {
    binder.bind(token.id)
    binder.bind(token.hash)
    binder.bind(browserHash)
    binder.bind(application)
    binder.bind(cookie.id)
    binder.bind(cookie.hash)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> [String: String]? {
    try row.next(JSONText?.self).map(Interaction.fields)
  }
}
