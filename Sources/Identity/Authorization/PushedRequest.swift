import FoundationEssentials
import JSON
import OAuth
import Observability
import Query
import Secrets
import Tenancy

/// An authorization request that the client sent itself, for a browser to bring by its address (RFC 9126).
///
/// ```
///  pushed ─► a browser comes (within 90 s, as often as it is reloaded) ─► one answer ─► spent
/// ```
public struct PushedRequest: Sendable {
  /// The `request_uri`: a name of `qpr_`, its row and 32 random bytes.
  public let uri: Secret<String>
  /// `expires_in`, seconds.
  public static let lifetime = 90

  static let prefix = "qpr"
  /// RFC 9126 section 2.2.
  static let scheme = "urn:ietf:params:oauth:request_uri:"
  /// Among the fields of a request: the row they were pushed with. Only `Authorization.begin` writes it.
  static let field = "pushed_request"
  /// What a pushed request may hold, in bytes.
  static let mostBytes = 65_536
  /// Parameters of the push itself, which are no part of the request.
  static let ownFields: Set<String> = ["client_secret", "client_assertion", "client_assertion_type", field]

  /// The token in a `request_uri`; `nil` for an address of any other kind.
  static func token(_ uri: String) -> OpaqueToken? {
    guard uri.hasPrefix(scheme) else { return nil }
    return OpaqueToken(String(uri.dropFirst(scheme.count)), prefix: prefix)
  }
}

/// Keeps a pushed request.
struct StorePushedRequest: TenantStatement {
  static let sql: SQL = """
    INSERT INTO pushed_requests (tenant_id, id, identity_application_id, client_id, secret_hash, parameters, expires_at)
    VALUES (current_tenant(), $1, $2, $3, $4, $5, now() + make_interval(secs => $6))
    """
  let token: OpaqueToken
  let application: ID<IdentityApplication>
  let client: UUID
  let fields: [String: String]

  func bind(to binder: inout Binder) {
    binder.bind(token.id)
    binder.bind(application)
    binder.bind(client)
    binder.bind(token.hash)
    binder.bind(JSONText(utf8: Interaction.json(fields)))
    binder.bind(Double(PushedRequest.lifetime))
  }
}

/// The fields of a pushed request that nobody has an answer to yet.
struct FindPushedRequest: TenantStatement {
  static let sql: SQL = """
    SELECT parameters FROM pushed_requests
    WHERE tenant_id = current_tenant() AND id = $1 AND secret_hash = $2 AND identity_application_id = $3 AND client_id = $4
      AND used_at IS NULL AND expires_at > now()
    """
  let token: OpaqueToken
  let application: ID<IdentityApplication>
  let client: UUID

  func bind(to binder: inout Binder) {
    binder.bind(token.id)
    binder.bind(token.hash)
    binder.bind(application)
    binder.bind(client)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> [String: String] {
    Interaction.fields(try row.next())
  }
}

/// Spends a pushed request; of two answers one finds its row.
struct SpendPushedRequest: TenantStatement {
  static let sql: SQL = """
    UPDATE pushed_requests SET used_at = now() WHERE tenant_id = current_tenant() AND id = $1 AND used_at IS NULL
    RETURNING id
    """
  let row: UUID

  func bind(to binder: inout Binder) { binder.bind(row) }
  static func decode(_ row: inout Row) throws(DecodingFault) {}
}
