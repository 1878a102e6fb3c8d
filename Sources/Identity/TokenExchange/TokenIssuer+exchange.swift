import FoundationEssentials
import JSON
import OAuth
import Secrets
import Tenancy

extension TokenIssuer {
  /// What an exchanged token says.
  struct Exchange {
    let tenant: TenantScope
    let application: ApplicationSettings
    let user: ID<User>
    /// What the token it is made from says.
    let subject: AccessTokenClaims
    let clientID: String
    let audience: String
    let scope: Scope
    let actor: JSONObject?
    let keyThumbprint: String?
    let now: Date
  }

  /// Signs the access token of an exchange (RFC 8693 section 2.2.1): no refresh token, no ID token.
  /// - Throws: `IdentityFault` when the key cannot be opened or used.
  func issue(_ exchange: Exchange) throws(IdentityFault) -> IssuedTokens {
    let key = try keys.key(exchange.application.key, tenant: exchange.tenant.id)
    let issuedAt = Int(exchange.now.timeIntervalSince1970)
    let subject = exchange.subject
    let expiresAt = min(subject.expiresAt, issuedAt + exchange.application.accessTokenTTL)
    // The grant stands in front of the dot, where the verifier looks for what the token stands on.
    let grant = subject.tokenID.prefix { $0 != "." }
    let claims = JSONWriter.object(capacity: 700) { json in
      json.member("iss", subject.issuer)
      json.member("sub", exchange.user.description)
      json.member("aud", exchange.audience)
      json.member("exp", expiresAt)
      json.member("iat", issuedAt)
      json.member("jti", "\(grant).\(Base64URL.string(RandomBytes.make(9)))")
      if let session = subject.sessionID { json.member("sid", session.description) }
      json.member("client_id", exchange.clientID)
      if !exchange.scope.tokens.isEmpty { json.member("scope", exchange.scope.text) }
      for name in ["auth_time", "amr", "acr"] {
        guard let value = subject.authentication[name] else { continue }
        json.key(name)
        value.write(to: &json)
      }
      if let actor = exchange.actor {
        json.key("act")
        JSONValue.object(actor).write(to: &json)
      }
      if let thumbprint = exchange.keyThumbprint { json.confirmation(thumbprint) }
    }
    return IssuedTokens(
      accessToken: try sign(claims, with: key, as: .accessToken), expiresIn: max(1, expiresAt - issuedAt), idToken: nil,
      refreshToken: nil, scope: exchange.scope, isBound: exchange.keyThumbprint != nil,
      issuedTokenType: ExchangeRequest.accessTokenType)
  }
}
