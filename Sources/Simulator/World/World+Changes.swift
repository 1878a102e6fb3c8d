extension World {
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

  /// The openid of a person in an app.
  public func openid(_ person: String, appID: String) -> String { Names.openid(person, appID: appID) }

  /// The session key of a person in an app, if they ever signed in.
  public func sessionKey(_ person: String, appID: String) -> String? {
    state.withLock { $0.sessionKeys[SessionKey.Owner(person: person, appID: appID)]?.text }
  }
}
