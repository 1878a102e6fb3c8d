/// How often an endpoint may be called; `nil` for as often as one likes.
public struct Limit: Sendable, Equatable {
  /// Calls in a minute of the clock, else 45011.
  public var perMinute: Int?
  /// Calls in a day of the clock, else 45009.
  public var perDay: Int?

  /// A limit.
  public init(perMinute: Int? = nil, perDay: Int? = nil) {
    self.perMinute = perMinute
    self.perDay = perDay
  }

  /// What WeChat documents; not in force until somebody wants it, because nobody's load test knows of it.
  public static let documented: [String: Limit] = [
    "sns/jscode2session": Limit(perMinute: 100),
    "cgi-bin/token": Limit(perMinute: 10_000, perDay: 500_000),
    "cgi-bin/stable_token": Limit(perMinute: 10_000, perDay: 500_000),
    "sns/oauth2/access_token": Limit(perMinute: 10_000),
    "sns/oauth2/refresh_token": Limit(perMinute: 50_000),
    "sns/userinfo": Limit(perMinute: 50_000),
    "wxa/resetusersessionkey": Limit(perMinute: 60_000),
  ]
}

/// What a limit counts: the calls of one app, at `sns/jscode2session` of one person in one app.
struct MeterKey: Hashable {
  let endpoint: String
  let appID: String
  var person = ""
}

/// The calls of the current minute and day.
struct Meter {
  var minute = 0
  var inMinute = 0
  var day = 0
  var inDay = 0
}

extension World.State {
  /// Counts a call that has passed all other checks.
  mutating func meter(_ endpoint: String, _ app: App, person: String = "") throws(WeChatError) {
    var limit = limits[endpoint]
    if endpoint == "sns/jscode2session", let own = app.loginsPerMinute { limit = Limit(perMinute: own) }
    guard let limit else { return }
    let key = MeterKey(endpoint: endpoint, appID: app.id, person: person)
    var meter = meters[key] ?? Meter()
    let (minute, day) = (Int(clock.now / 60), Int(clock.now / 86_400))
    if meter.minute != minute { (meter.minute, meter.inMinute) = (minute, 0) }
    if meter.day != day { (meter.day, meter.inDay) = (day, 0) }
    if let most = limit.perDay, meter.inDay >= most { throw WeChatError(45009) }
    if let most = limit.perMinute, meter.inMinute >= most { throw WeChatError(45011) }
    meter.inMinute += 1
    meter.inDay += 1
    meters[key] = meter
  }
}

extension World {
  /// Sets the limits, by path without the leading slash.
  public func limit(_ limits: [String: Limit]) {
    state.withLock { $0.limits = limits }
  }
}
