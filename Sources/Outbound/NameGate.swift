/// Lets one request ask for a name's address while the others to that name wait for libcurl's cache to have it.
///
/// libcurl starts a thread for every lookup: a burst of a thousand logins would start a thousand of them, a minute later again.
/// Pure: it is told the time.
struct NameGate<Member> {
  /// What a request may do.
  enum Answer: Equatable {
    /// Start: the address is in libcurl's cache.
    case start
    /// Start and look the address up.
    case lead
    /// Wait to be named by `found` or `gaveUp`.
    case wait
  }

  /// How long an address is taken from libcurl's cache.
  static var seconds: Int { 50 }
  /// The same.
  static var freshness: Duration { .seconds(seconds) }
  /// Names that are kept.
  static var mostNames: Int { 1024 }

  private var foundAt: [String: ContinuousClock.Instant] = [:]
  /// Those who wait for the lookup that is under way.
  private var lines: [String: [Member]] = [:]

  /// Names that are kept.
  var count: Int { foundAt.count }

  /// A request to `name` comes.
  mutating func ask(_ name: String, _ member: Member, _ now: ContinuousClock.Instant) -> Answer {
    if let found = foundAt[name], now < found + Self.freshness { return .start }
    guard lines[name] != nil else {
      lines[name] = []
      return .lead
    }
    lines[name]?.append(member)
    return .wait
  }

  /// The lookup succeeded; returns who may start now.
  mutating func found(_ name: String, _ now: ContinuousClock.Instant) -> [Member] {
    if foundAt.count >= Self.mostNames { foundAt = foundAt.filter { now < $0.value + Self.freshness } }
    // Too many names at once: what is forgotten is looked up again.
    if foundAt.count >= Self.mostNames { foundAt.removeAll() }
    foundAt[name] = now
    return lines.removeValue(forKey: name) ?? []
  }

  /// The one who looked up ended without an address; returns who looks up next.
  mutating func gaveUp(_ name: String) -> Member? {
    guard let line = lines[name], !line.isEmpty else {
      lines[name] = nil
      return nil
    }
    return lines[name]?.removeFirst()
  }

  /// Somebody leaves the line.
  mutating func leave(_ name: String, where isLeaving: (Member) -> Bool) {
    lines[name]?.removeAll(where: isLeaving)
  }

  /// Everybody leaves.
  mutating func leaveAll() -> [Member] {
    defer { lines.removeAll() }
    return lines.values.flatMap { $0 }
  }
}

extension HTTPRequest {
  /// The name in the URL that has to be looked up; `nil` for an address.
  var nameToResolve: String? {
    // By bytes, not by characters: it is asked for each request.
    let url = Array(url.expose().utf8)
    guard let colon = url.firstIndex(of: UInt8(ascii: ":")), url[colon...].starts(with: "://".utf8) else { return nil }
    let authority = url[(colon + 3)...].prefix { !"/?#".utf8.contains($0) }
    let host = authority.lastIndex(of: UInt8(ascii: "@")).map { authority[($0 + 1)...] } ?? authority
    guard host.first != UInt8(ascii: "[") else { return nil }
    let name = String(decoding: host.prefix { $0 != UInt8(ascii: ":") }, as: UTF8.self).lowercased()
    return name.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2E } ? nil : name
  }
}
