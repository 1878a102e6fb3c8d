import Observability
import Query
import Secrets
import Tenancy

/// The WeChat apps of a tenant.
public struct ThirdPartyAuthzClients: Sendable {
  private let ring: KeyRing
  private let tokens: AppTokenFetch

  /// Clients whose secrets are sealed with `ring` and verified through `tokens`.
  public init(ring: KeyRing, tokens: AppTokenFetch) {
    self.ring = ring
    self.tokens = tokens
  }

  /// Creates a client; its credentials are not asked about yet.
  /// - Throws: `.invalid` for an application that is not there.
  public func create(
    _ new: NewThirdPartyAuthzClient, in database: TenantDatabase, author: Author
  ) async throws(ManagementRefusal) -> ClientDetails {
    let id = ID<ThirdPartyAuthzClient>.make()
    let tenant = database.tenant.id
    let insert = InsertThirdPartyAuthzClient(
      author: author, id: id, client: new, secretSealed: seal(new.appSecret, .appSecret(tenant, id)),
      pushTokenSealed: new.pushToken.map { seal($0, .pushToken(tenant, id)) },
      pushKeySealed: new.pushEncodingAESKey.map { seal($0, .pushKey(tenant, id)) })
    return try await database.managing(insert).first.orNotFound()
  }

  /// Clients, newest first.
  /// - Throws: `ManagementRefusal`.
  public func list(
    _ slice: ListSlice, application: ID<IdentityApplication>?, in database: TenantDatabase
  ) async throws(ManagementRefusal) -> [ClientDetails] {
    try await database.managing(ListThirdPartyAuthzClients(slice: slice, application: application), repeatable: true)
  }

  /// One client.
  /// - Throws: `ManagementRefusal`.
  public func find(
    _ id: ID<ThirdPartyAuthzClient>, in database: TenantDatabase
  ) async throws(ManagementRefusal) -> ClientDetails {
    try await database.managing(FindThirdPartyAuthzClient(client: id), repeatable: true).first.orNotFound()
  }

  /// Changes a client.
  /// - Throws: `.stale`, `.notFound`.
  public func update(
    _ id: ID<ThirdPartyAuthzClient>, _ patch: ThirdPartyAuthzClientPatch, versions: [Int]?, in database: TenantDatabase,
    author: Author
  ) async throws(ManagementRefusal) -> ClientDetails {
    let tenant = database.tenant.id
    let update = UpdateThirdPartyAuthzClient(
      author: author, client: id, versions: versions, patch: patch,
      secretSealed: patch.appSecret.map { seal($0, .appSecret(tenant, id)) },
      pushToken: patch.pushToken.map { seal($0, .pushToken(tenant, id)) },
      pushKey: patch.pushEncodingAESKey.map { seal($0, .pushKey(tenant, id)) })
    return try await database.writing(update)
  }

  /// Deletes a client.
  /// - Throws: `.stale`, `.notFound`.
  public func delete(
    _ id: ID<ThirdPartyAuthzClient>, versions: [Int]?, in database: TenantDatabase, author: Author
  ) async throws(ManagementRefusal) {
    try await database.writing(DeleteThirdPartyAuthzClient(author: author, client: id, versions: versions))
  }

  /// Asks WeChat with the client's credentials now and tells how that went.
  /// - Throws: `.notFound`; `.conflict` `client_disabled`, or `verification_in_progress` while a worker is asking; `.provider`
  ///   when WeChat could not be asked or its answer says nothing about the credentials.
  public func verify(
    _ id: ID<ThirdPartyAuthzClient>, in database: TenantDatabase, author: Author
  ) async throws(ManagementRefusal) -> ClientDetails {
    let found = try await find(id, in: database)
    guard found.isEnabled else {
      throw .conflict(code: "client_disabled", detail: "The client is disabled; enable it first.")
    }
    let claimed = try await database.managing(ClaimAppToken(client: id, owner: UUIDv7.make())).first
    guard let fence = claimed, try await fetched(id, fence: fence, author: author, in: database) else {
      throw .conflict(
        code: "verification_in_progress",
        detail: "WeChat is being asked for \(found.appID) already; look again in a moment.")
    }
    return try await find(id, in: database)
  }

  /// True when WeChat was asked and its word is kept.
  private func fetched(
    _ id: ID<ThirdPartyAuthzClient>, fence: Int, author: Author, in database: TenantDatabase
  ) async throws(ManagementRefusal) -> Bool {
    let outcome: AppTokenFetch.Outcome
    do throws(IdentityFault) {
      outcome = try await tokens.fetch(id, fence: fence, attempts: 1, author: author, in: database)
    } catch {
      if case .database(let error) = error { throw ManagementRefusal.database(error) }
      throw ManagementRefusal.broken("\(error)")
    }
    switch outcome {
    case .stored: return true
    case .failed(let failure) where failure.isRefusal: return true
    case .failed(let failure): throw .provider(failure)
    case .lost: return false
    }
  }

  private func seal(_ secret: Secret<String>, _ place: KeyRing.Place) -> [UInt8] {
    ring.seal(Array(secret.expose().utf8), for: place)
  }
}

extension KeyRing.Place {
  /// Where the push Token of a client lies.
  static func pushToken(_ tenant: ID<Tenant>, _ client: ID<ThirdPartyAuthzClient>) -> KeyRing.Place {
    KeyRing.Place(
      tenant: tenant.uuid, table: "third_party_authz_clients", column: "push_token_sealed", row: client.description)
  }

  /// Where the EncodingAESKey of a client lies.
  static func pushKey(_ tenant: ID<Tenant>, _ client: ID<ThirdPartyAuthzClient>) -> KeyRing.Place {
    KeyRing.Place(
      tenant: tenant.uuid, table: "third_party_authz_clients", column: "push_encoding_aes_key_sealed",
      row: client.description)
  }
}
