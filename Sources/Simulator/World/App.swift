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
    /// Asked: 89503 until the administrator answers.
    case required
    /// Answered with yes.
    case approved
    /// Answered with no: 89507 for an hour, then asked again.
    case refusedOnce = "refused_once"
    /// Answered with no twice: 89506 for a day, then asked again.
    case refusedTwice = "refused_twice"
  }

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
  /// Seconds of the Unix epoch when they answered.
  public var confirmedAt = 0.0
  /// False gives 48001 at the phone number call.
  public var mayReadPhoneNumbers = true
  /// Logins a person may make in a minute; `nil` for the limit of all apps.
  public var loginsPerMinute: Int?
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
    switch confirmation {
    case .notNeeded, .approved: nil
    case .required: WeChatError(89503)
    case .refusedOnce: WeChatError(now - confirmedAt < 3600 ? 89507 : 89503)
    case .refusedTwice: WeChatError(now - confirmedAt < 86_400 ? 89506 : 89503)
    }
  }
}
