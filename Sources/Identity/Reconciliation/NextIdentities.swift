import FoundationEssentials
import Query
import Tenancy

/// An identity to be looked at.
struct IdentityToAsk: Sendable {
  let id: UUID
  let user: UUID
  /// Empty where there is nothing to ask with, as the openid.
  let appID: String
  let openid: String
  /// The client that signs the person in, while it is enabled.
  let client: ID<ThirdPartyAuthzClient>?
  let oauthTokenSealed: [UInt8]?
}

/// The next identities of an application, in the order of their ids: one range of one index, wherever the run stands.
struct NextIdentities: TenantStatement {
  static let sql: SQL = """
    SELECT i.id, i.user_id, CASE WHEN i.oauth_token_sealed IS NULL THEN '' ELSE i.app_id END,
      CASE WHEN i.oauth_token_sealed IS NULL THEN '' ELSE i.openid END, i.client_id, i.oauth_token_sealed
    FROM federated_identities i
    WHERE i.tenant_id = current_tenant() AND i.identity_application_id = $1 AND i.id > $2
    ORDER BY i.id LIMIT $3
    """
  let application: ID<IdentityApplication>
  let after: UUID
  let limit: Int

  func bind(to binder: inout Binder) {
    binder.bind(application)
    binder.bind(after)
    binder.bind(limit)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> IdentityToAsk {
    IdentityToAsk(
      id: try row.next(), user: try row.next(), appID: try row.next(), openid: try row.next(), client: try row.next(),
      oauthTokenSealed: try row.next())
  }
}

/// The next identities of one user.
struct NextIdentitiesOfUser: TenantStatement {
  static let sql: SQL = """
    SELECT i.id, i.user_id, CASE WHEN i.oauth_token_sealed IS NULL THEN '' ELSE i.app_id END,
      CASE WHEN i.oauth_token_sealed IS NULL THEN '' ELSE i.openid END, i.client_id, i.oauth_token_sealed
    FROM federated_identities i
    WHERE i.tenant_id = current_tenant() AND i.user_id = $1 AND i.id > $2
    ORDER BY i.id LIMIT $3
    """
  let user: ID<User>
  let after: UUID
  let limit: Int

  func bind(to binder: inout Binder) {
    binder.bind(user)
    binder.bind(after)
    binder.bind(limit)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> IdentityToAsk { try NextIdentities.decode(&row) }
}

/// What a run must know of a client.
struct ReconcileClient: Sendable {
  let id: ID<ThirdPartyAuthzClient>
  let openPlatformAccount: String?
  let propertyMap: PropertyMap
}

/// Those of some clients that are enabled.
struct FindReconcileClients: TenantStatement {
  static let sql: SQL = """
    SELECT id, open_platform_account, property_map FROM third_party_authz_clients
    WHERE tenant_id = current_tenant() AND id = ANY ($1) AND enabled
    """
  let clients: [ID<ThirdPartyAuthzClient>]

  func bind(to binder: inout Binder) { binder.bind(ColumnArray(clients.map(\.uuid))) }

  static func decode(_ row: inout Row) throws(DecodingFault) -> ReconcileClient {
    ReconcileClient(
      id: try row.next(), openPlatformAccount: try row.next(), propertyMap: PropertyMap(stored: try row.next()))
  }
}
