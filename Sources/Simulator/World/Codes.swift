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
  /// True when the page was a snapshot page: the person behind it is a virtual one.
  var isSnapshot = false
}

extension World.State {
  /// Issues a code; the person appears when nobody has that name yet.
  mutating func issueCode(
    _ kind: Code.Kind, appID: String, person: String, scope: String?, isSnapshot: Bool = false
  ) throws(WeChatError) -> String {
    guard let app = apps[appID] else { throw WeChatError(40013) }
    var person = person
    let isSnapshot = isSnapshot || (app.isSnapshot && app.kind == .officialAccount)
    if isSnapshot { person = "snapshot-\(Names.random(12))" }
    if people[person] == nil { people[person] = Person(id: person, nickname: isSnapshot ? "微信用户" : nil) }
    let text = (kind == .phone ? "p" : "0") + Names.random(31)
    codes[text] = Code(
      kind: kind, appID: appID, person: person, issuedAt: clock.now, scope: scope ?? app.usualScope,
      isSnapshot: isSnapshot)
    if kind == .login { rotateSessionKey(person, appID) }
    forgetOldCodes()
    return text
  }

  /// Spends a code, once.
  mutating func spend(_ text: String, _ kind: Code.Kind, app: App) throws(WeChatError) -> Code {
    guard let code = codes[text], code.kind == kind, code.appID == app.id else { throw WeChatError(40029) }
    guard !code.isUsed || switches.acceptsUsedCodes else { throw WeChatError(kind == .phone ? 40029 : 40163) }
    guard clock.now - code.issuedAt <= kind.lifetime(app.kind) else { throw WeChatError(app.expiredCodeErrcode) }
    switch kind {
    case .login:
      if people[code.person]?.isBlocked == true { throw WeChatError(40226) }
      try meter("sns/jscode2session", app, person: code.person)
    case .oauth: try meter("sns/oauth2/access_token", app)
    case .phone: break
    }
    codes[text]?.isUsed = true
    return code
  }

  /// Keeps memory bounded under load: codes twice past their life are unknown, which is what WeChat calls them too.
  private mutating func forgetOldCodes() {
    guard codes.count > sweepAt else { return }
    let now = clock.now
    codes = codes.filter { now - $0.value.issuedAt < ($0.value.isUsed ? 60 : 1200) }
    sweepAt = max(10_000, codes.count * 2)
  }
}
