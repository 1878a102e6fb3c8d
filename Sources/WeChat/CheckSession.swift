import Federation
import Observability

extension WeChatClient {
  /// Asks whether a session key is still the valid one (WeChat: checkSessionKey, `GET /wxa/checksession`).
  /// - Returns: false when WeChat says that the key is gone or superseded.
  /// - Throws: `ProviderFailure` for everything else.
  public func isCurrent(
    sessionKey: Secret<String>, openid: String, appID: String, token: Secret<String>
  ) async throws(ProviderFailure) -> Bool {
    let signature = SessionSignature.ofRequest([], sessionKey: sessionKey)
    do {
      _ = try await send(
        Call(
          method: "GET", path: "wxa/checksession", appID: appID, proof: .appToken,
          query: [
            ("access_token", token), ("openid", Secret(openid)), ("signature", Secret(signature)),
            ("sig_method", Secret("hmac_sha256")),
          ]))
      return true
    } catch let failure where failure.errcode == 87009 || failure.errcode == 87007 {
      return false
    }
  }
}
