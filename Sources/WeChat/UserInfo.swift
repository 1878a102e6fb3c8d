import Federation
import JSON
import Observability

extension WeChatClient {
  /// Reads a person's profile with their own grant (WeChat: `GET /sns/userinfo`).
  ///
  /// Since 2021 WeChat leaves out sex and region; absent, 0 and "" mean the same.
  /// - Throws: `ProviderFailure`; 40001, 40014 and 42001 are about the person's grant and mean `relogin`.
  public func profile(
    openid: String, appID: String, accessToken: Secret<String>
  ) async throws(ProviderFailure) -> PersonProfile {
    let answer = try await send(
      Call(
        method: "GET", path: "sns/userinfo", appID: appID, proof: .userToken,
        query: [("access_token", accessToken), ("openid", Secret(openid)), ("lang", Secret("zh_CN"))]))
    guard try Self.openid(answer) == openid else { throw .foreignAnswer }
    return PersonProfile(answer)
  }
}

extension PersonProfile {
  /// The profile of an answer.
  init(_ answer: JSONObject) {
    var raw: [String: String] = [:]
    for (name, _) in answer.members where name != "errcode" && name != "errmsg" {
      raw[name] = answer.looseString(name)
    }
    self.init(
      unionid: raw["unionid"], nickname: raw["nickname"], avatarURL: raw["headimgurl"],
      sex: answer.looseInteger("sex").flatMap { $0 == 0 ? nil : $0 }, city: raw["city"], province: raw["province"],
      country: raw["country"], raw: raw)
  }
}
