import Crypto
import JSON

extension World {
  /// The calls of a miniapp's server.
  func miniappEndpoints() -> [Endpoint] {
    [
      Endpoint(path: "sns/jscode2session", method: .get, world: self) { state, call, json throws(WeChatError) in
        let (app, text) = try state.exchangeCaller(call, code: "js_code")
        let code = try state.spend(text, .login, app: app)
        let key = state.sessionKeys[SessionKey.Owner(person: code.person, appID: app.id)]
        json.member("session_key", key?.text ?? "")
        json.member("openid", Names.openid(code.person, appID: app.id))
        if let account = app.openPlatformAccount {
          json.member("unionid", Names.unionid(code.person, account: account))
        }
      },
      Endpoint(path: "wxa/business/getuserphonenumber", method: .post, saysOK: true, world: self) {
        state, call, json throws(WeChatError) in
        let app = try state.businessCaller(call)
        guard app.mayReadPhoneNumbers else { throw WeChatError(48001) }
        guard let text = call.body["code"]?.string, !text.isEmpty else { throw WeChatError(41008) }
        if let code = state.codes[text], let openid = call.body["openid"]?.string,
          Names.openid(code.person, appID: app.id) != openid
        {
          throw WeChatError(40003)
        }
        let code = try state.spend(text, .phone, app: app)
        guard let person = state.people[code.person] else { throw WeChatError(40029) }
        json.key("phone_info")
        json.beginObject()
        json.member("phoneNumber", person.prefixedPhoneNumber)
        json.member("purePhoneNumber", person.phoneNumber)
        if call.countryCodeIsNumber, let number = Int(person.countryCode) {
          json.member("countryCode", number)
        } else {
          json.member("countryCode", person.countryCode)
        }
        json.key("watermark")
        json.beginObject()
        // The time of the person's action, not of this call.
        json.member("timestamp", Int(code.issuedAt))
        json.member("appid", app.id)
        json.endObject()
        json.endObject()
      },
      Endpoint(path: "wxa/checksession", method: .get, saysOK: true, world: self) {
        state, call, json throws(WeChatError) in
        _ = try state.sessionCaller(call)
      },
      Endpoint(path: "wxa/resetusersessionkey", method: .get, saysOK: true, world: self) {
        state, call, json throws(WeChatError) in
        let (owner, app) = try state.sessionCaller(call)
        try state.meter("wxa/resetusersessionkey", app)
        let key = try state.resetSessionKey(owner)
        json.member("openid", Names.openid(owner.person, appID: owner.appID))
        json.member("session_key", key)
      },
    ]
  }
}

extension Person {
  /// A foreign number carries its country's prefix.
  fileprivate var prefixedPhoneNumber: String {
    countryCode == "86" ? phoneNumber : "+\(countryCode)\(phoneNumber)"
  }
}

extension World.State {
  /// Whose session key signed the call: HMAC-SHA-256 under the base64 text of the key, over the empty body of a GET.
  fileprivate func sessionCaller(_ call: Call) throws(WeChatError) -> (SessionKey.Owner, App) {
    let app = try businessCaller(call)
    guard call.query["sig_method"] == "hmac_sha256" else { throw WeChatError(87008) }
    guard let openid = call.parameter("openid"),
      let person = people.keys.first(where: { Names.openid($0, appID: app.id) == openid })
    else { throw WeChatError(40003) }
    let owner = SessionKey.Owner(person: person, appID: app.id)
    guard let text = sessionKeys[owner]?.text else { throw WeChatError(87007) }
    let expected = HMAC<SHA256>.authenticationCode(for: [UInt8](), using: SymmetricKey(data: Array(text.utf8)))
    guard call.query["signature"] == Hexadecimal.encode(expected) else { throw WeChatError(87009) }
    return (owner, app)
  }
}
