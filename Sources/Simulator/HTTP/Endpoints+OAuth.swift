import JSON

extension World {
  /// The calls of a website's, a native app's and an official account's server.
  func oauthEndpoints() -> [Endpoint] {
    [
      Endpoint(path: "sns/oauth2/access_token", method: .get, world: self) { state, call, json throws(WeChatError) in
        let (app, text) = try state.exchangeCaller(call, code: "code")
        let code = try state.spend(text, .oauth, app: app)
        state.write(state.grant(code), app, to: &json, isFirst: true)
      },
      Endpoint(path: "sns/oauth2/refresh_token", method: .get, world: self) { state, call, json throws(WeChatError) in
        guard let appID = call.parameter("appid") else { throw WeChatError(41002) }
        guard call.query["grant_type"] == "refresh_token" else { throw WeChatError(40002) }
        guard let token = call.parameter("refresh_token") else { throw WeChatError(41003) }
        guard let app = state.apps[appID] else { throw WeChatError(40013) }
        if let errcode = app.bannedWith { throw WeChatError(errcode) }
        try state.meter("sns/oauth2/refresh_token", app)
        state.write(try state.refresh(token, appID: appID), app, to: &json, isFirst: false)
      },
      Endpoint(path: "sns/auth", method: .get, saysOK: true, world: self) { state, call, json throws(WeChatError) in
        _ = try state.grant(accessToken: call.query["access_token"], openid: call.query["openid"])
      },
      Endpoint(path: "sns/userinfo", method: .get, world: self) { state, call, json throws(WeChatError) in
        let token = try state.grant(accessToken: call.query["access_token"], openid: call.query["openid"])
        guard let person = state.people[token.person], let app = state.apps[token.appID] else {
          throw WeChatError(40003)
        }
        if let errcode = app.bannedWith { throw WeChatError(errcode) }
        guard token.scope != "snsapi_base", !token.isSnapshot else { throw WeChatError(48001) }
        try state.meter("sns/userinfo", app)
        state.write(person, app, to: &json)
      },
    ]
  }
}

extension World.State {
  fileprivate func write(_ token: OAuthToken, _ app: App, to json: inout JSONWriter, isFirst: Bool) {
    json.member("access_token", token.accessToken)
    json.member("expires_in", Int(World.State.tokenLifetime))
    json.member("refresh_token", token.refreshToken)
    json.member("openid", Names.openid(token.person, appID: app.id))
    json.member("scope", token.scope)
    guard isFirst else { return }
    if token.isSnapshot { json.member("is_snapshotuser", 1) }
    if token.scope != "snsapi_base", let account = app.openPlatformAccount {
      json.member("unionid", Names.unionid(token.person, account: account))
    }
  }

  fileprivate func write(_ person: Person, _ app: App, to json: inout JSONWriter) {
    json.member("openid", Names.openid(person.id, appID: app.id))
    json.member("nickname", person.nickname)
    if app.regionForm == .empty {
      json.member("sex", 0)
      json.member("language", "")
      json.member("city", "")
      json.member("province", "")
      json.member("country", "")
    }
    // WeChat escapes slashes.
    var address = JSONWriter(capacity: 200)
    address.string(person.avatarURL)
    json.member("headimgurl", raw: address.bytes.flatMap { $0 == 0x2F ? [0x5C, 0x2F] : [$0] })
    json.member("privilege", [String]())
    if let account = app.openPlatformAccount { json.member("unionid", Names.unionid(person.id, account: account)) }
  }
}
