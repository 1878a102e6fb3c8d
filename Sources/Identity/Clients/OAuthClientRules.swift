import JSON
import OAuth

/// Which metadata fits which type of client (contract section 7; RFC 8252, RFC 9700).
public struct OAuthClientRules: Sendable {
  private let isProduction: Bool

  /// Rules; in production nothing of ours calls a loopback address.
  public init(isProduction: Bool) { self.isProduction = isProduction }

  /// Everything that is wrong with `settings` for a client of `type`.
  public func faults(_ settings: OAuthClientSettings, _ type: OAuthClientType) -> [FieldRefusal] {
    addresses(settings, type) + grants(settings, type) + authentication(settings, type)
  }

  private func addresses(_ settings: OAuthClientSettings, _ type: OAuthClientType) -> [FieldRefusal] {
    var faults: [FieldRefusal] = []
    for (field, uris) in [
      ("redirect_uris", settings.redirectURIs), ("post_logout_redirect_uris", settings.postLogoutRedirectURIs),
    ] {
      for (index, uri) in uris.enumerated() where !Self.isRedirectURI(uri, type) {
        let more = type == .native ? ", or a custom scheme" : ""
        let detail = "must be an https URI, or http on a loopback address\(more), without a fragment"
        faults.append(FieldRefusal("\(field)/\(index)", detail))
      }
    }
    for (field, uri) in [("backchannel_logout_uri", settings.backchannelLogoutURI), ("jwks_uri", settings.jwksURI)] {
      if let uri, !isCalled(uri) {
        let detail =
          isProduction ? "must be an https URL, not on a loopback address" : "must be an https URL, or on loopback"
        faults.append(FieldRefusal(field, detail))
      }
    }
    return faults
  }

  private func grants(_ settings: OAuthClientSettings, _ type: OAuthClientType) -> [FieldRefusal] {
    var faults: [FieldRefusal] = []
    let grants = Set(settings.grants)
    if type == .service, !grants.isSubset(of: [.clientCredentials, .tokenExchange]) {
      faults.append(FieldRefusal("grant_types", "a service has client_credentials and token-exchange only"))
    }
    if type != .service, settings.authMethod == .none, grants.contains(.clientCredentials) {
      faults.append(FieldRefusal("grant_types", "client_credentials needs a client that authenticates"))
    }
    if settings.authMethod == .none, grants.contains(.tokenExchange) {
      faults.append(FieldRefusal("grant_types", "token-exchange needs a client that authenticates"))
    }
    if grants.contains(.deviceCode), type == .spa {
      faults.append(FieldRefusal("grant_types", "device_code is for what has no browser (RFC 8628): native or web"))
    }
    if grants == [.refreshToken] {
      faults.append(FieldRefusal("grant_types", "refresh_token needs a grant that begins"))
    }
    if grants.contains(.authorizationCode), type != .service, settings.redirectURIs.isEmpty {
      faults.append(FieldRefusal("redirect_uris", "authorization_code needs at least one"))
    }
    if type == .service, !settings.redirectURIs.isEmpty || !settings.postLogoutRedirectURIs.isEmpty {
      faults.append(FieldRefusal("redirect_uris", "a service has none, here and after logout"))
    }
    return faults
  }

  private func authentication(_ settings: OAuthClientSettings, _ type: OAuthClientType) -> [FieldRefusal] {
    var faults: [FieldRefusal] = []
    let method = settings.authMethod
    if type == .spa || type == .native, method != .none {
      faults.append(FieldRefusal("token_endpoint_auth_method", "must be none: this type cannot keep a secret"))
    }
    if type == .service, method == .none {
      faults.append(FieldRefusal("token_endpoint_auth_method", "a service must authenticate"))
    }
    if settings.jwks != nil, settings.jwksURI != nil {
      faults.append(FieldRefusal("jwks_uri", "give jwks or jwks_uri, not both"))
    }
    if method == .privateKeyJWT, settings.jwks == nil, settings.jwksURI == nil {
      faults.append(FieldRefusal("jwks", "private_key_jwt needs jwks or jwks_uri"))
    }
    if let jwks = settings.jwks, !Self.isPublicKeySet(jwks) {
      faults.append(FieldRefusal("jwks", "must hold keys, an array of public keys (RFC 7517), none of them private"))
    }
    return faults
  }

  /// True for what `type` may be sent back to.
  static func isRedirectURI(_ text: String, _ type: OAuthClientType) -> Bool {
    guard let address = WebAddress(text), !address.hasFragment else { return false }
    switch address.scheme {
    case "https": return true
    case "http": return address.isLoopback
    // A browser would run these instead of leaving for another app.
    case "javascript", "data", "vbscript", "file", "about", "blob", "ws", "wss", "ftp", "filesystem", "view-source":
      return false
    default: return type == .native
    }
  }

  private func isCalled(_ text: String) -> Bool {
    guard let address = WebAddress(text), !address.hasFragment else { return false }
    if address.isLoopback { return !isProduction && (address.scheme == "https" || address.scheme == "http") }
    return address.scheme == "https"
  }

  /// RFC 7517 section 5; a private or symmetric key that was sent by mistake is refused, not stored.
  private static func isPublicKeySet(_ jwks: JSONObject) -> Bool {
    guard let keys = jwks["keys"]?.array, (1...20).contains(keys.count) else { return false }
    return keys.allSatisfy { key in
      guard let key = key.object, let type = key["kty"]?.string, ["RSA", "EC", "OKP"].contains(type) else {
        return false
      }
      return ["d", "p", "q", "dp", "dq", "qi", "k"].allSatisfy { key[$0] == nil }
    }
  }
}
