import FoundationEssentials
import Observability
import Secrets
import Tenancy

/// The API keys of a tenant: minted with scopes the minting key has itself, shown once, ended at once.
public struct APIKeys: Sendable {
  /// What stands before the underscore of a key.
  static let prefix = "qk"

  private let database: TenantDatabase

  /// The keys in `database`.
  public init(_ database: TenantDatabase) { self.database = database }

  /// A key that was just minted, with the text that is shown this once.
  public struct Minted: Sendable {
    /// The key's row.
    public let details: APIKeyDetails
    /// `qk_…`
    public let key: Secret<String>
  }

  /// The key that `presented` is; `nil` for every text that is no live key of this tenant, whatever the reason.
  /// - Throws: `ManagementRefusal.database`.
  public func authenticate(_ presented: Secret<String>) async throws(ManagementRefusal) -> AuthenticatedKey? {
    // A text that is no key goes the same way with an id nobody has, so that the time does not tell them apart.
    let token = OpaqueToken(presented.expose(), prefix: Self.prefix)
    let id = ID<APIKey>(token?.id ?? UUIDv7.make())
    let found = try await database.managing(FindKeyToAuthenticate(key: id), repeatable: true).first
    let hash = token?.hash ?? Digest.sha256(presented.expose().utf8)
    guard Digest.equal(found?.hash ?? [UInt8](repeating: 0, count: 32), hash), let found, token != nil else {
      return nil
    }
    return AuthenticatedKey(id: id, scopes: Set(found.scopes))
  }

  /// Keys, newest first.
  /// - Throws: `ManagementRefusal`.
  public func list(_ slice: ListSlice) async throws(ManagementRefusal) -> [APIKeyDetails] {
    try await database.managing(ListAPIKeys(slice: slice), repeatable: true)
  }

  /// One key.
  /// - Throws: `ManagementRefusal`.
  public func find(_ key: ID<APIKey>) async throws(ManagementRefusal) -> APIKeyDetails {
    try await database.managing(FindAPIKey(key: key), repeatable: true).first.orNotFound()
  }

  /// Mints a key.
  /// - Throws: `.scopeExceeded` for a scope that the minting key does not have itself.
  public func mint(
    name: String, scopes: [APIScope], expiresAt: Date?, by minter: AuthenticatedKey, author: Author
  ) async throws(ManagementRefusal) -> Minted {
    if let excess = scopes.first(where: { !minter.scopes.contains($0.rawValue) }) {
      throw .scopeExceeded(excess.rawValue)
    }
    let token = OpaqueToken.make(prefix: Self.prefix)
    let insert = InsertAPIKey(
      author: author, key: ID(token.id), name: name, hash: token.hash, scopes: scopes.map(\.rawValue),
      expiresAt: expiresAt)
    return Minted(details: try await database.managing(insert).first.orNotFound(), key: token.text)
  }

  /// Renames a key.
  /// - Throws: `ManagementRefusal`.
  public func rename(
    _ key: ID<APIKey>, to name: String?, versions: [Int]?, author: Author
  ) async throws(ManagementRefusal) -> APIKeyDetails {
    try await database.writing(RenameAPIKey(author: author, key: key, versions: versions, name: name))
  }

  /// Ends a key at once, on every node.
  /// - Throws: `ManagementRefusal`.
  public func delete(_ key: ID<APIKey>, versions: [Int]?, author: Author) async throws(ManagementRefusal) {
    try await database.writing(DeleteAPIKey(author: author, key: key, versions: versions))
  }
}
