import Federation
import FoundationEssentials
import OAuth
import Observability
import Query
import Secrets
import Tenancy

/// The authorization endpoint of the code flow and the interactions behind it (OpenID Connect Core section 3.1.2).
///
/// An error before client and redirect URI are trusted is thrown, for a page; every later one goes to the client, which a
/// tenant's administrator registered.
public struct Authorization: Sendable {
  let issuer: TokenIssuer
  let hints: IDTokenHints
  /// For who signs in by WeChat.
  let weChat: WeChatFederation
  let pages: any BrowserPages
  let now: @Sendable () -> Date

  /// An endpoint of the given parts.
  public init(
    issuer: TokenIssuer, hints: IDTokenHints, weChat: WeChatFederation, pages: any BrowserPages,
    now: @escaping @Sendable () -> Date
  ) {
    self.issuer = issuer
    self.hints = hints
    self.weChat = weChat
    self.pages = pages
    self.now = now
  }

  /// A browser at an issuer.
  public struct Visit: Sendable {
    let application: ID<IdentityApplication>
    let slug: String
    let issuer: String
    let cookie: OpaqueToken?
    let browserHash: [UInt8]
    let requestID: String

    /// A visit; `cookie` is the value of the session's cookie as it came, `browser` what binds interactions to the browser.
    public init(issuer: PublishedIssuer, cookie: Secret<String>?, browser: Secret<String>, requestID: String) {
      application = issuer.id
      slug = issuer.slug
      self.issuer = issuer.issuer
      self.cookie = cookie.flatMap { OpaqueToken($0.expose(), prefix: BrowserSession.prefix) }
      browserHash = Digest.sha256(browser.expose().utf8)
      self.requestID = requestID
    }
  }

  /// What a browser is to do next.
  public enum Outcome: Sendable {
    /// Go back to the client.
    case respond(AuthorizationResponse)
    /// Sign in, with the token of the interaction.
    case signIn(Secret<String>)
    /// Agree, with the token of the interaction.
    case consent(Secret<String>)
    /// Go on to the account page, where who began something there has shown that it is still them.
    case account(isConfirmed: Bool)
    /// Nothing more: a device was answered.
    case device(isAllowed: Bool)
  }

  /// The begin of a request.
  /// - Throws: `.oauth` for a page.
  public func begin(
    _ fields: [String: String], _ visit: Visit, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> Outcome {
    guard let client = fields["client_id"].flatMap({ UUID(canonical: $0) }) else { throw Self.unknownClient }
    let fields = try await effective(fields, of: client, visit, in: database)
    let outcome = try await begin(fields, of: client, visit, in: database)
    if case .respond = outcome { try await spend(pushed: fields, in: database) }
    return outcome
  }

  private func begin(
    _ fields: [String: String], of client: UUID, _ visit: Visit, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> Outcome {
    let (found, redirectURI) = try await trusted(client, fields, visit, in: database)
    let request: AuthorizationRequest
    let subject: String?
    do {
      request = try found.registration.request(fields)
      subject = try await self.subject(of: request, found, visit, in: database)
    } catch let error as OAuthError {
      return .respond(respond(error, fields, redirectURI, visit))
    } catch let refusal as OAuthRefusal {
      throw refusal
    } catch {
      throw .fault(.cryptography("id_token_hint"))
    }
    let session = found.session.flatMap { isFresh($0, for: request, found, subject) ? $0 : nil }
    let needsConsent = found.needsConsent(request)
    if request.prompts.contains(.none) {
      guard session != nil else { return .respond(respond(Self.loginRequired, fields, redirectURI, visit)) }
      guard !needsConsent else { return .respond(respond(Self.consentRequired, fields, redirectURI, visit)) }
    }
    if let session, !needsConsent {
      let code = AuthorizationCode.make()
      let issue = IssueCode(
        code: code, client: found.id, session: session.id, request: request, claims: found.claims(request).claims)
      if try await run(issue, in: database).first != nil {
        return .respond(respond(code, request, visit))
      }
      // It ended between the two statements; without pages there is no way on.
      guard !request.prompts.contains(.none) else {
        return .respond(respond(Self.loginRequired, fields, redirectURI, visit))
      }
    }
    let token = OpaqueToken.make(prefix: Interaction.prefix)
    let store = StoreInteraction(
      token: token, application: visit.application, client: found.id, browserHash: visit.browserHash,
      session: session?.id, fields: fields)
    _ = try await run(store, in: database)
    return session == nil ? .signIn(token.text) : .consent(token.text)
  }

  /// The client and its redirect URI, as far as a response may go there.
  func trusted(
    _ client: UUID, _ fields: [String: String], _ visit: Visit, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> (client: AuthorizingClient, redirectURI: String) {
    let find = FindAuthorizingClient(client: client, application: visit.application, cookie: visit.cookie)
    guard let found = try await run(find, in: database).first else { throw Self.unknownClient }
    guard !found.requiresPAR || fields[PushedRequest.field] != nil else {
      throw .oauth(OAuthError(.invalidRequest, "this client must push its authorization requests"))
    }
    do {
      return (found, try found.registration.redirectURI(fields))
    } catch {
      throw .oauth(error)
    }
  }

  /// Who must be signed in, where an `id_token_hint` or the `claims` parameter says so.
  func subject(
    of request: AuthorizationRequest, _ client: AuthorizingClient, _ visit: Visit, in database: TenantDatabase
  ) async throws -> String? {
    let wanted = client.claims(request).subject
    guard let hint = request.idTokenHint else { return wanted }
    do {
      let claims = try await hints.claims(hint, application: visit.slug, in: database)
      guard let subject = claims?["sub"]?.string else {
        throw OAuthError(.invalidRequest, "id_token_hint is not an ID token of this issuer")
      }
      guard wanted == nil || wanted == subject else {
        throw OAuthError(.invalidRequest, "id_token_hint and claims name different people")
      }
      return subject
    } catch let fault as IdentityFault {
      throw OAuthRefusal.fault(fault)
    }
  }

  private func isFresh(
    _ session: BrowserSession, for request: AuthorizationRequest, _ client: AuthorizingClient, _ subject: String?
  ) -> Bool {
    guard request.prompts.isDisjoint(with: [.login, .selectAccount]) else { return false }
    guard subject == nil || subject == session.user.description else { return false }
    guard client.claims(request).admits(session.amr) else { return false }
    guard let maxAge = request.maxAge else { return true }
    return now().timeIntervalSince(session.authTime) <= Double(maxAge)
  }

  func respond(
    _ error: OAuthError, _ fields: [String: String], _ redirectURI: String, _ visit: Visit
  ) -> AuthorizationResponse {
    AuthorizationResponse(error: error, fields: fields, redirectURI: redirectURI, issuer: visit.issuer)
  }

  func respond(_ code: OpaqueToken, _ request: AuthorizationRequest, _ visit: Visit) -> AuthorizationResponse {
    AuthorizationResponse(
      code: code.text.expose(), fields: request.fields, redirectURI: request.redirectURI, issuer: visit.issuer)
  }

  func run<S: TenantStatement>(_ statement: S, in database: TenantDatabase) async throws(OAuthRefusal) -> [S.Output] {
    do {
      return try await database.run(statement)
    } catch {
      throw .fault(.database(error))
    }
  }

  static let loginRequired = OAuthError(.loginRequired, "nobody is signed in who fits the request")
  private static let consentRequired = OAuthError(.consentRequired, "the user has not agreed to this scope")
  private static let unknownClient = OAuthRefusal.oauth(
    OAuthError(.invalidClient, "client_id is missing or not one of this issuer"))
}

extension BrowserSession {
  /// `qss_`, the session and 32 random bytes: the value of the cookie.
  static let prefix = "qss"
}
