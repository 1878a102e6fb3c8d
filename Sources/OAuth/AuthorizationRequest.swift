/// A checked authorization request of the code flow (RFC 6749 section 4.1.1, OpenID Connect Core section 3.1.2.1).
public struct AuthorizationRequest: Sendable {
  /// What `prompt` may ask for.
  public enum Prompt: String, Sendable, CaseIterable {
    /// No page at all.
    case none
    /// A fresh sign-in.
    case login
    /// A fresh question for consent.
    case consent
    /// A choice of the account, here the sign-in page.
    case selectAccount = "select_account"
  }

  /// The parameters as they came, unknown ones too.
  public let fields: [String: String]
  /// `redirect_uri`
  public let redirectURI: String
  /// What is asked for, as far as it can be granted.
  public let scope: Scope
  /// `nonce`
  public let nonce: String?
  /// `code_challenge` of the method `S256`
  public let codeChallenge: String?
  /// `prompt`
  public let prompts: Set<Prompt>
  /// `max_age` in seconds.
  public let maxAge: Int?
  /// `dpop_jkt`: the thumbprint of the key that the code is bound to (RFC 9449 section 10)
  public let keyThumbprint: String?
  /// `resource`: what the access token is to be for (RFC 8707 section 2)
  public let resource: String?
  /// `id_token_hint`
  public let idTokenHint: String?

  /// The longest value that is taken, in bytes; a longer one is refused, never cut.
  public static let longestValue = 4096

  /// Checks the parameters of a client whose redirect URI is trusted already.
  /// - Parameter mayBeOffline: true for a client that may refresh: only for it `offline_access` means something.
  /// - Throws: the error for the client (RFC 6749 section 4.1.2.1, OpenID Connect Core section 3.1.2.6).
  public init(_ fields: [String: String], isPublicClient: Bool, mayBeOffline: Bool) throws(OAuthError) {
    guard let redirectURI = fields["redirect_uri"] else {
      throw OAuthError(.invalidRequest, "redirect_uri is missing")
    }
    self.fields = fields
    self.redirectURI = redirectURI
    try Self.refuseUnsupported(fields)
    let prompts = try Self.prompts(fields["prompt"])
    scope = try Self.scope(fields["scope"], isOffline: mayBeOffline && prompts.contains(.consent))
    nonce = fields["nonce"]
    codeChallenge = try Self.challenge(fields, isRequired: isPublicClient)
    self.prompts = prompts
    maxAge = try Self.maxAge(fields["max_age"])
    idTokenHint = fields["id_token_hint"]
    resource = fields["resource"]
    keyThumbprint = fields["dpop_jkt"]
    // A thumbprint is base64url of SHA-256, as a challenge is.
    guard keyThumbprint.map(PKCE.isChallenge) ?? true else {
      throw OAuthError(.invalidRequest, "dpop_jkt must be the SHA-256 thumbprint of a key")
    }
  }

  /// How the response travels: `query`, unless the request names `form_post`.
  public static func usesFormPost(_ fields: [String: String]) -> Bool { fields["response_mode"] == "form_post" }

  private static func refuseUnsupported(_ fields: [String: String]) throws(OAuthError) {
    guard fields["request"] == nil else { throw OAuthError(.requestNotSupported, "request objects are not supported") }
    guard fields["request_uri"] == nil else {
      throw OAuthError(.requestURINotSupported, "request_uri by address is not supported")
    }
    guard fields["registration"] == nil else {
      throw OAuthError(.registrationNotSupported, "registration is not supported")
    }
    guard let type = fields["response_type"] else { throw OAuthError(.invalidRequest, "response_type is missing") }
    guard type == "code" else { throw OAuthError(.unsupportedResponseType, "the only response_type is code") }
    guard fields["response_mode"].map({ $0 == "query" || $0 == "form_post" }) ?? true else {
      throw OAuthError(.invalidRequest, "response_mode must be query or form_post")
    }
  }

  /// Without a question to the person `offline_access` is ignored (OpenID Connect Core section 11).
  private static func scope(_ text: String?, isOffline: Bool) throws(OAuthError) -> Scope {
    guard let scope = Scope(parsing: text ?? ""), !scope.tokens.isEmpty else {
      throw OAuthError(.invalidScope, "scope is missing or has characters that are not allowed")
    }
    return isOffline ? scope : Scope(scope.tokens.filter { $0 != Scope.offlineAccess })
  }

  private static func challenge(_ fields: [String: String], isRequired: Bool) throws(OAuthError) -> String? {
    guard let challenge = fields["code_challenge"] else {
      guard !isRequired else { throw OAuthError(.invalidRequest, "a public client must send code_challenge (PKCE)") }
      guard fields["code_challenge_method"] == nil else {
        throw OAuthError(.invalidRequest, "code_challenge_method stands without code_challenge")
      }
      return nil
    }
    guard fields["code_challenge_method"] == "S256", PKCE.isChallenge(challenge) else {
      throw OAuthError(.invalidRequest, "code_challenge must be of the method S256")
    }
    return challenge
  }

  private static func prompts(_ text: String?) throws(OAuthError) -> Set<Prompt> {
    let words = (text ?? "").split(separator: " ").map(String.init)
    let prompts = Set(words.compactMap(Prompt.init))
    guard prompts.count == Set(words).count else { throw OAuthError(.invalidRequest, "prompt has an unknown value") }
    guard !prompts.contains(.none) || prompts.count == 1 else {
      throw OAuthError(.invalidRequest, "prompt none stands alone")
    }
    return prompts
  }

  private static func maxAge(_ text: String?) throws(OAuthError) -> Int? {
    guard let text else { return nil }
    guard let seconds = Int(text), (0...1_000_000_000).contains(seconds) else {
      throw OAuthError(.invalidRequest, "max_age must be a whole number of seconds")
    }
    return seconds
  }
}
