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
