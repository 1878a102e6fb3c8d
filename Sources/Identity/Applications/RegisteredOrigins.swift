import OAuth
import Query
import Synchronization
import Tenancy

/// The origins from which browser apps may call an issuer: those of the redirect URIs of its `spa` clients, kept for a second.
public final class RegisteredOrigins: Sendable {
  private struct Key: Hashable {
    let tenant: ID<Tenant>
    let slug: String
  }

  private struct Kept {
    let origins: Set<String>
    let until: ContinuousClock.Instant
  }

  private static let capacity = 10_000

  private let lifetime: Duration
  private let kept = Mutex<[Key: Kept]>([:])

  /// Origins; `lifetime` is how long those of an issuer are kept.
  public init(lifetime: Duration = .seconds(1)) { self.lifetime = lifetime }

  /// True when `origin`, the value of the header field (RFC 6454 section 7), is one of the application with this slug.
  /// - Throws: `DatabaseError`.
  public func admits(
    _ origin: String, application slug: String, in database: TenantDatabase
  ) async throws(DatabaseError) -> Bool {
    let key = Key(tenant: database.tenant.id, slug: slug)
    let now = ContinuousClock.now
    if let known = kept.withLock({ $0[key] }), known.until > now { return known.origins.contains(origin) }
    let found = try await database.run(FindRedirectURIs(slug: slug), repeatable: true)
    let origins = Set(found.flatMap { $0 }.compactMap { WebAddress($0)?.origin })
    kept.withLock { table in
      if table.count >= Self.capacity { table.removeAll(keepingCapacity: true) }
      table[key] = Kept(origins: origins, until: now + lifetime)
    }
    return origins.contains(origin)
  }
}

/// The redirect URIs of each browser app of an application.
struct FindRedirectURIs: TenantStatement {
  static let sql: SQL = """
    SELECT c.redirect_uris FROM oauth_clients c
    JOIN identity_applications a ON a.tenant_id = current_tenant() AND a.id = c.identity_application_id
    WHERE c.tenant_id = current_tenant() AND c.type = 'spa' AND a.slug = $1
    """
  let slug: String

  func bind(to binder: inout Binder) { binder.bind(slug) }

  static func decode(_ row: inout Row) throws(DecodingFault) -> [String] {
    try row.next(ColumnArray<String>.self).elements
  }
}
