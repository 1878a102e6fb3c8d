import HTTPTypes
import Hummingbird
import Identity
import OAuth
import Observability
import Pages
import Tenancy

/// The authorization endpoint of an identity application and the pages behind it.
struct AuthorizationRoutes: Sendable {
  let issuers: Issuers
  let authorization: Authorization
  let logout: Logout
  let account: Account
  let secondFactors: SecondFactors
  let devices: DeviceSignIn
  /// True where browsers come by https.
  let isSecure: Bool
  /// Of each name somebody tries to sign in with.
  let limit: RateLimiter?

  func add(to group: RouterGroup<TenantContext>) {
    let issuer = group.group("i/{application}")
    issuer.get("authorize", use: authorize)
    issuer.post("authorize", use: authorize)
    issuer.get("login", use: loginPage)
    issuer.post("login", use: login)
    issuer.get("consent", use: consentPage)
    issuer.post("consent", use: consent)
    issuer.get("logout", use: endSession)
    issuer.post("logout", use: endSession)
    addWeChat(to: issuer)
    issuer.get("account", use: accountPage)
    issuer.post("account", use: changeAccount)
    addMFA(to: issuer)
    issuer.get("device", use: devicePage)
    issuer.post("device", use: device)
  }

  /// One browser's request, with what every handler needs.
  struct Call {
    let issuer: PublishedIssuer
    let fields: [String: String]
    let cookies: PageCookies
    let browser: (value: Secret<String>, isNew: Bool)
    let frame: PageFrame
    let acceptLanguage: String?
    let requestID: String
    let database: TenantDatabase

    func visit(_ cookie: Secret<String>?) -> Authorization.Visit {
      Authorization.Visit(issuer: issuer, cookie: cookie, browser: browser.value, requestID: requestID)
    }
  }

  @Sendable private func authorize(_ request: Request, _ context: TenantContext) async throws -> Response {
    try await page(request, context) { call, visit in
      let outcome = try await authorization.begin(call.fields, visit, in: call.database)
      if let response = try await straightToWeChat(outcome, call, visit) { return response }
      return answer(outcome, call)
    }
  }

  @Sendable private func loginPage(_ request: Request, _ context: TenantContext) async throws -> Response {
    try await page(request, context) { call, visit in
      let (interaction, ways) = try await authorization.interactionWithWays(
        call.fields["interaction"], visit, in: call.database)
      return try await signInPage(interaction, ways, failure: nil, request, call, visit)
    }
  }

  @Sendable private func login(_ request: Request, _ context: TenantContext) async throws -> Response {
    try await page(request, context) { call, visit in
      let interaction = try await authorization.interaction(call.fields["interaction"], visit, in: call.database)
      let username = call.fields["username"] ?? ""
      try limit.admit("\(context.tenant.slug) login \(username.prefix(64).lowercased())")
      let failure: LoginPage.Fault
      do {
        let entrance = try await authorization.signIn(
          interaction, username: username, password: Secret(call.fields["password"] ?? ""), visit, in: call.database)
        if let entrance { return try await entered(entrance, interaction, call) }
        failure = .wrongCredentials
      } catch OAuthRefusal.oauth(let error) where error.code == .temporarilyUnavailable {
        failure = .busy
      }
      let ways = try await authorization.weChatWays(visit, in: call.database)
      return try await signInPage(interaction, ways, failure: (failure, username), request, call, visit)
    }
  }

  @Sendable private func consentPage(_ request: Request, _ context: TenantContext) async throws -> Response {
    try await page(request, context) { call, visit in
      let interaction = try await authorization.interaction(call.fields["interaction"], visit, in: call.database)
      let frame = Self.frame(call.issuer, interaction.fields["ui_locales"], request)
      return AuthorizationPages.consent(interaction, action: "\(call.issuer.issuer)/consent", frame)
    }
  }

  @Sendable private func consent(_ request: Request, _ context: TenantContext) async throws -> Response {
    try await page(request, context) { call, visit in
      let decision: Bool? =
        switch call.fields["decision"] {
        case "allow": true
        case "deny": false
        default: nil
        }
      return answer(
        try await authorization.proceed(call.fields["interaction"], decision: decision, visit, in: call.database), call)
    }
  }

  // MARK: Answers

  func answer(_ outcome: Authorization.Outcome, _ call: Call) -> Response {
    switch outcome {
    case .respond(let response): AuthorizationPages.back(response, call.frame)
    case .signIn(let token): redirect(to: "login", token, call)
    case .consent(let token): redirect(to: "consent", token, call)
    case .account(let isConfirmed):
      Self.redirect("\(call.issuer.issuer)/account\(isConfirmed ? "?notice=confirmed" : "")")
    case .device(let isAllowed): .page(DeviceDonePage(frame: call.frame, isAllowed: isAllowed))
    }
  }

  func redirect(to page: String, _ token: Secret<String>, _ call: Call) -> Response {
    Self.redirect("\(call.issuer.issuer)/\(page)?interaction=\(token.expose())")
  }

  /// To an address of WeChat's or of our own pages, without telling where from.
  static func redirect(_ location: String) -> Response {
    Response(
      status: .seeOther, headers: [.location: location, .cacheControl: "no-store", .referrerPolicy: "no-referrer"])
  }

  /// Reads a request, and turns a refusal into a page that goes nowhere.
  func page(
    _ request: Request, _ context: TenantContext,
    _ body: (Call, Authorization.Visit) async throws -> Response
  ) async throws -> Response {
    guard let slug = context.parameters.get("application"),
      let issuer = try await issuers.find(slug, in: context.database)
    else { throw Problem.notFound }
    let cookies = PageCookies(issuer.id, isSecure: isSecure)
    let frame = Self.frame(issuer, nil, request)
    do {
      let fields = try await fields(of: request)
      let call = Call(
        issuer: issuer, fields: fields, cookies: cookies, browser: cookies.binding(in: request), frame: frame,
        acceptLanguage: request.headers[.acceptLanguage], requestID: context.requestID, database: context.database)
      var response = try await body(call, call.visit(cookies.value(cookies.session, in: request)))
      if call.browser.isNew { response.headers.append(cookies.set(cookies.browser, call.browser.value)) }
      return response
    } catch OAuthRefusal.oauth(let error) {
      return AuthorizationPages.error(error, frame, requestID: context.requestID)
    } catch OAuthRefusal.fault(let fault) {
      throw PageError(error: fault, frame: frame)
    } catch let problem as OAuthProblem {
      return AuthorizationPages.error(problem.error, frame, requestID: context.requestID)
    } catch {
      // It is logged where every other error is.
      throw PageError(error: error, frame: frame)
    }
  }

  /// Look and language of an issuer's pages.
  static func frame(_ issuer: PublishedIssuer, _ uiLocales: String?, _ request: Request) -> PageFrame {
    PageFrame(
      language: .choose(uiLocales: uiLocales, acceptLanguage: request.headers[.acceptLanguage]),
      branding: Branding(
        displayName: issuer.name, logoURI: issuer.branding?.logoURI, primaryColor: issuer.branding?.primaryColor,
        backgroundColor: issuer.branding?.backgroundColor))
  }

  private func fields(of request: Request) async throws -> [String: String] {
    guard request.method != .post else { return try await request.form() }
    guard let fields = FormFields.parse(request.uri.query ?? "") else {
      throw OAuthProblem(OAuthError(.invalidRequest, "a parameter is repeated or not percent-encoded UTF-8"))
    }
    return fields
  }
}

extension HTTPField.Name {
  /// `Referrer-Policy`
  fileprivate static let referrerPolicy = HTTPField.Name("Referrer-Policy")!
}
