/// A one-time code.
struct Code {
  /// What it can be exchanged for.
  enum Kind: String, CaseIterable {
    case login, phone, oauth

    /// Seconds until it expires: 5 minutes; 10 for website apps.
    func lifetime(_ app: App.Kind) -> Double { self == .oauth && app == .web ? 600 : 300 }
  }

  let kind: Kind
  let appID: String
  let person: String
  let issuedAt: Double
  var isUsed = false
  var scope = "snsapi_userinfo"
}

extension World.State {
  /// Issues a code; the person appears when nobody has that name yet.
  mutating func issueCode(_ kind: Code.Kind, appID: String, person: String, scope: String?) throws(WeChatError)
    -> String
  {
    guard apps[appID] != nil else { throw WeChatError(40013) }
    if people[person] == nil { people[person] = Person(id: person) }
    let text = (kind == .phone ? "p" : "0") + Names.random(31)
    codes[text] = Code(kind: kind, appID: appID, person: person, issuedAt: clock.now, scope: scope ?? "snsapi_userinfo")
    if kind == .login { rotateSessionKey(person, appID) }
    forgetOldCodes()
    return text
  }

  /// Spends a code, once.
  mutating func spend(_ text: String, _ kind: Code.Kind, app: App) throws(WeChatError) -> Code {
    guard let code = codes[text], code.kind == kind, code.appID == app.id else { throw WeChatError(40029) }
    guard !code.isUsed else { throw WeChatError(kind == .phone ? 40029 : 40163) }
    guard clock.now - code.issuedAt <= kind.lifetime(app.kind) else { throw WeChatError(app.expiredCodeErrcode) }
    if people[code.person]?.isBlocked == true, kind == .login { throw WeChatError(40226) }
    if let limit = app.loginsPerMinute, kind == .login {
      try note(limit: limit, of: "\(app.id) \(code.person)")
    }
    codes[text]?.isUsed = true
    return code
  }

  /// Counts a call of an app.
  mutating func noteCall(_ endpoint: String, appID: String) throws(WeChatError) {
    guard let limit = apps[appID]?.callsPerMinute[endpoint] else { return }
    try note(limit: limit, of: "\(appID) \(endpoint)")
  }

  private mutating func note(limit: Int, of key: String) throws(WeChatError) {
    let minute = Int(clock.now / 60)
    var window = calls[key] ?? CallWindow(minute: minute)
    if window.minute != minute { window = CallWindow(minute: minute) }
    guard window.calls < limit else { throw WeChatError(45011) }
    window.calls += 1
    calls[key] = window
  }

  /// Keeps memory bounded under load: codes twice past their life are unknown, which is what WeChat calls them too.
  private mutating func forgetOldCodes() {
    guard codes.count > sweepAt else { return }
    let now = clock.now
    codes = codes.filter { now - $0.value.issuedAt < ($0.value.isUsed ? 60 : 1200) }
    sweepAt = max(10_000, codes.count * 2)
  }
}

/// Calls of one person in one minute.
struct CallWindow {
  let minute: Int
  var calls = 0
}

/// The one valid session key of a person in a miniapp.
struct SessionKey {
  struct Owner: Hashable {
    let person: String
    let appID: String
  }

  let text: String
  let issuedAt: Double
}

extension World.State {
  /// Seconds within which several logins get the same key.
  static let sessionKeyRest: Double = 60

  /// A login may replace the key; several close together get the same one.
  mutating func rotateSessionKey(_ person: String, _ appID: String) {
    let owner = SessionKey.Owner(person: person, appID: appID)
    if let key = sessionKeys[owner], clock.now - key.issuedAt < Self.sessionKeyRest { return }
    sessionKeys[owner] = SessionKey(text: Self.newSessionKey(), issuedAt: clock.now)
  }

  static func newSessionKey() -> String {
    var generator = SystemRandomNumberGenerator()
    let words = [generator.next(), generator.next()]
    return words.withUnsafeBytes { Base64.encode(Array($0)) }
  }
}
