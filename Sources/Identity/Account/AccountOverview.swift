import FoundationEssentials
import Query
import Tenancy

/// What a person sees of their own account beside their profile; at most a hundred of each, newest first.
public struct AccountOverview: Sendable {
  /// A linked WeChat identity.
  public struct Identity: Sendable {
    /// The identity.
    public let id: ID<FederatedIdentity>
    /// The name of the app it came by; `nil` when that is gone.
    public let clientName: String?
    /// What WeChat called the person.
    public let nickname: String?
    /// When it was linked.
    public let createdAt: Date
  }

  /// A live session.
  public struct SignIn: Sendable {
    /// The session.
    public let id: ID<Session>
    /// The name of the app or device it belongs to; `nil` for a browser's.
    public let clientName: String?
    /// When it began.
    public let authTime: Date
  }

  /// A client the person agreed to.
  public struct Consent: Sendable {
    /// The client.
    public let client: UUID
    /// Its name.
    public let clientName: String
    /// What it may have.
    public let scopes: [String]
    /// When the person agreed last.
    public let updatedAt: Date
  }

  /// Linked identities.
  public let identities: [Identity]
  /// Live sessions.
  public let sessions: [SignIn]
  /// Agreements.
  public let consents: [Consent]
}

struct ListAccountIdentities: TenantStatement {
  static let sql: SQL = """
    SELECT i.id, c.name, i.profile ->> 'nickname', i.created_at FROM federated_identities i
    LEFT JOIN third_party_authz_clients c ON c.tenant_id = current_tenant() AND c.id = i.client_id
    WHERE i.tenant_id = current_tenant() AND i.user_id = $1
    ORDER BY i.id DESC LIMIT 100
    """
  let user: ID<User>

  func bind(to binder: inout Binder) { binder.bind(user) }

  static func decode(_ row: inout Row) throws(DecodingFault) -> AccountOverview.Identity {
    AccountOverview.Identity(
      id: try row.next(), clientName: try row.next(), nickname: try row.next(), createdAt: try row.next())
  }
}

struct ListAccountSessions: TenantStatement {
  static let sql: SQL = """
    SELECT s.id, coalesce(c.name, o.name), s.auth_time FROM sessions s
    LEFT JOIN third_party_authz_clients c ON c.tenant_id = current_tenant() AND c.id = s.client_id
    LEFT JOIN oauth_clients o ON o.tenant_id = current_tenant() AND o.id = s.client_id
    WHERE s.tenant_id = current_tenant() AND s.user_id = $1 AND s.ended_at IS NULL AND s.expires_at > now()
      AND s.idle_expires_at > now()
    ORDER BY s.id DESC LIMIT 100
    """
  let user: ID<User>

  func bind(to binder: inout Binder) { binder.bind(user) }

  static func decode(_ row: inout Row) throws(DecodingFault) -> AccountOverview.SignIn {
    AccountOverview.SignIn(id: try row.next(), clientName: try row.next(), authTime: try row.next())
  }
}

struct ListAccountConsents: TenantStatement {
  static let sql: SQL = """
    SELECT k.client_id, c.name, k.scopes, k.updated_at FROM consents k
    JOIN oauth_clients c ON c.tenant_id = current_tenant() AND c.id = k.client_id
    WHERE k.tenant_id = current_tenant() AND k.user_id = $1
    ORDER BY k.updated_at DESC LIMIT 100
    """
  let user: ID<User>

  func bind(to binder: inout Binder) { binder.bind(user) }

  static func decode(_ row: inout Row) throws(DecodingFault) -> AccountOverview.Consent {
    AccountOverview.Consent(
      client: try row.next(), clientName: try row.next(), scopes: try row.next(ColumnArray<String>.self).elements,
      updatedAt: try row.next())
  }
}
