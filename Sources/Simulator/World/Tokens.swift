/// The tokens of `cgi-bin/token`: each call makes a new one, the one before is good for five minutes more.
struct TokenFamily {
  var current: String
  var issuedAt: Double
  var previous: String?
}

/// The token of `cgi-bin/stable_token`: the same until its last five minutes.
struct StableToken {
  var current: String
  var issuedAt: Double
  var previous: String?
  var previousUntil: Double = 0
  var forcedAt: Double = -1_000
  var forcedToday = 0
  var day = 0
}

extension World.State {
  static let tokenLifetime: Double = 7200
  static let overlap: Double = 300

  mutating func legacyToken(_ app: App) -> (token: String, expiresIn: Int) {
    let token = Self.newToken(app)
    // A token that has expired does not come back to life.
    let previous = legacyTokens[app.id].flatMap { clock.now - $0.issuedAt <= Self.tokenLifetime ? $0.current : nil }
    legacyTokens[app.id] = TokenFamily(current: token, issuedAt: clock.now, previous: previous)
    return (token, Int(Self.tokenLifetime))
  }

  mutating func stableToken(_ app: App, force: Bool) throws(WeChatError) -> (token: String, expiresIn: Int) {
    let now = clock.now
    var stable = stableTokens[app.id] ?? StableToken(current: Self.newToken(app), issuedAt: now)
    let left = stable.issuedAt + Self.tokenLifetime - now
    if force {
      let day = Int(now / 86_400)
      if stable.day != day { (stable.day, stable.forcedToday) = (day, 0) }
      if now - stable.forcedAt >= 30 {
        guard stable.forcedToday < 20 else { throw WeChatError(45009) }
        stable = StableToken(
          current: Self.newToken(app), issuedAt: now, forcedAt: now, forcedToday: stable.forcedToday + 1, day: day)
      }
    } else if left <= Self.overlap {
      // A token that has expired does not come back to life.
      stable.previous = left > 0 ? stable.current : nil
      stable.previousUntil = now + Self.overlap
      stable.current = Self.newToken(app)
      stable.issuedAt = now
    }
    stableTokens[app.id] = stable
    return (stable.current, Int(stable.issuedAt + Self.tokenLifetime - now))
  }

  /// The app whose token this is.
  func app(ofToken token: String?) throws(WeChatError) -> App {
    guard let token, !token.isEmpty else { throw WeChatError(41001) }
    let now = clock.now
    // The AppID stands in the token, so that a look-up needs no table; it proves nothing.
    let parts = token.split(separator: "_", maxSplits: 2)
    guard parts.count == 3, let app = apps[String(parts[1])] else { throw WeChatError(40014) }
    if let family = legacyTokens[app.id], family.current == token || family.previous == token {
      let age = now - family.issuedAt
      guard family.current == token || age <= Self.overlap else { throw WeChatError(40001) }
      guard age <= Self.tokenLifetime else { throw WeChatError(42001) }
      return app
    }
    if let stable = stableTokens[app.id], stable.current == token {
      guard now - stable.issuedAt <= Self.tokenLifetime else { throw WeChatError(42001) }
      return app
    }
    if let stable = stableTokens[app.id], stable.previous == token, now <= stable.previousUntil { return app }
    throw WeChatError(40001)
  }

  private static func newToken(_ app: App) -> String { "84_\(app.id)_\(Names.random(120))" }

  /// The checks of the token endpoints, in WeChat's order: address, parameters, grant, app, secret, frozen, risk, banned,
  /// quota.
  mutating func tokenCaller(
    _ endpoint: String, appID: String?, secret: String?, grantType: String?, address: String
  ) throws(WeChatError) -> App {
    if let appID, let app = apps[appID], !app.ipWhitelist.isEmpty, !app.ipWhitelist.contains(address) {
      throw WeChatError(40164, "invalid ip \(address) ipv6 ::ffff:\(address), not in whitelist")
    }
    guard let appID, !appID.isEmpty else { throw WeChatError(41002) }
    guard let secret, !secret.isEmpty else { throw WeChatError(41004) }
    guard grantType == "client_credential" else { throw WeChatError(40002) }
    guard let app = apps[appID] else { throw WeChatError(40013) }
    guard app.secret == secret else { throw WeChatError(app.wrongSecretErrcode) }
    guard !app.isSecretFrozen else { throw WeChatError(40243) }
    if let error = app.risk(at: clock.now) { throw error }
    if let errcode = app.bannedWith { throw WeChatError(errcode) }
    try meter(endpoint, app)
    return app
  }
}
