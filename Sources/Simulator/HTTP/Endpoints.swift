import Crypto
import Foundation
import JSON

extension World {
  /// The endpoints of api.weixin.qq.com that are simulated.
  func endpoints() -> [Endpoint] {
    miniappEndpoints() + tokenEndpoints() + oauthEndpoints()
  }

  private func miniappEndpoints() -> [Endpoint] {
    [
      Endpoint(path: "sns/jscode2session", method: .get, world: self) { state, call, json throws(WeChatError) in
        guard let appID = call.query["appid"] else { throw WeChatError(41002) }
        guard let secret = call.query["secret"] else { throw WeChatError(41004) }
        guard let text = call.query["js_code"] else { throw WeChatError(41008) }
        guard call.query["grant_type"] == "authorization_code" else { throw WeChatError(40002) }
        let app = try state.appForExchange(appID, secret)
        let code = try state.spend(text, .login, app: app)
        state.rotateSessionKey(code.person, app.id)
        let key = state.sessionKeys[SessionKey.Owner(person: code.person, appID: app.id)]
        json.member("session_key", key?.text ?? "")
        json.member("openid", Names.openid(code.person, appID: app.id))
        if let account = app.openPlatformAccount {
          json.member("unionid", Names.unionid(code.person, account: account))
        }
      },
      Endpoint(path: "wxa/business/getuserphonenumber", method: .post, world: self) {
        state, call, json throws(WeChatError) in
        let app = try state.app(ofToken: call.query["access_token"])
        if let errcode = app.bannedWith { throw WeChatError(errcode) }
        guard app.mayReadPhoneNumbers else { throw WeChatError(48001) }
        guard let text = call.body["code"]?.string else { throw WeChatError(41008) }
        if let code = state.codes[text], let openid = call.body["openid"]?.string,
          Names.openid(code.person, appID: app.id) != openid
        {
          throw WeChatError(40003)
        }
        let code = try state.spend(text, .phone, app: app)
        guard let person = state.people[code.person] else { throw WeChatError(40029) }
        json.member("errcode", 0)
        json.member("errmsg", "ok")
        json.key("phone_info")
        json.beginObject()
        let full = person.countryCode == "86" ? person.phoneNumber : "+\(person.countryCode)\(person.phoneNumber)"
        json.member("phoneNumber", full)
        json.member("purePhoneNumber", person.phoneNumber)
        json.member("countryCode", person.countryCode)
        json.key("watermark")
        json.beginObject()
        json.member("timestamp", Int(state.clock.now))
        json.member("appid", app.id)
        json.endObject()
        json.endObject()
      },
      Endpoint(path: "wxa/checksession", method: .get, world: self) { state, call, json throws(WeChatError) in
        _ = try state.sessionCaller(call)
        json.member("errcode", 0)
        json.member("errmsg", "ok")
      },
      Endpoint(path: "wxa/resetusersessionkey", method: .get, world: self) { state, call, json throws(WeChatError) in
        let owner = try state.sessionCaller(call)
        let key = SessionKey(
          text: State.newSessionKey(), issuedAt: state.sessionKeys[owner]?.issuedAt ?? state.clock.now)
        state.sessionKeys[owner] = key
        json.member("errcode", 0)
        json.member("errmsg", "ok")
        json.member("openid", Names.openid(owner.person, appID: owner.appID))
        json.member("session_key", key.text)
      },
    ]
  }

  private func tokenEndpoints() -> [Endpoint] {
    [
      Endpoint(path: "cgi-bin/token", method: .get, world: self) { state, call, json throws(WeChatError) in
        let app = try state.tokenCaller(
          appID: call.query["appid"], secret: call.query["secret"], grantType: call.query["grant_type"],
          address: call.address)
        let (token, expiresIn) = state.legacyToken(app)
        json.member("access_token", token)
        json.member("expires_in", expiresIn)
      },
      Endpoint(path: "cgi-bin/stable_token", method: .post, world: self) { state, call, json throws(WeChatError) in
        let app = try state.tokenCaller(
          appID: call.body["appid"]?.string, secret: call.body["secret"]?.string,
          grantType: call.body["grant_type"]?.string, address: call.address)
        let (token, expiresIn) = try state.stableToken(app, force: call.body["force_refresh"]?.boolean ?? false)
        json.member("access_token", token)
        json.member("expires_in", expiresIn)
      },
    ]
  }

  private func oauthEndpoints() -> [Endpoint] {
    [
      Endpoint(path: "sns/oauth2/access_token", method: .get, world: self) { state, call, json throws(WeChatError) in
        guard let appID = call.query["appid"] else { throw WeChatError(41002) }
        guard let secret = call.query["secret"] else { throw WeChatError(41004) }
        guard let text = call.query["code"] else { throw WeChatError(41008) }
        guard call.query["grant_type"] == "authorization_code" else { throw WeChatError(40002) }
        let app = try state.appForExchange(appID, secret)
        let code = try state.spend(text, .oauth, app: app)
        state.write(state.grant(code), app, to: &json, withUnionid: true)
      },
      Endpoint(path: "sns/oauth2/refresh_token", method: .get, world: self) { state, call, json throws(WeChatError) in
        guard let appID = call.query["appid"], let app = state.apps[appID] else { throw WeChatError(41002) }
        guard call.query["grant_type"] == "refresh_token" else { throw WeChatError(40002) }
        guard let token = call.query["refresh_token"] else { throw WeChatError(40030) }
        state.write(try state.refresh(token, appID: appID), app, to: &json, withUnionid: false)
      },
      Endpoint(path: "sns/auth", method: .get, world: self) { state, call, json throws(WeChatError) in
        _ = try state.grant(accessToken: call.query["access_token"], openid: call.query["openid"])
        json.member("errcode", 0)
        json.member("errmsg", "ok")
      },
      Endpoint(path: "sns/userinfo", method: .get, world: self) { state, call, json throws(WeChatError) in
        let token = try state.grant(accessToken: call.query["access_token"], openid: call.query["openid"])
        guard token.scope != "snsapi_base" else { throw WeChatError(48001) }
        guard let person = state.people[token.person], let app = state.apps[token.appID] else {
          throw WeChatError(40003)
        }
        json.member("openid", Names.openid(person.id, appID: app.id))
        json.member("nickname", person.nickname)
        if app.regionForm == .empty {
          json.member("sex", 0)
          for name in ["language", "city", "province", "country"] { json.member(name, "") }
        }
        // WeChat escapes slashes.
        json.member("headimgurl", raw: Array("\"\(person.avatarURL.replacingOccurrences(of: "/", with: "\\/"))\"".utf8))
        json.member("privilege", [String]())
        if let account = app.openPlatformAccount { json.member("unionid", Names.unionid(person.id, account: account)) }
      },
    ]
  }
}

extension World.State {
  /// The app of a code exchange; no source says that the address counts here.
  fileprivate func appForExchange(_ appID: String, _ secret: String) throws(WeChatError) -> App {
    guard let app = apps[appID] else { throw WeChatError(40013) }
    guard app.secret == secret else { throw WeChatError(40125) }
    if let errcode = app.bannedWith { throw WeChatError(errcode) }
    return app
  }

  /// Whose session key signed the call: HMAC-SHA-256 under the base64 text of the key, over the empty body of a GET.
  fileprivate func sessionCaller(_ call: Call) throws(WeChatError) -> SessionKey.Owner {
    let app = try app(ofToken: call.query["access_token"])
    guard call.query["sig_method"] == "hmac_sha256" else { throw WeChatError(87008) }
    guard let openid = call.query["openid"],
      let owner = sessionKeys.keys.first(where: {
        $0.appID == app.id && Names.openid($0.person, appID: app.id) == openid
      })
    else { throw WeChatError(40003) }
    let key = SymmetricKey(data: Array((sessionKeys[owner]?.text ?? "").utf8))
    let expected = HMAC<SHA256>.authenticationCode(for: [UInt8](), using: key)
      .map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    guard call.query["signature"] == expected else { throw WeChatError(87009) }
    return owner
  }

  fileprivate func write(_ token: OAuthToken, _ app: App, to json: inout JSONWriter, withUnionid: Bool) {
    json.member("access_token", token.accessToken)
    json.member("expires_in", Int(World.State.tokenLifetime))
    json.member("refresh_token", token.refreshToken)
    json.member("openid", Names.openid(token.person, appID: app.id))
    json.member("scope", token.scope)
    if app.isSnapshot, app.kind == .officialAccount { json.member("is_snapshotuser", 1) }
    if withUnionid, token.scope != "snsapi_base", let account = app.openPlatformAccount {
      json.member("unionid", Names.unionid(token.person, account: account))
    }
  }
}
