import FoundationEssentials
import OAuth
import Observability
import Query
import Secrets
import Tenancy

extension Authorization {
  /// The live interaction of a form token, if it belongs to this browser.
  /// - Throws: `.oauth` for a page: unknown, used, expired, or another browser's.
  public func interaction(
    _ token: String?, _ visit: Visit, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> Interaction {
    guard let opaque = token.flatMap({ OpaqueToken($0, prefix: Interaction.prefix) }) else { throw Self.lost }
    let find = FindInteraction(
      token: opaque, browserHash: visit.browserHash, application: visit.application, cookie: visit.cookie)
    return try Self.interaction(opaque, try await run(find, in: database).first, visit)
  }

  /// What was found for the token of an interaction.
  static func interaction(
    _ opaque: OpaqueToken, _ found: FindInteraction.Output?, _ visit: Visit
  ) throws(OAuthRefusal) -> Interaction {
    guard let found else { throw lost }
    return Interaction(
      token: opaque.text, fields: found.fields, clientName: found.clientName, opaque: opaque,
      browserHash: visit.browserHash, client: found.client, answeredBy: found.answeredBy, userName: found.userName,
      onlyUser: found.onlyUser,
      ticketSealed: found.ticketSealed, clientScopes: found.clientScopes, device: found.device, first: found.first)
  }

  /// Signs in with a password for an interaction.
  /// - Returns: how far they are; `nil` for a wrong name or password, a disabled user and a locked account alike.
  /// - Throws: `.oauth` with `temporarily_unavailable` when no more passwords can be checked, `.fault`.
  public func signIn(
    _ interaction: Interaction, username: String, password: Secret<String>, _ visit: Visit, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> Entrance? {
    let found: LocalSignIn.SignedIn
    do {
      found = try await LocalSignIn().signIn(
        username, password, application: visit.application, in: database, requestID: visit.requestID)
    } catch {
      switch error {
      case .wrongCredentials, .locked: return nil
      case .busy: throw .oauth(OAuthError(.temporarilyUnavailable, "too many people sign in just now"))
      case .fault(let fault): throw .fault(fault)
      }
    }
    return try await enter(interaction, user: found.user, amr: found.amr, visit, in: database)
  }

  /// How far somebody is who has shown who they are.
  public enum Entrance: Sendable {
    /// They are in: the value of the new session's cookie.
    case signedIn(Secret<String>)
    /// They owe a second factor, which they have or must enrol first.
    case secondFactor(isEnrolled: Bool)
  }

  /// Lets in whoever has shown who they are for an interaction, by whatever means, if nothing else is asked of them.
  ///
  /// The cookie is new each time. The same person goes on in the session the browser held; another person's ends.
  /// - Parameters:
  ///   - amr: how they did (RFC 8176).
  ///   - cookie: the session's cookie, where it was chosen before so that the same answer can be given again.
  ///   - hasSecondFactor: true when they have just shown the second factor behind the first.
  /// - Returns: how far they are; `nil` for a disabled user and for one who may not answer this interaction.
  /// - Throws: `.fault`.
  func enter(
    _ interaction: Interaction, user: ID<User>, amr: [String], cookie: OpaqueToken? = nil,
    hasSecondFactor: Bool = false, _ visit: Visit, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> Entrance? {
    let cookie = cookie ?? OpaqueToken.make(prefix: BrowserSession.prefix)
    let signIn = SignInBrowser(
      author: .user(user, requestID: visit.requestID), cookie: cookie, interaction: interaction.opaque,
      user: user, amr: amr, held: visit.cookie, hasSecondFactor: hasSecondFactor)
    switch try await run(signIn, in: database).first {
    case ("none", let session?)?:
      return .signedIn(
        OpaqueToken(prefix: BrowserSession.prefix, id: session.uuid, secret: cookie.secret.expose()).text)
    case (let step, _)?: return .secondFactor(isEnrolled: step == "code")
    case nil: return nil
    }
  }

  /// Brings an interaction to its end, once somebody signed in for it.
  /// - Parameter decision: what the person answered to the question for consent; `nil` before it was asked.
  /// - Throws: `.oauth` for a page.
  public func proceed(
    _ token: String?, decision: Bool?, _ visit: Visit, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> Outcome {
    let interaction = try await interaction(token, visit, in: database)
    guard let user = interaction.answeredBy else { return .signIn(interaction.token) }
    try await connectNewcomer(interaction, to: user, in: database, requestID: visit.requestID)
    guard let clientID = interaction.client else { return try await backToAccount(interaction, in: database) }
    guard interaction.device == nil else {
      return try await proceedForDevice(interaction, decision: decision, visit, in: database)
    }
    let fields = interaction.fields
    let (client, redirectURI) = try await trusted(clientID, fields, visit, in: database)
    guard let session = client.session else { return .signIn(interaction.token) }
    let request: AuthorizationRequest
    do {
      request = try client.registration.request(fields)
      if let subject = try await subject(of: request, client, visit, in: database),
        subject != session.user.description
      {
        throw Self.loginRequired
      }
      guard client.claims(request).admits(session.amr) else {
        throw OAuthError(.unmetAuthenticationRequirements, "the sign-in is not of the class that claims demands")
      }
      guard decision != false else { throw OAuthError(.accessDenied, "the user did not agree") }
    } catch let error as OAuthError {
      guard try await !run(SpendInteraction(token: interaction.opaque), in: database).isEmpty else { throw Self.lost }
      return .respond(respond(error, fields, redirectURI, visit))
    } catch let refusal as OAuthRefusal {
      throw refusal
    } catch {
      throw .fault(.cryptography("id_token_hint"))
    }
    guard decision == true || !client.needsConsent(request) else { return .consent(interaction.token) }
    return try await finish(interaction, request, client, session, agreed: decision == true, visit, in: database)
  }

  private func finish(
    _ interaction: Interaction, _ request: AuthorizationRequest, _ client: AuthorizingClient, _ session: BrowserSession,
    agreed: Bool, _ visit: Visit, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> Outcome {
    let code = AuthorizationCode.make()
    let spend = SpendInteraction(token: interaction.opaque)
    let issue = IssueCode(
      code: code, client: client.id, session: session.id, request: request, claims: client.claims(request).claims)
    let spent: [Void]
    let issued: [Void]
    do {
      if agreed {
        let record = RecordConsent(
          author: .user(session.user, requestID: visit.requestID), user: session.user, client: client.id,
          scope: client.agreement(request))
        (spent, issued, _) = try await database.run(spend, issue, record)
      } else {
        (spent, issued) = try await database.run(spend, issue)
      }
    } catch {
      throw .fault(.database(error))
    }
    // A code that was made beside a spent interaction is never told to anybody.
    guard !spent.isEmpty, !issued.isEmpty else { throw Self.lost }
    return .respond(respond(code, request, visit))
  }

  static let lost = OAuthRefusal.oauth(
    OAuthError(.invalidRequest, "this sign-in has expired, was finished already or began in another browser"))
}

extension Author {
  /// A signed-in user.
  static func user(_ user: ID<User>, requestID: String) -> Author {
    Author(kind: "user", id: user.description, requestID: requestID)
  }
}
