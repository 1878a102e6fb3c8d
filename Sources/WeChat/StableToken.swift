import Federation
import JSON
import Observability

extension WeChatClient: AppTokenProvider {
  /// The app's current access token (WeChat: getStableAccessToken, `POST /cgi-bin/stable_token`, never forced).
  ///
  /// Without force WeChat gives the same token to everybody until its last five minutes, so asking twice harms nobody.
  /// - Throws: `ProviderFailure`; on this endpoint 40001 means that the secret is wrong.
  public func appToken(for credentials: AppCredentials) async throws(ProviderFailure) -> AppToken {
    let body = JSONWriter.object { json in
      json.member("grant_type", "client_credential")
      json.member("appid", credentials.appID)
      json.member("secret", credentials.secret.expose())
      json.member("force_refresh", false)
    }
    let answer = try await send(
      Call(method: "POST", path: "cgi-bin/stable_token", appID: credentials.appID, proof: .secret, body: body))
    guard let token = answer.looseString("access_token"), let seconds = answer.looseInteger("expires_in"),
      (1...31_536_000).contains(seconds)
    else { throw .unavailable("WeChat's answer holds no access_token.") }
    return AppToken(value: Secret(token), expiresIn: .seconds(seconds))
  }
}
