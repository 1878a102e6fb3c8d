/// A switch that makes an endpoint misbehave, for a number of calls or until it is taken away.
public struct Fault: Sendable {
  /// How it misbehaves.
  public enum Kind: String, Sendable, CaseIterable {
    /// Answers with `errcode` and does nothing.
    case errcode
    /// Answers HTTP 502 with HTML and does nothing.
    case badGateway = "bad_gateway"
    /// Does nothing and answers after `delay` with nothing useful: a client should have given up.
    case hangBefore = "hang_before"
    /// Does its work and then hangs: what a retry must survive.
    case hangAfter = "hang_after"
    /// Does its work and answers after `delay`.
    case delay
    /// Does its work and answers what is not JSON.
    case wrongJSON = "wrong_json"
    /// Puts raw control bytes and broken UTF-8 into strings.
    case dirtyStrings = "dirty_strings"
    /// Swaps `text/plain` and `application/json`.
    case otherContentType = "other_content_type"
    /// Writes `errcode` as a string, `countryCode` as a number, and `errcode: 0` on success.
    case oddTypes = "odd_types"
    /// Does its work and closes the connection in the middle of the answer.
    case cut
  }

  /// How it misbehaves.
  public var kind: Kind
  /// Calls it lasts for; `nil` for all.
  public var times: Int?
  /// For `errcode`.
  public var errcode = -1
  /// Milliseconds, for `delay` and the hangs.
  public var delay = 0

  /// A fault.
  public init(_ kind: Kind, times: Int? = nil, errcode: Int = -1, delay: Int = 0) {
    self.kind = kind
    self.times = times
    self.errcode = errcode
    self.delay = delay
  }
}

extension World.State {
  /// The fault of the next call of an endpoint.
  mutating func nextFault(_ endpoint: String) -> Fault? {
    guard !faults.isEmpty, let fault = faults[endpoint]?.first else { return nil }
    if let times = fault.times {
      if times <= 1 { faults[endpoint]?.removeFirst() } else { faults[endpoint]?[0].times = times - 1 }
    }
    return fault
  }
}

extension World {
  /// Makes `endpoint` (its path without the leading slash) misbehave; several queue up.
  public func inject(_ fault: Fault, at endpoint: String) {
    state.withLock { $0.faults[endpoint, default: []].append(fault) }
  }

  /// Takes all faults away.
  public func clearFaults() {
    state.withLock { $0.faults.removeAll() }
  }

  /// Registers or replaces an app.
  @discardableResult
  public func register(_ app: App) -> App {
    state.withLock { $0.apps[app.id] = app }
    return app
  }

  /// Registers or replaces a person.
  public func register(_ person: Person) {
    state.withLock { $0.people[person.id] = person }
  }

  /// Changes an app; `nil` when there is none.
  @discardableResult
  public func change(_ appID: String, _ body: (inout App) -> Void) -> App? {
    state.withLock { state in
      guard var app = state.apps[appID] else { return nil }
      body(&app)
      state.apps[appID] = app
      return app
    }
  }

  /// A code as `wx.login` gives it.
  public func loginCode(_ appID: String, person: String) -> String {
    code(.login, appID, person)
  }

  /// A code as the getPhoneNumber button gives it.
  public func phoneCode(_ appID: String, person: String) -> String {
    code(.phone, appID, person)
  }

  /// A code as a browser or a native app brings it back.
  /// - Throws: when there is no such app.
  public func oauthCode(_ appID: String, person: String, scope: String = "snsapi_userinfo") throws -> String {
    try state.withLock { state throws(WeChatError) in
      try state.issueCode(.oauth, appID: appID, person: person, scope: scope)
    }
  }

  private func code(_ kind: Code.Kind, _ appID: String, _ person: String) -> String {
    state.withLock { (try? $0.issueCode(kind, appID: appID, person: person, scope: nil)) ?? "unknown-app" }
  }

  /// Moves the clock; negative goes back.
  public func advanceClock(seconds: Double) {
    state.withLock { $0.clock.advance(seconds) }
  }

  /// Makes the current app tokens of an app worthless before their time.
  public func expireTokens(_ appID: String) {
    state.withLock { state in
      state.legacyTokens[appID] = nil
      state.stableTokens[appID] = nil
    }
  }

  /// A person changes their password: every grant they gave is dead (42007).
  public func changePassword(_ person: String) {
    state.withLock { state in
      for token in state.oauthTokens.filter({ $0.value.person == person }).keys {
        state.oauthTokens[token]?.isDead = true
      }
    }
  }

  /// The openid of a person in an app.
  public func openid(_ person: String, appID: String) -> String { Names.openid(person, appID: appID) }

  /// The session key of a person in an app, if they ever signed in.
  public func sessionKey(_ person: String, appID: String) -> String? {
    state.withLock { $0.sessionKeys[SessionKey.Owner(person: person, appID: appID)]?.text }
  }
}
