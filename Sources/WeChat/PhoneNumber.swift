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
      answer = try await call(
        "POST", "wxa/business/getuserphonenumber", [("access_token", token)], body: body, appID: appID)
    } catch let failure where failure.errcode == 40003 {
      // The code is another person's: for the caller that is a code that does not serve.
      throw ProviderFailure(errcode: 40029, errmsg: "")
    }
    guard let info = answer["phone_info"]?.object, info["watermark"]?.object?["appid"]?.string == appID else {
      throw ProviderFailure(errcode: 40029, errmsg: "")
    }
    guard let number = Self.e164(info) else { throw .unavailable("WeChat's answer holds no phone number.") }
    return VerifiedPhone(e164: number)
  }

  /// E.164 from `countryCode` (a string, in one of WeChat's samples a number) and `purePhoneNumber`.
  static func e164(_ info: JSONObject) -> String? {
    guard let country = info.looseString("countryCode"), let pure = info.looseString("purePhoneNumber") else {
      return nil
    }
    let number = "+" + country.filter(\.isASCIIDigit) + pure.filter(\.isASCIIDigit)
    return number.wholeMatch(of: /\+[1-9][0-9]{5,14}/) == nil ? nil : number
  }
}

extension Character {
  fileprivate var isASCIIDigit: Bool { isASCII && isNumber }
}
