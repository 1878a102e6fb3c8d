/// An app as WeChat knows it.
public struct App: Sendable {
  /// What it is, which decides the flows it may use.
  public enum Kind: String, Sendable, CaseIterable {
    /// A miniapp.
    case miniapp
    /// A website app with QR login.
    case web
    /// A native app.
    case mobile
    /// An official account with web OAuth inside WeChat.
    case officialAccount = "official_account"
  }

  /// Where WeChat's question to the administrator stands, whether this address may fetch tokens.
  public enum Confirmation: String, Sendable, CaseIterable {
    /// Nobody asks.
    case notNeeded = "not_needed"
    /// Asked: 89503 until the administrator allows it.
    case pending
    /// Answered with no: 89507 for an hour, then asked again.
    case refusedOnce = "refused_once"
    /// Answered with no twice: 89506 for a day, then asked again.
    case refusedTwice = "refused_twice"
  }

  /// How something is left out.
  public enum RegionForm: String, Sendable, CaseIterable {
    /// `"city": ""` and `"sex": 0`.
    case empty
    /// No such members.
    case absent
  }

  /// WeChat's own limits a minute.
  public static let limits = [
    "cgi-bin/token": 10_000, "cgi-bin/stable_token": 10_000, "sns/oauth2/access_token": 10_000,
    "sns/oauth2/refresh_token": 50_000, "sns/userinfo": 50_000, "wxa/resetusersessionkey": 60_000,
  ]

  /// `wx` and 16 hexadecimal digits.
  public var id: String
  /// 32 hexadecimal digits.
  public var secret: String
  /// What it is.
  public var kind: Kind
  /// The Open Platform account it is bound to; `nil` gives no unionid.
  public var openPlatformAccount: String?
  /// Addresses that may fetch tokens; empty allows all.
  public var ipWhitelist: [String] = []
  /// The errcode all its calls get, such as 50002; `nil` for a healthy app.
  public var bannedWith: Int?
  /// True gives 40243 at the token endpoints.
  public var isSecretFrozen = false
  /// Whether the administrator lets tokens be fetched.
  public var confirmation = Confirmation.notNeeded
  /// Seconds of the Unix epoch when they refused; `nil` makes the refusal last.
  public var refusedAt: Double?
  /// False gives 48001 at the phone number call.
  public var mayReadPhoneNumbers = true
  /// Logins a person may make in a minute (WeChat: 100); `nil` for no limit.
  public var loginsPerMinute: Int?
  /// Calls of the app in a minute by endpoint; beyond it gets 45011.
  public var callsPerMinute: [String: Int] = App.limits
  /// Calls of the app in a day by endpoint; beyond it gets 45009.
  public var callsPerDay = ["cgi-bin/token": 500_000, "cgi-bin/stable_token": 500_000]
  /// What a wrong secret gets: 40125, or 40001 as the documents have it.
  public var wrongSecretErrcode = 40125
  /// What an expired code gets: 40029, or 42003.
  public var expiredCodeErrcode = 40029
  /// True where the page asks for the profile on entry: WeChat then shows a virtual person.
  public var isSnapshot = false
  /// How `sns/userinfo` leaves out sex and region.
  public var regionForm = RegionForm.empty
  /// The host that OAuth may return to; `nil` allows all.
  public var redirectDomain: String?

  /// An app; what is not given is made up.
  public init(id: String? = nil, secret: String? = nil, kind: Kind = .miniapp, openPlatformAccount: String? = nil) {
    self.id = id ?? "wx" + Names.hexadecimal(8)
    self.secret = secret ?? Names.hexadecimal(16)
    self.kind = kind
    self.openPlatformAccount = openPlatformAccount
  }

  /// The scope of a code when nobody names one.
  var usualScope: String { kind == .web ? "snsapi_login" : "snsapi_userinfo" }

  /// What WeChat's risk control says to a call for a token.
  func risk(at now: Double) -> WeChatError? {
    let since = now - (refusedAt ?? now)
    return switch confirmation {
    case .notNeeded: nil
    case .pending: WeChatError(89503)
    case .refusedOnce: WeChatError(since < 3600 ? 89507 : 89503)
    case .refusedTwice: WeChatError(since < 86_400 ? 89506 : 89503)
    }
  }
}
