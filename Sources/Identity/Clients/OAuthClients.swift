import Observability
import Secrets
import Tenancy

/// The OAuth clients of a tenant.
public struct OAuthClients: Sendable {
  /// How often a change is tried again when another came in between and the caller named no version.
  private static let attempts = 5

  private let database: TenantDatabase
  private let rules: OAuthClientRules

  /// The clients in `database`, held to `rules`.
  public init(_ database: TenantDatabase, rules: OAuthClientRules) {
    self.database = database
    self.rules = rules
  }

  /// A client that was just written, with its secret where there is a new one, which is shown this once.
  public struct Registered: Sendable {
    /// The client.
    public let client: OAuthClientDetails
    /// `qcs_…`
    public let secret: Secret<String>?
  }

  /// Clients, newest first; of one application, if it is named.
  /// - Throws: `ManagementRefusal`.
  public func list(
    _ slice: ListSlice, application: ID<IdentityApplication>?
  ) async throws(ManagementRefusal) -> [OAuthClientDetails] {
    try await database.managing(ListOAuthClients(slice: slice, application: application), repeatable: true)
  }

  /// One client.
  /// - Throws: `ManagementRefusal`.
  public func find(_ client: ID<OAuthClient>) async throws(ManagementRefusal) -> OAuthClientDetails {
    try await database.managing(FindOAuthClient(client: client), repeatable: true).first.orNotFound()
  }

  /// Registers a client.
  /// - Throws: `.faulty`; `.invalid` when there is no such application.
  public func register(
    _ type: OAuthClientType, application: ID<IdentityApplication>, _ settings: OAuthClientSettings, author: Author
  ) async throws(ManagementRefusal) -> Registered {
    try check(settings, type)
    let secret = settings.authMethod.hasSecret ? Self.newSecret() : nil
    let insert = InsertOAuthClient(
      author: author, client: .make(), application: application, type: type, secretHash: secret.map(Self.hash),
      settings: settings)
    return Registered(client: try await database.managing(insert).first.orNotFound(), secret: secret)
  }

  /// Changes a client. The rules are about all fields together, so the change is made on the version that was read, and only if
  /// that is still there.
  /// - Throws: `.faulty`, `.stale`, `.notFound`.
  public func update(
    _ client: ID<OAuthClient>, _ change: OAuthClientChange, versions: [Int]?, author: Author
  ) async throws(ManagementRefusal) -> Registered {
    for _ in 0..<Self.attempts {
      let before = try await find(client)
      if let versions, !versions.contains(before.version) { throw .stale }
      let settings = change.applied(to: before.settings)
      try check(settings, before.type)
      let (secret, hash) = Self.secret(for: settings.authMethod, hasOne: before.hasSecret)
      let update = UpdateOAuthClient(
        author: author, client: client, versions: [before.version], secretHash: hash, settings: settings)
      switch try await database.managing(update).first {
      case .done(let after): return Registered(client: after, secret: secret)
      case .stale: continue
      case .missing, nil: throw .notFound
      }
    }
    throw .stale
  }

  /// Deletes a client.
  /// - Throws: `.stale`, `.notFound`.
  public func delete(_ client: ID<OAuthClient>, versions: [Int]?, author: Author) async throws(ManagementRefusal) {
    try await database.writing(DeleteOAuthClient(author: author, client: client, versions: versions))
  }

  private func check(_ settings: OAuthClientSettings, _ type: OAuthClientType) throws(ManagementRefusal) {
    let faults = rules.faults(settings, type)
    guard faults.isEmpty else { throw .faulty(faults) }
  }

  /// A method that needs a secret gets one where there is none; one that needs none loses it.
  private static func secret(
    for method: ClientAuthMethod, hasOne: Bool
  ) -> (Secret<String>?, FieldChange<[UInt8]>) {
    switch (method.hasSecret, hasOne) {
    case (true, false):
      let secret = newSecret()
      return (secret, .set(hash(secret)))
    case (false, true): return (nil, .clear)
    default: return (nil, .keep)
    }
  }

  private static func newSecret() -> Secret<String> { Secret("qcs_" + Base64URL.string(RandomBytes.make(32))) }

  /// SHA-256 is enough for 256 random bits; the token endpoint compares the same.
  private static func hash(_ secret: Secret<String>) -> [UInt8] { Digest.sha256(secret.expose().utf8) }
}
