import Query
import Secrets
import Tenancy

/// The third-party authz clients of a tenant.
public struct AuthzClients: Sendable {
  private let database: TenantDatabase
  private let ring: KeyRing

  /// The clients in `database`; `ring` seals their secrets.
  public init(_ database: TenantDatabase, ring: KeyRing) {
    self.database = database
    self.ring = ring
  }

  /// Clients, newest first; of one application, if it is named.
  /// - Throws: `ManagementRefusal`.
  public func list(
    _ slice: ListSlice, application: ID<IdentityApplication>?
  ) async throws(ManagementRefusal) -> [AuthzClientDetails] {
    try await database.managing(ListAuthzClients(slice: slice, application: application), repeatable: true)
  }

  /// One client.
  /// - Throws: `ManagementRefusal`.
  public func find(_ client: ID<ThirdPartyAuthzClient>) async throws(ManagementRefusal) -> AuthzClientDetails {
    try await database.managing(FindAuthzClient(client: client), repeatable: true).first.orNotFound()
  }

  /// Creates a client; its credentials are tried later, by `verify`, the refresher or the first login.
  /// - Throws: `.invalid` when there is no such application.
  public func create(
    _ provider: AuthzProvider, application: ID<IdentityApplication>, _ settings: AuthzClientChange, author: Author
  ) async throws(ManagementRefusal) -> AuthzClientDetails {
    var settings = settings
    if settings.propertyMap == nil { settings.propertyMap = .standard }
    let id = ID<ThirdPartyAuthzClient>.make()
    let insert = InsertAuthzClient(
      author: author, client: id, application: application, provider: provider, settings: sealed(settings, for: id))
    return try await database.managing(insert).first.orNotFound()
  }

  /// Changes a client.
  /// - Throws: `.stale`, `.notFound`.
  public func update(
    _ client: ID<ThirdPartyAuthzClient>, _ change: AuthzClientChange, versions: [Int]?, author: Author
  ) async throws(ManagementRefusal) -> AuthzClientDetails {
    try await database.writing(
      UpdateAuthzClient(author: author, client: client, versions: versions, change: sealed(change, for: client)))
  }

  /// Deletes a client.
  /// - Throws: `.stale`, `.notFound`.
  public func delete(
    _ client: ID<ThirdPartyAuthzClient>, versions: [Int]?, author: Author
  ) async throws(ManagementRefusal) {
    try await database.writing(DeleteAuthzClient(author: author, client: client, versions: versions))
  }

  /// Calls WeChat with the client's credentials now, and reads what that came to.
  /// - Throws: `FederationRefusal` when WeChat could not be asked, `ManagementRefusal.notFound`.
  public func verify(_ client: ID<ThirdPartyAuthzClient>, by hub: AppTokenHub) async throws -> AuthzClientDetails {
    guard let found = try await database.managing(FindClientToVerify(client: client), repeatable: true).first else {
      throw ManagementRefusal.notFound
    }
    if let failure = try await hub.verify(found, in: database), failure.retry != .admin, failure.retry != .disable {
      throw FederationRefusal.provider(failure)
    }
    return try await find(client)
  }

  private func sealed(_ change: AuthzClientChange, for client: ID<ThirdPartyAuthzClient>) -> SealedAuthzClientChange {
    SealedAuthzClientChange(change, client: client, tenant: database.tenant.id, ring: ring)
  }
}

/// Reads a client as a login does, but a disabled one too.
struct FindClientToVerify: TenantStatement {
  static let sql: SQL = """
    SELECT c.id, c.provider, c.app_id, c.app_secret_sealed, c.open_platform_account, c.scopes, c.property_map,
      a.id, a.slug, a.enrollment, a.phone_matching, a.access_token_ttl, a.id_token_ttl, a.refresh_token_ttl,
      a.refresh_token_idle_ttl, a.session_ttl, a.session_idle_ttl, k.id, k.alg, k.private_key_sealed
    FROM third_party_authz_clients c
    JOIN identity_applications a ON a.tenant_id = c.tenant_id AND a.id = c.identity_application_id
    JOIN signing_keys k ON k.tenant_id = a.tenant_id AND k.identity_application_id = a.id AND k.status = 'active'
    WHERE c.tenant_id = current_tenant() AND c.id = $1
    """
  let client: ID<ThirdPartyAuthzClient>

  func bind(to binder: inout Binder) { binder.bind(client) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> FederationClient { try FederationClient(&row) }
}
