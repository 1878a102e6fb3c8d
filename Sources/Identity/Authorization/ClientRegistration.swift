import OAuth

/// What a request for authorization is held to.
struct ClientRegistration: Sendable {
  /// `spa`, `native`, `web` or `service`.
  let type: String
  let redirectURIs: [String]
  let grantTypes: [String]
  let scopes: [String]
  /// What its access tokens may be for besides the issuer itself.
  let resources: [String]
  /// True for a client that does not authenticate.
  let isPublic: Bool

  /// The `redirect_uri` of a request, where it is registered and no value is too long to be taken whole.
  /// - Parameter refusal: the code for one that is not registered: what a page calls it, unless a client is told by itself.
  /// - Throws: `refusal`, `invalid_request`.
  func redirectURI(
    _ fields: [String: String], refusal: OAuthError.Code = .invalidRedirectURI
  ) throws(OAuthError) -> String {
    guard let redirectURI = fields["redirect_uri"],
      RedirectURI.isRegistered(redirectURI, among: redirectURIs, isNative: type == "native")
    else {
      throw OAuthError(refusal, "redirect_uri is missing or not registered for this client")
    }
    guard fields.values.allSatisfy({ $0.utf8.count <= AuthorizationRequest.longestValue }) else {
      throw OAuthError(.invalidRequest, "a parameter is too long")
    }
    return redirectURI
  }

  /// The request, checked by itself and against what the client is registered for.
  /// - Throws: the error for the client.
  func request(_ fields: [String: String]) throws(OAuthError) -> AuthorizationRequest {
    let request = try AuthorizationRequest(
      fields, isPublicClient: isPublic, mayBeOffline: grantTypes.contains(GrantType.refreshToken.rawValue))
    guard grantTypes.contains(GrantType.authorizationCode.rawValue) else {
      throw OAuthError(.unauthorizedClient, "this client is not registered for authorization_code")
    }
    guard Scope(scopes).covers(request.scope) else {
      throw OAuthError(.invalidScope, "the scope is wider than what the client is registered for")
    }
    _ = try ClaimsRequest(fields["claims"], within: scopes)
    try admit(resource: request.resource)
    return request
  }

  /// Refuses a `resource` that the application does not name; several at once are none of them (RFC 8707 section 2).
  /// - Throws: `invalid_target`.
  func admit(resource: String?) throws(OAuthError) {
    guard let resource, !resources.contains(where: { $0.utf8.elementsEqual(resource.utf8) }) else { return }
    throw OAuthError(.invalidTarget, "resource must be one of the resources of the identity application, and only one")
  }
}

extension AuthorizingClient {
  var registration: ClientRegistration {
    ClientRegistration(
      type: type, redirectURIs: redirectURIs, grantTypes: grantTypes, scopes: scopes, resources: resources,
      isPublic: isPublic)
  }

  /// What the `claims` parameter of a checked request asks for.
  func claims(_ request: AuthorizationRequest) -> ClaimsRequest {
    // It was read once when the request was checked, and threw there if it can at all.
    (try? ClaimsRequest(request.fields["claims"], within: scopes)) ?? ClaimsRequest.none
  }

  /// What the person agrees to: the scope, and the scopes that stand for single claims.
  func agreement(_ request: AuthorizationRequest) -> Scope {
    Scope(request.scope.tokens + claims(request).scopes)
  }
}

extension AuthenticatedClient {
  var registration: ClientRegistration {
    ClientRegistration(
      type: type, redirectURIs: redirectURIs, grantTypes: grantTypes, scopes: scopes, resources: resources,
      isPublic: authMethod == "none")
  }
}
