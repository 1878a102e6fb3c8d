import Federation
import Observability

extension WeChatClient: MiniappProvider {
  /// Exchanges a code of `wx.login` (WeChat: code2Session, `GET /sns/jscode2session`).
  ///
  /// The code is spent by the first exchange, so nothing is retried; `unionid` is absent unless the miniapp is bound to an Open
  /// Platform account.
  /// - Throws: `ProviderFailure`.
  public func authenticate(
    code: String, credentials: AppCredentials
  ) async throws(ProviderFailure) -> AuthenticatedPerson {
    let answer = try await call(
      "GET", "sns/jscode2session",
      [
        ("appid", Secret(credentials.appID)), ("secret", credentials.secret), ("js_code", Secret(code)),
        ("grant_type", Secret("authorization_code")),
      ], appID: credentials.appID)
    guard let openid = answer.looseString("openid"), openid.utf8.count <= 128 else {
      throw .unavailable("WeChat's answer holds no openid.")
    }
    return AuthenticatedPerson(
      openid: openid, unionid: answer.looseString("unionid"), sessionKey: answer["session_key"]?.string.map(Secret.init)
    )
  }
}
