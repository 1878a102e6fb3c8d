import Crypto
import FoundationEssentials
import Synchronization

/// WeChat as it behaves: apps, people, one-time codes, session keys and token families. No HTTP in it.
///
/// Every call is one step under one lock, so two exchanges of one code cannot both win.
public final class World: Sendable {
  /// What is locked.
  struct State {
    var apps: [String: App] = [:]
    var people: [String: Person] = [:]
    var codes: [String: Code] = [:]
    var sessionKeys: [SessionKey.Owner: SessionKey] = [:]
    var legacyTokens: [String: TokenFamily] = [:]
    var stableTokens: [String: StableToken] = [:]
    var oauthTokens: [String: OAuthToken] = [:]
    var faults: [String: [Fault]] = [:]
    var counters: [Counter: Int] = [:]
    var clock = SimulatedClock()
    var calls: [String: CallWindow] = [:]
    var sweepAt = 10_000
  }

  let state = Mutex(State())

  /// An empty world with a clock that runs with the machine's.
  public init() {}

  /// Forgets everything.
  public func reset() {
    state.withLock { $0 = State() }
  }

  /// How often an endpoint answered with an errcode; `nil` counts all.
  public func count(endpoint: String? = nil, appID: String? = nil, errcode: Int? = nil) -> Int {
    state.withLock { state in
      state.counters.reduce(0) { sum, item in
        let matches =
          (endpoint == nil || item.key.endpoint == endpoint) && (appID == nil || item.key.appID == appID)
          && (errcode == nil || item.key.errcode == errcode)
        return matches ? sum + item.value : sum
      }
    }
  }

  /// Sets all counters to zero.
  public func resetCounters() {
    state.withLock { $0.counters.removeAll() }
  }
}

/// A count of answers.
struct Counter: Hashable {
  let endpoint: String
  let appID: String
  let errcode: Int
}

/// A clock that can be moved.
struct SimulatedClock {
  private var offset: Double = 0
  private var fixed: Double?

  /// Seconds of the Unix epoch.
  var now: Double { fixed ?? Date().timeIntervalSince1970 + offset }

  mutating func advance(_ seconds: Double) {
    if let fixed { self.fixed = fixed + seconds } else { offset += seconds }
  }

  mutating func set(_ moment: Double) { fixed = moment }

  mutating func followMachine() {
    fixed = nil
    offset = 0
  }
}

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

  /// The administrator's confirmation of a new address.
  public enum Confirmation: String, Sendable, CaseIterable {
    /// There is none.
    case notNeeded = "not_needed"
    /// 89503 until the administrator allows it.
    case pending
    /// 89507 for an hour.
    case refusedOnce = "refused_once"
    /// 89506 for a day.
    case refusedTwice = "refused_twice"

    var errcode: Int? {
      switch self {
      case .notNeeded: nil
      case .pending: 89503
      case .refusedOnce: 89507
      case .refusedTwice: 89506
      }
    }
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
  /// False gives 48001 at the phone number call.
  public var mayReadPhoneNumbers = true
  /// Logins a person may make in a minute (WeChat: 100); `nil` for no limit.
  public var loginsPerMinute: Int?
  /// Calls of the app in a minute by endpoint; beyond it gets 45011.
  public var callsPerMinute: [String: Int] = App.limits
  /// What the token endpoints say to a wrong secret: 40125, or 40001 as the documents have it.
  public var wrongSecretErrcode = 40125
  /// What an expired code gets: 40029, or 42003.
  public var expiredCodeErrcode = 40029
  /// Whether the administrator has to confirm that tokens are fetched from here.
  public var confirmation = Confirmation.notNeeded
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
}

/// A person with a WeChat account.
public struct Person: Sendable {
  /// The simulator's own name for them.
  public var id: String
  /// May be empty.
  public var nickname: String
  /// May be empty.
  public var avatarURL: String
  /// Without country code.
  public var phoneNumber: String
  /// Digits.
  public var countryCode: String
  /// True gives 40226 at login.
  public var isBlocked = false

  /// A person; what is not given is made up from the id.
  public init(id: String, nickname: String? = nil, phoneNumber: String? = nil, countryCode: String = "86") {
    self.id = id
    self.nickname = nickname ?? id
    avatarURL = "https://thirdwx.qlogo.cn/mmopen/vi_32/\(Names.derived("avatar", id, length: 20))/132"
    self.phoneNumber = phoneNumber ?? "138" + Names.digits("phone", id, length: 8)
    self.countryCode = countryCode
  }
}

/// Names in WeChat's shapes.
enum Names {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")

  /// `bytes` random bytes as hexadecimal digits.
  static func hexadecimal(_ bytes: Int) -> String {
    String((0..<bytes * 2).map { _ in "0123456789abcdef".randomElement() ?? "0" })
  }

  /// Random letters and digits.
  static func random(_ length: Int) -> String {
    String((0..<length).map { _ in alphabet[Int.random(in: 0..<62)] })
  }

  /// The same text for the same words.
  static func derived(_ words: String..., length: Int) -> String {
    let digest = SHA256.hash(data: Array(words.joined(separator: "|").utf8))
    return String(digest.prefix(length).map { alphabet[Int($0 & 63)] })
  }

  /// The same digits for the same words.
  static func digits(_ words: String..., length: Int) -> String {
    let digest = SHA256.hash(data: Array(words.joined(separator: "|").utf8))
    return digest.prefix(length).map { String($0 % 10) }.joined()
  }

  /// A function of person and app.
  static func openid(_ person: String, appID: String) -> String { "o" + derived("openid", appID, person, length: 27) }

  /// A function of person and Open Platform account.
  static func unionid(_ person: String, account: String) -> String {
    "o" + derived("unionid", account, person, length: 27)
  }
}
