import Observability
import Query
import Secrets
import Tenancy

/// The tenants, for the operator, who sees none of their users.
public struct Tenants: Sendable {
  private let database: Database
  private let directory: TenantDirectory

  /// The tenants in `database`; `directory` is told when one changes.
  public init(database: Database, directory: TenantDirectory) {
    self.database = database
    self.directory = directory
  }

  /// A tenant that was just created, with its first key, which is shown this once and has all scopes.
  public struct Created: Sendable {
    /// The tenant.
    public let tenant: TenantDetails
    /// The key's row.
    public let keyID: ID<APIKey>
    /// `qk_…`
    public let key: Secret<String>
  }

  /// Creates a tenant.
  /// - Throws: `.conflict` `slug_taken`.
  public func create(slug: String, name: String, author: Author) async throws(ManagementRefusal) -> Created {
    let token = OpaqueToken.make(prefix: APIKeys.prefix)
    let insert = InsertTenant(
      author: author, tenant: .make(), slug: slug, name: name, key: ID(token.id), keyHash: token.hash,
      scopes: APIScope.allCases.map(\.rawValue))
    let tenant = try await batch(EnterNewTenant(tenant: insert.tenant), insert).first.orNotFound()
    directory.forget(slug: slug)
    return Created(tenant: tenant, keyID: insert.key, key: token.text)
  }

  /// Tenants, newest first.
  /// - Throws: `ManagementRefusal`.
  public func list(_ slice: ListSlice) async throws(ManagementRefusal) -> [TenantDetails] {
    try await read(ListTenants(slice: slice))
  }

  /// One tenant.
  /// - Throws: `ManagementRefusal`.
  public func find(_ slug: String) async throws(ManagementRefusal) -> TenantDetails {
    try await read(FindTenantDetails(slug: slug)).first.orNotFound()
  }

  /// Changes a tenant; what is `nil` stays.
  /// - Throws: `.conflict` `domain_taken`, `.stale`, `.notFound`.
  public func update(
    _ slug: String, name: String?, status: TenantDetails.Status?, domains: [String]?, versions: [Int]?, author: Author
  ) async throws(ManagementRefusal) -> TenantDetails {
    let update = UpdateTenant(
      author: author, slug: slug, versions: versions, name: name, status: status, domains: domains)
    let written = try await batch(EnterTenantBySlug(slug: slug), update).first.orNotFound()
    directory.forget()
    return try written.get()
  }

  /// Takes a tenant away at once; `TenantErasure` erases its rows.
  /// - Throws: `.stale`, `.notFound`.
  public func delete(_ slug: String, versions: [Int]?) async throws(ManagementRefusal) {
    let written: [Written<Void>]
    do {
      written = try await database.run(DeleteTenant(slug: slug, versions: versions))
    } catch {
      throw ManagementRefusal(error)
    }
    directory.forget()
    try written.first.orNotFound().get()
  }

  private func read<S: SystemStatement>(_ statement: S) async throws(ManagementRefusal) -> [S.Output] {
    do {
      return try await database.run(statement, repeatable: true)
    } catch {
      throw ManagementRefusal(error)
    }
  }

  private func batch<First: SystemStatement, Second: SystemStatement>(
    _ first: First, _ second: Second
  ) async throws(ManagementRefusal) -> [Second.Output] {
    do {
      return try await database.run(first, second).1
    } catch {
      throw ManagementRefusal(error)
    }
  }
}
