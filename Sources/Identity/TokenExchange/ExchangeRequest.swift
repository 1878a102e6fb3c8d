import OAuth

/// The parameters of a token exchange (RFC 8693 section 2.1), as far as they can be judged alone.
struct ExchangeRequest: Sendable {
  /// The one type of token that is taken and given (RFC 8693 section 3).
  static let accessTokenType = "urn:ietf:params:oauth:token-type:access_token"

  let subjectToken: String
  let actorToken: String?
  /// `audience` or `resource`, which are the same thing here: a resource of the identity application, or the issuer.
  let target: String?

  /// Reads the fields of a request.
  /// - Throws: `invalid_request`, `invalid_target`.
  init(_ fields: [String: String]) throws(OAuthError) {
    guard let subject = fields["subject_token"] else {
      throw OAuthError(.invalidRequest, "subject_token is missing")
    }
    guard fields["subject_token_type"] == Self.accessTokenType else {
      throw OAuthError(.invalidRequest, "subject_token_type must be \(Self.accessTokenType)")
    }
    guard fields["requested_token_type"].map({ $0 == Self.accessTokenType }) ?? true else {
      throw OAuthError(.invalidRequest, "requested_token_type must be \(Self.accessTokenType)")
    }
    switch (fields["actor_token"], fields["actor_token_type"]) {
    case (nil, nil), (.some, Self.accessTokenType): actorToken = fields["actor_token"]
    case (nil, .some): throw OAuthError(.invalidRequest, "actor_token_type stands without actor_token")
    default: throw OAuthError(.invalidRequest, "actor_token_type must be \(Self.accessTokenType)")
    }
    target = fields["audience"] ?? fields["resource"]
    guard fields["resource"] == nil || fields["resource"] == target else {
      throw OAuthError(.invalidTarget, "audience and resource must name the same")
    }
    subjectToken = subject
  }
}
