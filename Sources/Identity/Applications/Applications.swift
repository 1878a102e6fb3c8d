import Query
import Secrets
import Tenancy

/// The identity applications of a tenant.
public struct Applications: Sendable {
  private let ring: KeyRing
  private let issuers: Issuers
  private let names: TokenIssuer

  /// Applications whose keys are sealed with `ring`; `issuers` is told when one changes.
  public init(ring: KeyRing, issuers: Issuers, names: TokenIssuer) {
    self.ring = ring
    self.issuers = issuers
    self.names = names
  }

  /// The `iss` of an application.
  public func issuer(_ application: ApplicationDetails, tenant: TenantScope) -> String {
    names.issuer(tenant: tenant, application: application.slug)
  }

  /// Creates an application and the key that signs its tokens.
  /// - Throws: `.conflict` `slug_taken`.
  public func create(
    name: String, slug: String, values: ApplicationDetails.Values, in database: TenantDatabase, author: Author
  ) async throws(ManagementRefusal) -> ApplicationDetails {
    let insert = InsertApplication(
      author: author, application: .make(), name: name, slug: slug, values: values,
      key: try newKey(values.signingAlgorithm, tenant: database.tenant.id))
    defer { issuers.forget() }
    return try await database.managing(insert).first.orNotFound()
  }

  /// Applications, newest first.
  /// - Throws: `ManagementRefusal`.
  public func list(
    _ slice: ListSlice, in database: TenantDatabase
  ) async throws(ManagementRefusal) -> [ApplicationDetails] {
    try await database.managing(ListApplications(slice: slice), repeatable: true)
  }

  /// One application.
  /// - Throws: `ManagementRefusal`.
  public func find(
    _ id: ID<IdentityApplication>, in database: TenantDatabase
  ) async throws(ManagementRefusal) -> ApplicationDetails {
    try await database.managing(FindApplication(application: id), repeatable: true).first.orNotFound()
  }

  /// Changes an application; another algorithm makes another key.
  /// - Throws: `.conflict` `slug_taken`, `.stale`, `.notFound`.
  public func update(
    _ id: ID<IdentityApplication>, _ patch: ApplicationPatch, versions: [Int]?, in database: TenantDatabase,
    author: Author
  ) async throws(ManagementRefusal) -> ApplicationDetails {
    let before = try await find(id, in: database)
    defer { issuers.forget() }
    let update = UpdateApplication(author: author, application: id, versions: versions, patch: patch)
    guard let algorithm = patch.signingAlgorithm, algorithm != before.settings.signingAlgorithm else {
      return try await database.writing(update)
    }
    guard versions?.contains(before.version) ?? true else { throw .stale }
    let key = try await publishKey(algorithm, of: id, in: database)
    do {
      // A patch that is refused leaves the algorithm, and with it the key that signs.
      let (written, _, _) = try await database.run(
        update, RetireSigningKey(author: author, application: id, key: key),
        ActivateSigningKey(application: id, key: key))
      return try written.first.orNotFound().get()
    } catch let refusal as ManagementRefusal {
      throw refusal
    } catch let error as DatabaseError {
      throw ManagementRefusal(error)
    } catch {
      throw .broken("changing the algorithm")
    }
  }

  /// Makes a new key the one that signs, once every node publishes it; the old one stays published until its tokens are past.
  /// - Throws: `.notFound`.
  public func rotateKey(
    of id: ID<IdentityApplication>, in database: TenantDatabase, author: Author
  ) async throws(ManagementRefusal) -> ApplicationDetails {
    let application = try await find(id, in: database)
    defer { issuers.forget() }
    let key = try await publishKey(application.settings.signingAlgorithm, of: id, in: database)
    do {
      _ = try await database.run(
        LockApplication(application: id), RetireSigningKey(author: author, application: id, key: key),
        ActivateSigningKey(application: id, key: key))
    } catch {
      throw ManagementRefusal(error)
    }
    return application
  }

  /// Deletes an application; by `force` with its users and clients.
  /// - Throws: `.conflict` `identity_application_in_use`, `.stale`, `.notFound`.
  public func delete(
    _ id: ID<IdentityApplication>, force: Bool, versions: [Int]?, in database: TenantDatabase, author: Author
  ) async throws(ManagementRefusal) {
    defer { issuers.forget() }
    if force { try await empty(id, versions: versions, in: database) }
    let delete = DeleteApplication(author: author, application: id, versions: versions, force: force)
    let isDeleted: Bool = try await database.writing(delete)
    guard isDeleted else {
      throw .conflict(
        code: "identity_application_in_use",
        detail: "It still has users or clients; delete them first, or add ?force=true to delete them with it.")
    }
  }

  /// Publishes the key that is to sign next, and waits until no node answers without it any more: a client that meets a token of
  /// it asks for the keys once, and must find it wherever it asks.
  ///
  /// Whatever ends this wait leaves a key that is published and signs nothing; the next rotation takes it up.
  private func publishKey(
    _ algorithm: SigningAlgorithm, of id: ID<IdentityApplication>, in database: TenantDatabase
  ) async throws(ManagementRefusal) -> ID<SigningKey> {
    let publish = PublishSigningKey(
      application: id, key: try newKey(algorithm, tenant: database.tenant.id),
      lead: issuers.lifetime / .seconds(1) + Self.margin)
    let (key, seconds) = try await database.managing(publish).first.orNotFound()
    issuers.forget()
    do {
      try await Task.sleep(for: .seconds(seconds))
    } catch {
      throw .broken("waiting for a signing key to be published")
    }
    return key
  }

  /// Seconds beyond the life of the documents, for what is under way.
  private static let margin = 0.25

  private func newKey(
    _ algorithm: SigningAlgorithm, tenant: ID<Tenant>
  ) throws(ManagementRefusal) -> NewSigningKey {
    let id = ID<SigningKey>.make()
    do {
      let key = try PrivateSigningKey.make(algorithm)
      let jwk = String(decoding: try key.publicJWK(kid: id.description), as: UTF8.self)
      let sealed = ring.seal(key.stored, for: .signingKey(tenant, id))
      return NewSigningKey(id: id, algorithm: algorithm, publicJWK: jwk, sealed: sealed)
    } catch {
      throw .broken("making a signing key")
    }
  }
}
