import OAuth

/// What a request for authorization is held to.
struct ClientRegistration: Sendable {
  /// `spa`, `native`, `web` or `service`.
  let type: String
  let redirectURIs: [String]
  let grantTypes: [String]
  let scopes: [String]
  /// True for a client that does not authenticate.
  let isPublic: Bool

  /// The `redirect_uri` of a request, where it is registered and no value is too long to be taken whole.
  /// - Throws: `invalid_request`.
  func redirectURI(_ fields: [String: String]) throws(OAuthError) -> String {
    guard let redirectURI = fields["redirect_uri"],
      RedirectURI.isRegistered(redirectURI, among: redirectURIs, isNative: type == "native")
    else {
      throw OAuthError(.invalidRequest, "redirect_uri is missing or not registered for this client")
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
    return request
  }
}

extension AuthorizingClient {
  var registration: ClientRegistration {
    ClientRegistration(
      type: type, redirectURIs: redirectURIs, grantTypes: grantTypes, scopes: scopes, isPublic: isPublic)
  }
}

extension AuthenticatedClient {
  var registration: ClientRegistration {
    ClientRegistration(
      type: type, redirectURIs: redirectURIs, grantTypes: grantTypes, scopes: scopes, isPublic: authMethod == "none")
  }
}
