import Observability

/// Authenticates persons by the code of a miniapp's login.
public protocol MiniappProvider: Sendable {
  /// Exchanges a one-time code.
  /// - Throws: `ProviderFailure`.
  func authenticate(
    code: String, credentials: AppCredentials
  ) async throws(ProviderFailure) -> AuthenticatedPerson
}

/// Tells phone numbers by the code of a button.
public protocol PhoneProvider: Sendable {
  /// Exchanges a one-time phone code of this very person.
  /// - Throws: `ProviderFailure`.
  func phoneNumber(
    code: String, openid: String, appID: String, token: Secret<String>
  ) async throws(ProviderFailure) -> VerifiedPhone
}

/// Gives app-level access tokens.
public protocol AppTokenProvider: Sendable {
  /// The current token of an app, or a new one.
  /// - Throws: `ProviderFailure`.
  func appToken(for credentials: AppCredentials) async throws(ProviderFailure) -> AppToken
}

/// Authenticates persons by the code a browser or an app brings back, and reads their profiles.
public protocol WebProvider: Sendable {
  /// Exchanges a one-time code; the person carries the grant.
  /// - Throws: `ProviderFailure`.
  func exchange(code: String, credentials: AppCredentials) async throws(ProviderFailure) -> AuthenticatedPerson

  /// Renews a grant; what comes back replaces the old one.
  /// - Throws: `ProviderFailure`; with `relogin` the grant is dead.
  func refresh(_ token: Secret<String>, appID: String) async throws(ProviderFailure) -> AuthenticatedPerson

  /// The profile of a person this server authenticated itself: the answer does not say which app the token is of.
  /// - Throws: `ProviderFailure`.
  func profile(
    openid: String, appID: String, accessToken: Secret<String>
  ) async throws(ProviderFailure) -> PersonProfile
}
