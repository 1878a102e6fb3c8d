/// What one person granted to one website, native app or official account.
struct OAuthToken {
  var accessToken: String
  var accessIssuedAt: Double
  let refreshToken: String
  let refreshIssuedAt: Double
  let appID: String
  let person: String
  let scope: String
  let isSnapshot: Bool
  /// True once the person changed their password.
  var isDead = false
}

extension World.State {
  /// Makes the tokens of a spent code.
  mutating func grant(_ code: Code) -> OAuthToken {
    let token = OAuthToken(
      accessToken: "71_\(Names.random(80))", accessIssuedAt: clock.now, refreshToken: "72_\(Names.random(80))",
      refreshIssuedAt: clock.now, appID: code.appID, person: code.person, scope: code.scope,
      isSnapshot: code.isSnapshot)
    oauthTokens[token.refreshToken] = token
    oauthRefreshTokens[token.accessToken] = token.refreshToken
    return token
  }

  /// Prolongs the access token while it lives, else makes a new one; the refresh token lives 30 days and is never renewed.
  mutating func refresh(_ text: String, appID: String) throws(WeChatError) -> OAuthToken {
    guard var token = oauthTokens[text], token.appID == appID else { throw WeChatError(40030) }
    guard clock.now - token.refreshIssuedAt <= 30 * 86_400 else { throw WeChatError(42002) }
    guard !token.isDead else { throw WeChatError(42007) }
    if clock.now - token.accessIssuedAt > World.State.tokenLifetime {
      oauthRefreshTokens[token.accessToken] = nil
      token.accessToken = "71_\(Names.random(80))"
      oauthRefreshTokens[token.accessToken] = text
    }
    token.accessIssuedAt = clock.now
    oauthTokens[text] = token
    return token
  }

  /// The grant behind a user's access token.
  func grant(accessToken: String?, openid: String?) throws(WeChatError) -> OAuthToken {
    guard let accessToken, !accessToken.isEmpty else { throw WeChatError(41001) }
    guard let openid, !openid.isEmpty else { throw WeChatError(41009) }
    guard let token = oauthRefreshTokens[accessToken].flatMap({ oauthTokens[$0] }) else { throw WeChatError(40001) }
    guard clock.now - token.accessIssuedAt <= World.State.tokenLifetime, !token.isDead else { throw WeChatError(42001) }
    guard Names.openid(token.person, appID: token.appID) == openid else { throw WeChatError(40003) }
    return token
  }
}
