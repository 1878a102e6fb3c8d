import JSON
import OAuth
import Secrets
import Tenancy

/// What an access token of ours says (RFC 9068 section 2.2).
public struct AccessTokenClaims: Sendable {
  /// `iss`
  public let issuer: String
  /// `sub`: a user's id, or the client's for client credentials.
  public let subject: String
  /// `client_id`
  public let clientID: String
  /// `aud`: the issuer itself, or the resource that it is for.
  public let audience: String
  /// `exp`, seconds of the Unix epoch.
  public let expiresAt: Int
  /// `iat`, seconds of the Unix epoch.
  public let issuedAt: Int
  /// `jti`
  public let tokenID: String
  /// `sid`
  public let sessionID: ID<Session>?
  /// `scope`
  public let scope: Scope
  /// `cnf.jkt`: the key it is bound to (RFC 9449 section 6.1).
  public let keyThumbprint: String?
  /// `act`: who acts for the user (RFC 8693 section 4.1).
  public let actor: JSONObject?
  /// `auth_time`, `amr` and `acr`: how the user signed in.
  let authentication: JSONObject
  /// The key of the signature.
  let keyID: ID<SigningKey>
  /// The claims as they were signed.
  let text: [UInt8]

  init?(_ claims: JSONObject, keyID: ID<SigningKey>, text: [UInt8]) {
    guard let issuer = claims["iss"]?.string, let subject = claims["sub"]?.string,
      let clientID = claims["client_id"]?.string, let expiresAt = claims["exp"]?.integer,
      let issuedAt = claims["iat"]?.integer, let tokenID = claims["jti"]?.string,
      let audience = claims["aud"]?.string
    else { return nil }
    self.issuer = issuer
    self.subject = subject
    self.audience = audience
    self.clientID = clientID
    self.expiresAt = expiresAt
    self.issuedAt = issuedAt
    self.tokenID = tokenID
    sessionID = claims["sid"]?.string.flatMap { ID($0) }
    scope = Scope(parsing: claims["scope"]?.string ?? "") ?? Scope([])
    keyThumbprint = claims["cnf"]?.object?["jkt"]?.string
    actor = claims["act"]?.object
    authentication = JSONObject(claims.members.filter { ["auth_time", "amr", "acr"].contains($0.name) })
    self.keyID = keyID
    self.text = text
  }
}
