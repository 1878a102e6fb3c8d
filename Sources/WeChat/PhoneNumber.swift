import Federation
import JSON
import Observability

extension WeChatClient: PhoneProvider {
  /// Exchanges a code of the getPhoneNumber button (WeChat: getPhoneNumber, `POST /wxa/business/getuserphonenumber`).
  ///
  /// The openid is sent along, so that WeChat refuses a code of another person; the watermark must name our AppID.
  /// - Throws: `ProviderFailure`.
  public func phoneNumber(
    code: String, openid: String, appID: String, token: Secret<String>
  ) async throws(ProviderFailure) -> VerifiedPhone {
    let body = JSONWriter.object { json in
      json.member("code", code)
      json.member("openid", openid)
    }
    let answer: JSONObject
    do {
      answer = try await send(
        Call(
          method: "POST", path: "wxa/business/getuserphonenumber", appID: appID, proof: .appToken,
          query: [("access_token", token)], body: body, spends: true))
    } catch let failure where failure.errcode == 40003 {
      // The code is another person's: for the caller that is a code that does not serve.
      throw failure.asInvalidCode()
    }
    guard let info = answer["phone_info"]?.object else { throw .unavailable("WeChat's answer holds no phone number.") }
    guard info["watermark"]?.object?["appid"]?.string == appID else { throw .foreignAnswer }
    guard let phone = VerifiedPhone(info) else { throw .unavailable("WeChat's answer holds no phone number.") }
    return phone
  }
}

extension VerifiedPhone {
  /// A number from `countryCode` (a string, in one of WeChat's samples a number) and `purePhoneNumber`.
  init?(_ info: JSONObject) {
    guard let country = info.looseString("countryCode").map(Self.digits),
      let pure = info.looseString("purePhoneNumber").map(Self.digits)
    else { return nil }
    let number = "+" + country + pure
    guard !country.isEmpty, number.wholeMatch(of: /\+[1-9][0-9]{5,14}/) != nil else { return nil }
    self.init(e164: number, countryCode: country, pureNumber: pure)
  }

  private static func digits(_ text: String) -> String {
    text.filter { ("0"..."9").contains($0) }
  }
}
