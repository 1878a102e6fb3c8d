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
    /// By refresh token.
    var oauthTokens: [String: OAuthToken] = [:]
    /// The refresh token beside each access token.
    var oauthRefreshTokens: [String: String] = [:]
    var faults: [String: [Fault]] = [:]
    var counters: [Counter: Int] = [:]
    var clock = SimulatedClock()
    var switches = Switches()
    var meters: [MeterKey: Meter] = [:]
    /// Who is signed in to WeChat on the device that opens the pages; `nil` lets the page ask.
    var deviceOwner: String?
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
