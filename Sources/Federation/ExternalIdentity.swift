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

  /// A person.
  public init(openid: String, unionid: String?, sessionKey: Secret<String>?) {
    self.openid = openid
    self.unionid = unionid
    self.sessionKey = sessionKey
  }
}

/// A phone number the provider verified.
public struct VerifiedPhone: Sendable, Equatable {
  /// E.164, such as `+8613800138000`.
  public let e164: String

  /// A number.
  public init(e164: String) {
    self.e164 = e164
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
