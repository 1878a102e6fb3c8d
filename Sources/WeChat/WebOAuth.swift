import Federation
import JSON
import Observability

/// Website, mobile app and official account speak the same three calls; only AppID and scope differ.
extension WeChatClient: WebProvider {
  /// Exchanges the code of a browser or an app (WeChat: `GET /sns/oauth2/access_token`).
  ///
  /// The code is spent by the first exchange, so nothing is repeated.
  /// - Throws: `ProviderFailure`.
  public func exchange(
    code: String, credentials: AppCredentials
  ) async throws(ProviderFailure) -> AuthenticatedPerson {
    let answer = try await send(
      Call(
        method: "GET", path: "sns/oauth2/access_token", appID: credentials.appID, proof: .secret,
        query: [
          ("appid", Secret(credentials.appID)), ("secret", credentials.secret), ("code", Secret(code)),
          ("grant_type", Secret("authorization_code")),
        ], spends: true))
    return try Self.person(answer)
  }

  /// Renews a person's grant (WeChat: `GET /sns/oauth2/refresh_token`, which takes no secret).
  ///
  /// WeChat's refresh token lives 30 days from the login and is not renewed; what comes back is to be kept.
  /// - Throws: `ProviderFailure`; 40030, 42002 and 42007 are `relogin`.
  public func refresh(_ token: Secret<String>, appID: String) async throws(ProviderFailure) -> AuthenticatedPerson {
    let answer = try await send(
      Call(
        method: "GET", path: "sns/oauth2/refresh_token", appID: appID, proof: .userToken,
        query: [("appid", Secret(appID)), ("grant_type", Secret("refresh_token")), ("refresh_token", token)],
        spends: true))
    return try Self.person(answer)
  }

  private static func person(_ answer: JSONObject) throws(ProviderFailure) -> AuthenticatedPerson {
    guard let access = answer.looseString("access_token"), let seconds = answer.looseInteger("expires_in"),
      (1...31_536_000).contains(seconds)
    else { throw .unavailable("WeChat's answer holds no access_token.") }
    let token = OAuthUserToken(
      access: Secret(access), refresh: answer.looseString("refresh_token").map(Secret.init),
      expiresIn: .seconds(seconds), scope: answer.looseString("scope") ?? "")
    return AuthenticatedPerson(
      openid: try openid(answer), unionid: answer.looseString("unionid"), sessionKey: nil, oauthToken: token,
      isSnapshotUser: answer.looseInteger("is_snapshotuser") == 1)
  }
}
