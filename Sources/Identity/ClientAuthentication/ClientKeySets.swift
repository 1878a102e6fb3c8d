import JSON
import Tenancy

/// The key sets that clients publish at their `jwks_uri`, kept for a minute.
///
/// ```
///  kept, younger than a minute, has the kid ─► used
///  else, read less than 5 s ago ─────────────► used as it is
///  else ─► read once for all who wait ─► kept; after a failure the old one goes on for ten minutes
/// ```
public actor ClientKeySets {
  /// Reads the document at an address that a tenant wrote; `nil` when nothing usable came in time.
  public typealias Read = @Sendable (_ uri: String) async -> [UInt8]?

  private struct Place: Hashable {
    let tenant: ID<Tenant>
    let uri: String
  }

  private struct Kept {
    var keys: [JSONObject] = []
    var readAt: ContinuousClock.Instant?
    var triedAt: ContinuousClock.Instant
  }

  private static let lifetime = Duration.seconds(60)
  /// Between two readings of one address, whatever unknown `kid` is asked for.
  private static let pause = Duration.seconds(5)
  /// How long a set goes on when its address does not answer.
  private static let grace = Duration.seconds(600)
  private static let capacity = 10_000
  private static let mostKeys = 50

  private let read: Read
  private var kept: [Place: Kept] = [:]
  private var readings: [Place: Task<Void, Never>] = [:]

  /// Sets that `read` fetches.
  init(read: @escaping Read) { self.read = read }

  /// The keys at `uri`; read again for a `kid` that is not among them.
  func keys(at uri: String, with id: String?, for tenant: ID<Tenant>) async -> [JSONObject] {
    let place = Place(tenant: tenant, uri: uri)
    if let known = kept[place], !isDue(known, id) { return usable(known) }
    // Whoever comes first reads; the others wait for the same answer.
    let reading = readings[place] ?? Task { await self.renew(place) }
    readings[place] = reading
    await reading.value
    return kept[place].map(usable) ?? []
  }

  /// The members of `keys` in a JWK set (RFC 7517 section 5); empty for what is none.
  static func keys(in text: [UInt8]) -> [JSONObject] {
    let keys = (try? JSONValue(parsing: text, depth: 8))?.object?["keys"]?.array ?? []
    return keys.prefix(mostKeys).compactMap(\.object)
  }

  private func isDue(_ known: Kept, _ id: String?) -> Bool {
    let now = ContinuousClock.now
    guard now - known.triedAt >= Self.pause else { return false }
    guard let readAt = known.readAt, now - readAt < Self.lifetime else { return true }
    return id != nil && !known.keys.contains { $0["kid"]?.string == id }
  }

  private func usable(_ known: Kept) -> [JSONObject] {
    guard let readAt = known.readAt, ContinuousClock.now - readAt < Self.grace else { return [] }
    return known.keys
  }

  private func renew(_ place: Place) async {
    let bytes = await read(place.uri)
    readings[place] = nil
    if kept.count >= Self.capacity { kept.removeAll() }
    let now = ContinuousClock.now
    var entry = kept[place] ?? Kept(triedAt: now)
    entry.triedAt = now
    let keys = bytes.map(Self.keys) ?? []
    if !keys.isEmpty {
      entry.keys = keys
      entry.readAt = now
    }
    kept[place] = entry
  }
}
