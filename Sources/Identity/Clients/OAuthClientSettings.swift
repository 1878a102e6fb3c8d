import JSON

/// What kind of app an OAuth client is; fixed when it is made.
public enum OAuthClientType: String, Sendable, CaseIterable {
  /// Runs in a browser and cannot keep a secret.
  case spa
  /// Runs on a device and cannot keep a secret.
  case native
  /// Runs on a server and signs users in.
  case web
  /// Acts for itself.
  case service
}

/// How a client authenticates at the token endpoint (RFC 7591 section 2, OpenID Connect Core section 9).
public enum ClientAuthMethod: String, Sendable, CaseIterable {
  /// It does not: a public client.
  case none
  /// HTTP Basic (RFC 6749 section 2.3.1).
  case clientSecretBasic = "client_secret_basic"
  /// In the form (RFC 6749 section 2.3.1).
  case clientSecretPost = "client_secret_post"
  /// A signed assertion (RFC 7523).
  case privateKeyJWT = "private_key_jwt"

  /// True when it needs a `client_secret`.
  public var hasSecret: Bool { self == .clientSecretBasic || self == .clientSecretPost }
}

/// A grant that a client may be registered for.
public enum ClientGrant: String, Sendable, CaseIterable {
  /// RFC 6749 section 4.1.
  case authorizationCode = "authorization_code"
  /// RFC 6749 section 6.
  case refreshToken = "refresh_token"
  /// RFC 6749 section 4.4.
  case clientCredentials = "client_credentials"
  /// RFC 8693.
  case tokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
  /// RFC 8628.
  case deviceCode = "urn:ietf:params:oauth:grant-type:device_code"
}

/// The metadata of an OAuth client (RFC 7591 section 2).
public struct OAuthClientSettings: Sendable {
  /// For people.
  public var name: String
  /// Where authorization responses may go, compared byte by byte.
  public var redirectURIs: [String] = []
  /// Where a browser may go after logout.
  public var postLogoutRedirectURIs: [String] = []
  /// Who is told of a logout (OpenID Connect Back-Channel Logout).
  public var backchannelLogoutURI: String?
  /// The grants it may use.
  public var grants: [ClientGrant]
  /// How it authenticates.
  public var authMethod: ClientAuthMethod
  /// Its public keys (RFC 7517 section 5).
  public var jwks: JSONObject?
  /// Where its public keys are.
  public var jwksURI: String?
  /// Whether it must push its requests (RFC 9126).
  public var requiresPAR = false
  /// Whether users are asked.
  public var requiresConsent = true
  /// What it may ask for.
  public var scopes: [String]
  /// Whether its tokens must be bound to a key (RFC 9449 section 5.2).
  public var requiresDPoP = false

  /// Settings as a client of `type` has them by default.
  public init(_ type: OAuthClientType, name: String) {
    self.name = name
    grants = type == .service ? [.clientCredentials] : [.authorizationCode, .refreshToken]
    authMethod = type == .spa || type == .native ? .none : .clientSecretBasic
    scopes = type == .service ? [] : ["openid", "profile"]
  }
}

/// A patch of the metadata; what is `nil` or kept stays.
public struct OAuthClientChange: Sendable {
  /// For people.
  public var name: String?
  /// All of them.
  public var redirectURIs: [String]?
  /// All of them.
  public var postLogoutRedirectURIs: [String]?
  /// Who is told of a logout.
  public var backchannelLogoutURI: FieldChange<String> = .keep
  /// All of them.
  public var grants: [ClientGrant]?
  /// How it authenticates.
  public var authMethod: ClientAuthMethod?
  /// Its public keys.
  public var jwks: FieldChange<JSONObject> = .keep
  /// Where its public keys are.
  public var jwksURI: FieldChange<String> = .keep
  /// Whether it must push its requests.
  public var requiresPAR: Bool?
  /// Whether users are asked.
  public var requiresConsent: Bool?
  /// What it may ask for.
  public var scopes: [String]?
  /// Whether its tokens must be bound to a key.
  public var requiresDPoP: Bool?

  /// No change.
  public init() {}

  /// The settings with the change.
  func applied(to settings: OAuthClientSettings) -> OAuthClientSettings {
    var settings = settings
    settings.name = name ?? settings.name
    settings.redirectURIs = redirectURIs ?? settings.redirectURIs
    settings.postLogoutRedirectURIs = postLogoutRedirectURIs ?? settings.postLogoutRedirectURIs
    settings.backchannelLogoutURI = backchannelLogoutURI.applied(to: settings.backchannelLogoutURI)
    settings.grants = grants ?? settings.grants
    settings.authMethod = authMethod ?? settings.authMethod
    settings.jwks = jwks.applied(to: settings.jwks)
    settings.jwksURI = jwksURI.applied(to: settings.jwksURI)
    settings.requiresPAR = requiresPAR ?? settings.requiresPAR
    settings.requiresConsent = requiresConsent ?? settings.requiresConsent
    settings.scopes = scopes ?? settings.scopes
    settings.requiresDPoP = requiresDPoP ?? settings.requiresDPoP
    return settings
  }
}
