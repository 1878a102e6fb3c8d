import Query
import Secrets
import Tenancy

/// The identity applications of a tenant.
public struct Applications: Sendable {
  private let database: TenantDatabase
  private let ring: KeyRing

  /// The applications in `database`; `ring` seals their signing keys.
  public init(_ database: TenantDatabase, ring: KeyRing) {
    self.database = database
    self.ring = ring
  }

  /// Applications, newest first.
  /// - Throws: `ManagementRefusal`.
  public func list(_ slice: ListSlice) async throws(ManagementRefusal) -> [ApplicationDetails] {
    try await database.managing(ListApplications(slice: slice), repeatable: true)
  }

  /// One application.
  /// - Throws: `ManagementRefusal`.
  public func find(_ application: ID<IdentityApplication>) async throws(ManagementRefusal) -> ApplicationDetails {
    try await database.managing(FindApplication(application: application), repeatable: true).first.orNotFound()
  }

  /// Creates an application with its signing key.
  /// - Throws: `.conflict` `slug_taken`.
  public func create(
    slug: String, _ settings: ApplicationChange, author: Author
  ) async throws(ManagementRefusal) -> ApplicationDetails {
    let key = try NewSigningKey.make(settings.signingAlgorithm ?? .es256, tenant: database.tenant.id, ring: ring)
    let insert = InsertApplication(author: author, application: .make(), slug: slug, key: key, settings: settings)
    return try await database.managing(insert).first.orNotFound()
  }

  /// Changes an application.
  /// - Throws: `.stale`, `.notFound`.
  public func update(
    _ application: ID<IdentityApplication>, _ change: ApplicationChange, versions: [Int]?, author: Author
  ) async throws(ManagementRefusal) -> ApplicationDetails {
    var key: NewSigningKey?
    if let algorithm = change.signingAlgorithm {
      key = try NewSigningKey.make(algorithm, tenant: database.tenant.id, ring: ring)
    }
    return try await database.writing(
      UpdateApplication(author: author, application: application, versions: versions, key: key, change: change))
  }

  /// Deletes an application; with `force` also its users, clients, sessions and grants.
  /// - Throws: `.conflict` `identity_application_in_use`, `.stale`, `.notFound`.
  public func delete(
    _ application: ID<IdentityApplication>, force: Bool, versions: [Int]?, author: Author
  ) async throws(ManagementRefusal) {
    let delete = DeleteApplication(author: author, application: application, versions: versions, force: force)
    let result: DeleteApplication.Output?
    do {
      result = try await database.run(delete).first
    } catch .foreignKey {
      // A user or client came while the statement ran.
      throw Self.inUse
    } catch {
      throw ManagementRefusal(error)
    }
    switch result {
    case nil, .missing: throw .notFound
    case .stale: throw .stale
    case .inUse: throw Self.inUse
    case .deleted: return
    }
  }

  private static let inUse = ManagementRefusal.conflict(
    code: "identity_application_in_use",
    detail: "It still has users or clients; delete them first, or use ?force=true to delete everything of it.")
}
