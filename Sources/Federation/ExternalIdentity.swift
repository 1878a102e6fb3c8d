import Observability

/// The credentials of one app at a provider.
public struct AppCredentials: Sendable {
  /// The app, for example WeChat's AppID.
  public let appID: String
  /// Its secret.
  public let secret: Secret<String>

  /// Credentials.
  public init(appID: String, secret: Secret<String>) {
    self.appID = appID
    self.secret = secret
  }
}

/// A person whom a provider authenticated for one app.
public struct AuthenticatedPerson: Sendable {
  /// The person inside the app.
  public let openid: String
  /// The person inside the app's Open Platform account, where the provider says so.
  public let unionid: String?
  /// Proves later statements about the person; never leaves the server.
  public let sessionKey: Secret<String>?
  /// What the person's profile is read with, after a login in a browser or an app.
  public let oauthToken: OAuthUserToken?
  /// True for a virtual person behind a page in WeChat's snapshot mode, who must never become or join an account.
  public let isSnapshotUser: Bool

  /// A person.
  public init(
    openid: String, unionid: String?, sessionKey: Secret<String>?, oauthToken: OAuthUserToken? = nil,
    isSnapshotUser: Bool = false
  ) {
    self.openid = openid
    self.unionid = unionid
    self.sessionKey = sessionKey
    self.oauthToken = oauthToken
    self.isSnapshotUser = isSnapshotUser
  }
}

/// What a person granted an app at a provider.
public struct OAuthUserToken: Sendable {
  /// Reads the person's profile.
  public let access: Secret<String>
  /// Renews the access token.
  public let refresh: Secret<String>?
  /// How long the access token lives.
  public let expiresIn: Duration
  /// The granted scopes, as the provider spells them.
  public let scope: String

  /// A grant.
  public init(access: Secret<String>, refresh: Secret<String>?, expiresIn: Duration, scope: String) {
    self.access = access
    self.refresh = refresh
    self.expiresIn = expiresIn
    self.scope = scope
  }
}

/// What a provider shows of a person: display data the person chose, of which nothing is verified.
public struct PersonProfile: Sendable, Equatable {
  /// The person inside the app's Open Platform account.
  public var unionid: String?
  /// The name the person goes by.
  public var nickname: String?
  /// Where the picture is; dies when the person changes it.
  public var avatarURL: String?
  /// 1 male, 2 female, as the provider writes it.
  public var sex: Int?
  /// The city.
  public var city: String?
  /// The province.
  public var province: String?
  /// The country.
  public var country: String?
  /// Every text and number of the answer by the provider's own name, for a property map.
  public var raw: [String: String]

  /// A profile.
  public init(
    unionid: String? = nil, nickname: String? = nil, avatarURL: String? = nil, sex: Int? = nil, city: String? = nil,
    province: String? = nil, country: String? = nil, raw: [String: String] = [:]
  ) {
    self.unionid = unionid
    self.nickname = nickname
    self.avatarURL = avatarURL
    self.sex = sex
    self.city = city
    self.province = province
    self.country = country
    self.raw = raw
  }
}

/// A phone number the provider verified.
public struct VerifiedPhone: Sendable, Equatable {
  /// E.164, such as `+8613800138000`.
  public let e164: String
  /// The country's calling code, digits only, where the provider tells it apart.
  public let countryCode: String?
  /// The number without the country's code, digits only, where the provider tells it apart.
  public let pureNumber: String?

  /// A number.
  public init(e164: String, countryCode: String? = nil, pureNumber: String? = nil) {
    self.e164 = e164
    self.countryCode = countryCode
    self.pureNumber = pureNumber
  }
}

/// An app-level access token.
public struct AppToken: Sendable {
  /// The token.
  public let value: Secret<String>
  /// How long the provider says it lives.
  public let expiresIn: Duration

  /// A token.
  public init(value: Secret<String>, expiresIn: Duration) {
    self.value = value
    self.expiresIn = expiresIn
  }
}
