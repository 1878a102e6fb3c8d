/// An authorization response on its way to the client (RFC 6749 section 4.1.2, RFC 9207).
public struct AuthorizationResponse: Sendable {
  /// Where it goes; registered.
  public let redirectURI: String
  /// True for `response_mode=form_post` (OAuth 2.0 Form Post Response Mode), else it travels in the query.
  public let usesFormPost: Bool
  /// Names and values.
  public let parameters: [(name: String, value: String)]

  /// A response with a code.
  public init(code: String, fields: [String: String], redirectURI: String, issuer: String) {
    self.init([("code", code)], fields, redirectURI, issuer)
  }

  /// A response with an error.
  public init(error: OAuthError, fields: [String: String], redirectURI: String, issuer: String) {
    self.init([("error", error.code.rawValue), ("error_description", error.description)], fields, redirectURI, issuer)
  }

  private init(
    _ own: [(name: String, value: String)], _ fields: [String: String], _ redirectURI: String, _ issuer: String
  ) {
    self.redirectURI = redirectURI
    usesFormPost = AuthorizationRequest.usesFormPost(fields)
    let state = fields["state"].map { [(name: "state", value: $0)] } ?? []
    parameters = own + state + [("iss", issuer)]
  }

  /// The redirect URI with the parameters behind its own query.
  public var location: String {
    let query = parameters.map { "\($0.name)=\(PercentEncoding.encode($0.value))" }.joined(separator: "&")
    let joint = !redirectURI.contains("?") ? "?" : redirectURI.hasSuffix("?") || redirectURI.hasSuffix("&") ? "" : "&"
    return redirectURI + joint + query
  }
}
