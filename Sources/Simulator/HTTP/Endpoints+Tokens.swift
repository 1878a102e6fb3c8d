import JSON

extension World {
  /// The two families of app tokens, which know nothing of each other.
  func tokenEndpoints() -> [Endpoint] {
    [
      Endpoint(path: "cgi-bin/token", method: .get, world: self) { state, call, json throws(WeChatError) in
        let app = try state.tokenCaller(
          "cgi-bin/token", appID: call.query["appid"], secret: call.query["secret"],
          grantType: call.query["grant_type"], address: call.address)
        let (token, expiresIn) = state.legacyToken(app)
        json.member("access_token", token)
        json.member("expires_in", expiresIn)
      },
      Endpoint(path: "cgi-bin/stable_token", method: .post, world: self) { state, call, json throws(WeChatError) in
        let app = try state.tokenCaller(
          "cgi-bin/stable_token", appID: call.body["appid"]?.string, secret: call.body["secret"]?.string,
          grantType: call.body["grant_type"]?.string, address: call.address)
        let (token, expiresIn) = try state.stableToken(app, force: call.body["force_refresh"]?.boolean ?? false)
        json.member("access_token", token)
        json.member("expires_in", expiresIn)
      },
    ]
  }
}
