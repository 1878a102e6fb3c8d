import FoundationEssentials
import HTTPTypes
import Hummingbird
import Identity
import OAuth
import Observability
import Pages
import Tenancy

/// The way of a browser to WeChat and back (contract section 11).
extension AuthorizationRoutes {
  func addWeChat(to issuer: RouterGroup<TenantContext>) {
    issuer.get("wechat/start/{client}", use: startAtWeChat)
    issuer.get("wechat/callback/{client}", use: backFromWeChat)
    issuer.get("wechat/continue", use: goOn)
    issuer.post("wechat/register", use: register)
  }

  @Sendable private func startAtWeChat(_ request: Request, _ context: TenantContext) async throws -> Response {
    try await page(request, context) { call, visit in
      guard call.fields["purpose"] == "link" else {
        let interaction = try await authorization.interaction(call.fields["interaction"], visit, in: call.database)
        let frame = Self.frame(call.issuer, interaction.fields["ui_locales"], request)
        return try await begin(.login(interaction), context.parameters.get("client"), frame, call, visit)
      }
      return try await begin(.link, context.parameters.get("client"), call.frame, call, visit)
    }
  }

  private func begin(
    _ errand: Authorization.WeChatErrand, _ client: String?, _ frame: PageFrame, _ call: Call,
    _ visit: Authorization.Visit
  ) async throws -> Response {
    do {
      guard let client = client.flatMap({ ID<ThirdPartyAuthzClient>($0) }) else {
        throw Authorization.WeChatBeginRefusal.noSuchClient
      }
      // The tenant's limit of a client holds for browsers, too.
      try limit.admit("\(call.database.tenant.slug) \(client)")
      let address = try await authorization.beginAtWeChat(
        errand, client: client, isEnglish: frame.language == .english, visit, in: call.database)
      return Self.redirect(address)
    } catch let refusal as Authorization.WeChatBeginRefusal {
      switch refusal {
      case .noSuchClient:
        return AuthorizationPages.refused(.clientNotFound, retry: nil, frame, requestID: call.requestID)
      case .signInAgain: return try await signIn(account.holder(visit, in: call.database), call, visit)
      case .fault(let fault): throw fault
      }
    } catch let problem as Problem {
      return AuthorizationPages.refused(problem, retry: nil, frame, requestID: call.requestID)
    }
  }

  /// WeChat's page at once, where the request names a client that has one; any other name means nothing.
  func straightToWeChat(
    _ outcome: Authorization.Outcome, _ call: Call, _ visit: Authorization.Visit
  ) async throws -> Response? {
    // A pushed request has its parameters in the interaction only.
    guard case .signIn(let token) = outcome, call.fields["idp_hint"] ?? call.fields["request_uri"] != nil else {
      return nil
    }
    let interaction = try await authorization.interaction(token.expose(), visit, in: call.database)
    guard let client = interaction.fields["idp_hint"].flatMap({ ID<ThirdPartyAuthzClient>($0) }) else { return nil }
    let isEnglish =
      PageLanguage.choose(uiLocales: interaction.fields["ui_locales"], acceptLanguage: call.acceptLanguage) == .english
    do {
      return Self.redirect(
        try await authorization.beginAtWeChat(
          .login(interaction), client: client, isEnglish: isEnglish, visit, in: call.database))
    } catch .fault(let fault) {
      throw fault
    } catch {
      return nil
    }
  }

  @Sendable private func backFromWeChat(_ request: Request, _ context: TenantContext) async throws -> Response {
    try await page(request, context) { call, visit in
      let own = call.issuer.issuer
      do {
        guard let client = context.parameters.get("client").flatMap({ ID<ThirdPartyAuthzClient>($0) }) else {
          throw Authorization.WeChatReturnRefusal.lost
        }
        let back = try await authorization.backFromWeChat(
          state: call.fields["state"], code: call.fields["code"], client: client, visit, in: call.database)
        switch back {
        case .entered(let interaction, .secondFactor(let isEnrolled)):
          return Self.redirect("\(own)/mfa\(isEnrolled ? "" : "/enroll")?interaction=\(interaction.expose())")
        case .entered(let interaction, .signedIn(let cookie)):
          var response = Self.redirect("\(own)/wechat/continue?interaction=\(interaction.expose())")
          response.headers.append(call.cookies.set(call.cookies.session, cookie))
          return response
        case .newcomer(let interaction):
          return Self.redirect("\(own)/login?interaction=\(interaction.expose())")
        case .declined(let interaction?): return Self.back(to: interaction, .weChatRefused, own)
        case .somebodyElse(let interaction): return Self.back(to: interaction, .weChatFailed, own)
        case .declined(nil): return Self.redirect("\(own)/account")
        case .linked: return Self.redirect("\(own)/account?notice=\(AccountPage.Notice.linked.rawValue)")
        case .linkedElsewhere:
          return Self.redirect("\(own)/account?notice=\(AccountPage.Notice.linkedElsewhere.rawValue)")
        }
      } catch Authorization.WeChatReturnRefusal.lost {
        return .page(ErrorPage(frame: call.frame, code: "expired", reference: call.requestID), .badRequest)
      } catch Authorization.WeChatReturnRefusal.refused(let refusal, let interaction) {
        if case .fault(let fault) = refusal { throw fault }
        return AuthorizationPages.refused(
          refusal, retry: interaction.map { "\(own)/login?interaction=\($0.expose())" }, call.frame,
          requestID: call.requestID)
      }
    }
  }

  /// Where the callback leads: a code of WeChat's and the session it gave are behind the browser before anything goes to a client.
  @Sendable private func goOn(_ request: Request, _ context: TenantContext) async throws -> Response {
    try await page(request, context) { call, visit in
      answer(
        try await authorization.proceed(call.fields["interaction"], decision: nil, visit, in: call.database), call)
    }
  }

  @Sendable private func register(_ request: Request, _ context: TenantContext) async throws -> Response {
    try await page(request, context) { call, visit in
      let interaction: Interaction
      do {
        interaction = try await authorization.interaction(call.fields["interaction"], visit, in: call.database)
      } catch {
        // The button was pressed twice, and the first press has done all there was to do.
        let outcome = try await authorization.again(call.fields["interaction"], visit, in: call.database)
        guard let outcome else { throw error }
        return answer(outcome, call)
      }
      let entrance: Authorization.Entrance
      do {
        entrance = try await authorization.register(interaction, visit, in: call.database)
      } catch let refusal as FederationRefusal {
        if case .fault(let fault) = refusal { throw fault }
        let frame = Self.frame(call.issuer, interaction.fields["ui_locales"], request)
        return AuthorizationPages.refused(
          refusal, retry: "\(call.issuer.issuer)/login?interaction=\(interaction.token.expose())", frame,
          requestID: call.requestID)
      }
      guard case .signedIn(let cookie) = entrance else { return try await entered(entrance, interaction, call) }
      // The interaction goes on behind a redirect: should the browser drop this answer for that to a second press of the button, it
      // is still there for it.
      var response = Self.redirect("\(call.issuer.issuer)/wechat/continue?interaction=\(interaction.token.expose())")
      response.headers.append(call.cookies.set(call.cookies.session, cookie))
      return response
    }
  }

  // MARK: The sign-in page

  /// The sign-in page of an interaction with the ways of this browser; `failure` is what became of a password, and the name typed
  /// with it.
  func signInPage(
    _ interaction: Interaction, _ ways: [WeChatWay], failure: (fault: LoginPage.Fault, username: String)?,
    _ request: Request, _ call: Call, _ visit: Authorization.Visit
  ) async throws -> Response {
    let frame = Self.frame(call.issuer, interaction.fields["ui_locales"], request)
    var offer = SignInOffer()
    if interaction.hasNewcomer, let newcomer = try await authorization.newcomer(interaction, in: call.database) {
      offer.newcomer = LoginPage.Newcomer(
        nickname: newcomer.nickname, registerAction: "\(call.issuer.issuer)/wechat/register")
    } else {
      let agent = BrowserKind(request)
      offer.ways = self.ways(ways, agent, interaction, call)
      let websites = ways.filter { !$0.isInsideWeChat }
      // After a wrong password the frame would only be made again.
      if agent == .desktop, failure == nil, websites.count == 1 {
        offer.frame = try? await authorization.beginAtWeChat(
          .login(interaction), client: websites[0].client, framed: true, isEnglish: frame.language == .english, visit,
          in: call.database)
      }
      let notice = call.fields["notice"].flatMap { LoginPage.Fault(rawValue: $0) }
      offer.fault = notice == .weChatRefused || notice == .weChatFailed ? notice : nil
    }
    return AuthorizationPages.login(
      interaction, action: "\(call.issuer.issuer)/login", failure: failure, offer, frame)
  }

  /// One tap first where it works, which is inside WeChat.
  private func ways(
    _ ways: [WeChatWay], _ agent: BrowserKind, _ interaction: Interaction, _ call: Call
  ) -> [LoginPage.WeChatWay] {
    let offered = agent == .weChat ? ways.filter(\.isInsideWeChat) + ways.filter { !$0.isInsideWeChat } : ways
    return offered.filter { agent == .weChat || !$0.isInsideWeChat }.map { way in
      LoginPage.WeChatWay(
        name: way.name,
        url: "\(call.issuer.issuer)/wechat/start/\(way.client)?interaction=\(interaction.token.expose())",
        kind: way.isInsideWeChat ? .insideWeChat : .qr)
    }
  }

  /// Where a signed-in person links another WeChat identity, by the way that works in this browser.
  func linkAddress(
    _ request: Request, _ call: Call, _ visit: Authorization.Visit
  ) async throws -> String? {
    let ways = try await authorization.weChatWays(visit, in: call.database)
    let way = ways.first { $0.isInsideWeChat == (BrowserKind(request) == .weChat) }
    return way.map { "\(call.issuer.issuer)/wechat/start/\($0.client)?purpose=link" }
  }

  /// To the sign-in page, with what went wrong.
  private static func back(to interaction: Secret<String>, _ fault: LoginPage.Fault, _ issuer: String) -> Response {
    redirect("\(issuer)/login?interaction=\(interaction.expose())&notice=\(fault.rawValue)")
  }
}

/// What decides how WeChat can be reached.
private enum BrowserKind {
  case weChat, phone, desktop

  init(_ request: Request) {
    let agent = request.headers[.userAgent] ?? ""
    self = agent.contains("MicroMessenger") ? .weChat : agent.contains("Mobi") ? .phone : .desktop
  }
}

/// What a sign-in page has beside its form.
struct SignInOffer {
  var ways: [LoginPage.WeChatWay] = []
  /// WeChat's page in a frame.
  var frame: String?
  var newcomer: LoginPage.Newcomer?
  var fault: LoginPage.Fault?
}
