import FoundationEssentials
import JSON
import OAuth
import Secrets
import Tenancy

/// Makes ID tokens and access tokens (OpenID Connect Core section 2, RFC 9068).
public struct TokenIssuer: Sendable {
  private let publicURL: String
  let keys: SigningKeyCache

  /// An issuer under `publicURL` (no slash at its end), the base of every `iss`.
  public init(publicURL: String, keys: SigningKeyCache) {
    self.publicURL = publicURL
    self.keys = keys
  }

  /// The `iss` of an identity application.
  public func issuer(tenant: TenantScope, application slug: String) -> String {
    "\(publicURL)/t/\(tenant.slug)/i/\(slug)"
  }

  /// What one pair of tokens says.
  struct Facts {
    let tenant: TenantScope
    let application: ApplicationSettings
    let user: User
    let clientID: String
    let scope: Scope
    let session: ID<Session>?
    let amr: [String]
    let authTime: Date
    let issuedAt: Date
    let refreshToken: RefreshToken
    /// True for federation logins: the ID token then carries what userinfo would.
    let withUserClaims: Bool
    /// The `nonce` of the authorization request.
    var nonce: String?
    /// False for a client that may not refresh: its access token stands on the grant all the same.
    var givesRefreshToken = true
    /// The key that the access token is bound to (RFC 9449 section 6.1).
    var keyThumbprint: String?
    /// Claims of the user that the ID token carries because they were asked for one by one.
    var idTokenClaims: [String] = []
    /// What the access token is for; `nil` for the issuer itself.
    var resource: String?
  }

  /// Signs an access token and, with scope `openid`, an ID token.
  /// - Throws: `IdentityFault` when the key cannot be opened or used.
  func issue(_ facts: Facts) throws(IdentityFault) -> IssuedTokens {
    let key = try keys.key(facts.application.key, tenant: facts.tenant.id)
    let issuer = issuer(tenant: facts.tenant, application: facts.application.slug)
    let accessToken = try sign(accessClaims(facts, issuer: issuer), with: key, as: .accessToken)
    let idToken: [UInt8]? =
      facts.scope.contains("openid")
      ? try sign(idClaims(facts, issuer: issuer, accessToken, key.algorithm), with: key, as: .idToken) : nil
    return IssuedTokens(
      accessToken: accessToken, expiresIn: facts.application.accessTokenTTL, idToken: idToken,
      refreshToken: facts.givesRefreshToken ? facts.refreshToken.text : nil, scope: facts.scope,
      isBound: facts.keyThumbprint != nil)
  }

  /// Signs the access token of a client that acts for itself (RFC 6749 section 4.4, RFC 9068).
  /// - Throws: `IdentityFault` when the key cannot be opened or used.
  func issueForClient(
    _ client: String, scope: Scope, application: ApplicationSettings, tenant: TenantScope, now: Date,
    keyThumbprint: String? = nil, resource: String? = nil
  ) throws(IdentityFault) -> IssuedTokens {
    let key = try keys.key(application.key, tenant: tenant.id)
    let issuer = issuer(tenant: tenant, application: application.slug)
    let issuedAt = Int(now.timeIntervalSince1970)
    let claims = JSONWriter.object(capacity: 400) { json in
      json.member("iss", issuer)
      json.member("sub", client)
      json.member("aud", resource ?? issuer)
      json.member("exp", issuedAt + application.accessTokenTTL)
      json.member("iat", issuedAt)
      json.member("jti", Base64URL.string(RandomBytes.make(16)))
      json.member("client_id", client)
      if !scope.tokens.isEmpty { json.member("scope", scope.text) }
      if let keyThumbprint { json.confirmation(keyThumbprint) }
    }
    return IssuedTokens(
      accessToken: try sign(claims, with: key, as: .accessToken), expiresIn: application.accessTokenTTL, idToken: nil,
      refreshToken: nil, scope: scope, isBound: keyThumbprint != nil)
  }

  private func accessClaims(_ facts: Facts, issuer: String) -> [UInt8] {
    JSONWriter.object(capacity: 600) { json in
      let issuedAt = Int(facts.issuedAt.timeIntervalSince1970)
      json.member("iss", issuer)
      json.member("sub", facts.user.id.description)
      json.member("aud", facts.resource ?? issuer)
      json.member("exp", issuedAt + facts.application.accessTokenTTL)
      json.member("iat", issuedAt)
      json.member("jti", facts.refreshToken.accessTokenID)
      json.member("auth_time", Int(facts.authTime.timeIntervalSince1970))
      if let session = facts.session { json.member("sid", session.description) }
      json.member("client_id", facts.clientID)
      json.member("scope", facts.scope.text)
      json.member("amr", facts.amr)
      if let key = facts.keyThumbprint { json.confirmation(key) }
    }
  }

  private func idClaims(
    _ facts: Facts, issuer: String, _ accessToken: [UInt8], _ algorithm: SigningAlgorithm
  ) -> [UInt8] {
    JSONWriter.object(capacity: 800) { json in
      let issuedAt = Int(facts.issuedAt.timeIntervalSince1970)
      json.member("iss", issuer)
      json.member("sub", facts.user.id.description)
      json.member("aud", facts.clientID)
      json.member("exp", issuedAt + facts.application.idTokenTTL)
      json.member("iat", issuedAt)
      json.member("jti", facts.refreshToken.accessTokenID + ".id")
      json.member("auth_time", Int(facts.authTime.timeIntervalSince1970))
      if let session = facts.session { json.member("sid", session.description) }
      json.member("client_id", facts.clientID)
      json.member("amr", facts.amr)
      json.member("acr", AuthenticationContext.acr(of: facts.amr))
      if let nonce = facts.nonce { json.member("nonce", nonce) }
      // OpenID Connect Core section 3.1.3.6 takes the hash of the algorithm; EdDSA names none.
      if algorithm != .edDSA { json.member("at_hash", Base64URL.string(Digest.sha256(accessToken)[..<16])) }
      let scope = facts.withUserClaims ? facts.scope : Scope([])
      UserClaims.write(facts.user, scope: scope, names: facts.idTokenClaims, to: &json)
    }
  }

  func sign(
    _ claims: [UInt8], with key: SigningKey, as type: SigningKey.TokenType
  ) throws(IdentityFault) -> [UInt8] {
    do {
      return try key.sign(claims, as: type)
    } catch {
      throw .cryptography("signing with \(key.algorithm.rawValue)")
    }
  }
}

/// The tokens of one answer.
public struct IssuedTokens: Sendable {
  /// A compact JWS, ASCII.
  let accessToken: [UInt8]
  /// Seconds the access token lives.
  let expiresIn: Int
  /// A compact JWS, ASCII; with scope `openid`.
  let idToken: [UInt8]?
  /// Opaque; for users only.
  let refreshToken: String?
  /// What was granted.
  let scope: Scope
  /// True when the access token is bound to a key (RFC 9449 section 5).
  var isBound = false
  /// What the access token is, in answer to an exchange (RFC 8693 section 2.2.1).
  var issuedTokenType: String?

  /// Writes the members of a token response (RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3).
  public func write(to json: inout JSONWriter) {
    json.member("token_type", isBound ? "DPoP" : "Bearer")
    json.key("access_token")
    json.ascii(accessToken)
    json.member("expires_in", expiresIn)
    if let idToken {
      json.key("id_token")
      json.ascii(idToken)
    }
    if let refreshToken { json.member("refresh_token", refreshToken) }
    if let issuedTokenType { json.member("issued_token_type", issuedTokenType) }
    json.member("scope", scope.text)
  }
}

extension JSONWriter {
  /// Writes the member `cnf` of a token that is bound to a key (RFC 7800 section 3.1, RFC 9449 section 6.1).
  public mutating func confirmation(_ thumbprint: String) {
    key("cnf")
    beginObject()
    member("jkt", thumbprint)
    endObject()
  }
}
