import Federation
import JSON
import Observability

extension WeChatClient: MiniappProvider {
  /// Exchanges a code of `wx.login` (WeChat: code2Session, `GET /sns/jscode2session`).
  ///
  /// The code is spent by the first exchange, so nothing is repeated; `unionid` is absent unless the miniapp is bound to an Open
  /// Platform account.
  /// - Throws: `ProviderFailure`.
  public func authenticate(
    code: String, credentials: AppCredentials
  ) async throws(ProviderFailure) -> AuthenticatedPerson {
    let answer = try await send(
      Call(
        method: "GET", path: "sns/jscode2session", appID: credentials.appID, proof: .secret,
        query: [
          ("appid", Secret(credentials.appID)), ("secret", credentials.secret), ("js_code", Secret(code)),
          ("grant_type", Secret("authorization_code")),
        ], spends: true))
    return AuthenticatedPerson(
      openid: try Self.openid(answer), unionid: answer.looseString("unionid"),
      sessionKey: answer.looseString("session_key").map(Secret.init))
  }

  /// The openid of an answer that must have one.
  static func openid(_ answer: JSONObject) throws(ProviderFailure) -> String {
    guard let openid = answer.looseString("openid"), openid.utf8.count <= 128 else {
      throw .unavailable("WeChat's answer holds no openid.")
    }
    return openid
  }
}
