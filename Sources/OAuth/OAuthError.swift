/// An error of an OAuth endpoint (RFC 6749 section 5.2, RFC 6750 section 3.1).
public struct OAuthError: Error, Sendable, Equatable {
  /// The fixed list of error codes.
  public enum Code: String, Sendable {
    /// A parameter is missing, malformed, unsupported or given twice.
    case invalidRequest = "invalid_request"
    /// The client is unknown or did not authenticate.
    case invalidClient = "invalid_client"
    /// The grant is invalid, expired, revoked or another client's.
    case invalidGrant = "invalid_grant"
    /// The client may not use this grant type.
    case unauthorizedClient = "unauthorized_client"
    /// The server does not know this grant type.
    case unsupportedGrantType = "unsupported_grant_type"
    /// The scope is unknown or wider than granted.
    case invalidScope = "invalid_scope"
    /// The access token is expired, revoked or malformed (RFC 6750).
    case invalidToken = "invalid_token"
    /// The access token does not reach this far (RFC 6750).
    case insufficientScope = "insufficient_scope"
    /// Something broke on our side (RFC 6749 section 4.1.2.1).
    case serverError = "server_error"
    /// The redirect URI is missing or not registered: for a page, because nobody may be sent there (RFC 7591 section 3.2.2).
    case invalidRedirectURI = "invalid_redirect_uri"
    /// The service cannot answer now.
    case temporarilyUnavailable = "temporarily_unavailable"
    /// The token type hint cannot be served (RFC 7009).
    case unsupportedTokenType = "unsupported_token_type"
    /// The resource is unknown (RFC 8707).
    case invalidTarget = "invalid_target"
    /// The response type is not offered (RFC 6749 section 4.1.2.1).
    case unsupportedResponseType = "unsupported_response_type"
    /// The user or the server said no (RFC 6749 section 4.1.2.1).
    case accessDenied = "access_denied"
    /// Somebody must sign in, and no page may be shown (OpenID Connect Core section 3.1.2.6).
    case loginRequired = "login_required"
    /// The sign-in is not of the class that was demanded (OpenID Connect Core Error Code unmet_authentication_requirements 1.0).
    case unmetAuthenticationRequirements = "unmet_authentication_requirements"
    /// The user must be asked, and no page may be shown (OpenID Connect Core section 3.1.2.6).
    case consentRequired = "consent_required"
    /// Nobody has answered for the device yet (RFC 8628 section 3.5).
    case authorizationPending = "authorization_pending"
    /// The device polls too often (RFC 8628 section 3.5).
    case slowDown = "slow_down"
    /// The device code is too old (RFC 8628 section 3.5).
    case expiredToken = "expired_token"
    /// The DPoP proof does not fit, or was used before (RFC 9449 section 5).
    case invalidDPoPProof = "invalid_dpop_proof"
    /// The DPoP proof needs the nonce in `DPoP-Nonce` (RFC 9449 section 8).
    case useDPoPNonce = "use_dpop_nonce"
    /// Request objects are not supported (OpenID Connect Core section 3.1.2.6).
    case requestNotSupported = "request_not_supported"
    /// `request_uri` is not supported (OpenID Connect Core section 3.1.2.6).
    case requestURINotSupported = "request_uri_not_supported"
    /// `request_uri` names no pushed request that this client may use (OpenID Connect Core section 3.1.2.6, RFC 9126 section 4).
    case invalidRequestURI = "invalid_request_uri"
    /// `registration` is not supported (OpenID Connect Core section 3.1.2.6).
    case registrationNotSupported = "registration_not_supported"
  }

  /// The code.
  public let code: Code
  /// For the developer of the client: what is wrong and what to do; ASCII without `"` and `\` (RFC 6749 appendix A.8).
  public let description: String

  /// An error with a description.
  public init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }
}
