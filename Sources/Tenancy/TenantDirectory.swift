import Query
import Synchronization

/// Finds the tenant of a request.
///
/// Answers are kept. That is safe, because a scope is not an admission: each batch checks in the database that the tenant is
/// active. A slug stays its tenant's for life, so who serves many tenants may keep those for long; whose batch then finds the
/// tenant unavailable forgets the slug and asks again. A host name can move to another tenant and is kept for a second only,
/// as is the answer that there is no active tenant.
public final class TenantDirectory: Sendable {
  /// Why there is no scope.
  public enum Refusal: Error, Sendable, Equatable {
    /// No tenant has this slug or host.
    case notFound
    /// The operator suspended it.
    case suspended
    /// The database could not be asked.
    case database(DatabaseError)
  }

  private enum Key: Hashable {
    case slug(String)
    case host(String)
  }

  private struct Kept {
    let entry: TenantEntry?
    let since: ContinuousClock.Instant
    let until: ContinuousClock.Instant
  }

  /// Above this many entries the whole cache is dropped: simpler than an eviction order. It is about 50 MB.
  private static let capacity = 200_000
  private static let shortLifetime = Duration.seconds(1)

  private let database: Database
  private let slugLifetime: Duration
  private let kept = Mutex<[Key: Kept]>([:])

  /// A directory over `database`.
  /// - Parameter slugLifetime: how long the slug of an active tenant is kept.
  public init(database: Database, slugLifetime: Duration = .seconds(1)) {
    self.database = database
    self.slugLifetime = slugLifetime
  }

  /// The active tenant with this slug.
  /// - Throws: `Refusal`.
  public func scope(slug: String) async throws(Refusal) -> TenantScope {
    try await scope(.slug(slug))
  }

  /// The same from an answer that is a second old at most: for who is about to refuse a request by himself, before any batch could
  /// find that the tenant is gone.
  /// - Throws: `Refusal`.
  public func freshScope(slug: String) async throws(Refusal) -> TenantScope {
    let oldest = ContinuousClock.now - Self.shortLifetime
    kept.withLock { table in
      if let known = table[.slug(slug)], known.since < oldest { table[.slug(slug)] = nil }
    }
    return try await scope(slug: slug)
  }

  /// The active tenant that owns this host name, given in lower case without port.
  /// - Throws: `Refusal`.
  public func scope(host: String) async throws(Refusal) -> TenantScope {
    try await scope(.host(host))
  }

  /// Forgets everything; called where tenants change, so that this node answers at once.
  public func forget() {
    kept.withLock { $0.removeAll(keepingCapacity: true) }
  }

  /// Forgets one slug; called by whom its scope let down.
  public func forget(slug: String) {
    kept.withLock { $0[.slug(slug)] = nil }
  }

  private func scope(_ key: Key) async throws(Refusal) -> TenantScope {
    guard let entry = try await entry(key) else { throw .notFound }
    guard entry.isActive else { throw .suspended }
    return entry.scope
  }

  private func entry(_ key: Key) async throws(Refusal) -> TenantEntry? {
    let now = ContinuousClock.now
    if let known = kept.withLock({ $0[key] }), known.until > now { return known.entry }
    let found: TenantEntry?
    do {
      found =
        switch key {
        case .slug(let slug): try await database.run(FindTenantBySlug(slug: slug), repeatable: true).first
        case .host(let host): try await database.run(FindTenantByHost(host: host), repeatable: true).first
        }
    } catch {
      throw .database(error)
    }
    kept.withLock { table in
      if table.count >= Self.capacity { table.removeAll(keepingCapacity: true) }
      table[key] = Kept(entry: found, since: now, until: now + lifetime(of: key, found))
    }
    return found
  }

  private func lifetime(of key: Key, _ entry: TenantEntry?) -> Duration {
    guard case .slug = key, let entry, entry.isActive else { return Self.shortLifetime }
    return slugLifetime
  }
}
