import JSON

extension World {
  /// The endpoints of api.weixin.qq.com that are simulated.
  func endpoints() -> [Endpoint] {
    miniappEndpoints() + tokenEndpoints() + oauthEndpoints()
  }
}

extension World.State {
  /// The app of a code exchange, and the code; no source says that the address counts here.
  func exchangeCaller(_ call: Call, code name: String) throws(WeChatError) -> (app: App, code: String) {
    guard let appID = call.parameter("appid") else { throw WeChatError(41002) }
    guard let secret = call.parameter("secret") else { throw WeChatError(41004) }
    guard let code = call.parameter(name) else { throw WeChatError(41008) }
    guard call.query["grant_type"] == "authorization_code" else { throw WeChatError(40002) }
    guard let app = apps[appID] else { throw WeChatError(40013) }
    guard app.secret == secret else { throw WeChatError(app.wrongSecretErrcode) }
    if let errcode = app.bannedWith { throw WeChatError(errcode) }
    return (app, code)
  }

  /// The app that calls with its app token.
  func businessCaller(_ call: Call) throws(WeChatError) -> App {
    let app = try app(ofToken: call.query["access_token"])
    if let errcode = app.bannedWith { throw WeChatError(errcode) }
    return app
  }
}
