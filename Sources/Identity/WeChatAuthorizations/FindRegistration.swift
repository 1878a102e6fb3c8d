import Query
import Secrets
import Tenancy

/// What registering in a live interaction came to, for a second request of the same form.
struct FindRegistration: TenantStatement {
  struct Output: Sendable {
    /// The session that has the cookie of this registration.
    let session: ID<Session>?
    let owesSecondFactor: Bool
  }

  static let sql: SQL = """
    SELECT s.id, r.first_user_id IS NOT NULL
    FROM authorization_requests r
    LEFT JOIN sessions s ON s.tenant_id = current_tenant() AND s.id = r.session_id AND s.cookie_hash = $3
      AND s.ended_at IS NULL AND s.expires_at > now() AND s.idle_expires_at > now()
    WHERE r.tenant_id = current_tenant() AND r.id = $1 AND r.secret_hash = $2 AND r.used_at IS NULL
      AND r.expires_at > now()
    """
  let interaction: OpaqueToken
  let cookie: OpaqueToken

  func bind(to binder: inout Binder) {
    binder.bind(interaction.id)
    binder.bind(interaction.hash)
    binder.bind(cookie.hash)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Output {
    Output(session: try row.next(), owesSecondFactor: try row.next())
  }
}
