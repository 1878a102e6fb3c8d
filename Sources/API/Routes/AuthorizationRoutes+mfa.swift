import HTTPTypes
import Hummingbird
import Identity
import OAuth
import Observability
import Pages
import Tenancy

/// The second step of a sign-in: a code, or the enrolment that a directory asks for first.
extension AuthorizationRoutes {
  func addMFA(to issuer: RouterGroup<TenantContext>) {
    issuer.get("mfa", use: secondFactorPage)
    issuer.post("mfa", use: secondFactor)
    issuer.get("mfa/enroll", use: enrolmentPage)
    issuer.post("mfa/enroll", use: enrol)
  }

  /// Where a browser goes whose person has shown who they are: on with the new session, or to the second factor.
  func entered(
    _ entrance: Authorization.Entrance, _ interaction: Interaction, _ call: Call
  ) async throws -> Response {
    switch entrance {
    case .secondFactor(let isEnrolled): return redirect(to: isEnrolled ? "mfa" : "mfa/enroll", interaction.token, call)
    case .signedIn(let cookie):
      // A refusal too must bring the new cookie: the session that the browser held has ended.
      var response = try await orPage(call) {
        answer(
          try await authorization.proceed(
            interaction.token.expose(), decision: nil, call.visit(cookie), in: call.database), call)
      }
      response.headers.append(call.cookies.set(call.cookies.session, cookie))
      return response
    }
  }

  /// What `body` answers, or the page of its refusal.
  private func orPage(_ call: Call, _ body: () async throws -> Response) async throws -> Response {
    do {
      return try await body()
    } catch OAuthRefusal.oauth(let error) {
      return AuthorizationPages.error(error, call.frame, requestID: call.requestID)
    }
  }

  @Sendable private func secondFactorPage(_ request: Request, _ context: TenantContext) async throws -> Response {
    try await page(request, context) { call, visit in
      let interaction = try await authorization.interaction(call.fields["interaction"], visit, in: call.database)
      guard interaction.owesSecondFactor else {
        // Signed in by now, as after the enrolment: on to where they wanted to go.
        return answer(
          try await authorization.proceed(call.fields["interaction"], decision: nil, visit, in: call.database), call)
      }
      return .page(MFAPages.code(interaction, call.issuer, frame(interaction, call, request)))
    }
  }

  @Sendable private func secondFactor(_ request: Request, _ context: TenantContext) async throws -> Response {
    try await page(request, context) { call, visit in
      let interaction = try await authorization.interaction(call.fields["interaction"], visit, in: call.database)
      guard interaction.owesSecondFactor else { return redirect(to: "login", interaction.token, call) }
      let step = try await authorization.showSecondFactor(
        call.fields["code"] ?? "", for: interaction, secondFactors, visit, in: call.database)
      var page = MFAPages.code(interaction, call.issuer, frame(interaction, call, request))
      switch step {
      case .entered(let entrance): return try await entered(entrance, interaction, call)
      case .wrong:
        page.isWrong = true
        return .page(page, .unauthorized)
      case .locked(let seconds):
        page.isLocked = true
        var response = Response.page(page, .tooManyRequests)
        response.headers[.retryAfter] = String(seconds)
        return response
      }
    }
  }

  @Sendable private func enrolmentPage(_ request: Request, _ context: TenantContext) async throws -> Response {
    try await page(request, context) { call, visit in
      let interaction = try await authorization.interaction(call.fields["interaction"], visit, in: call.database)
      guard interaction.owesSecondFactor else { return redirect(to: "login", interaction.token, call) }
      return try await enrolmentPage(interaction, isWrong: false, request, call)
    }
  }

  @Sendable private func enrol(_ request: Request, _ context: TenantContext) async throws -> Response {
    try await page(request, context) { call, visit in
      let interaction = try await authorization.interaction(call.fields["interaction"], visit, in: call.database)
      guard interaction.owesSecondFactor else { return redirect(to: "login", interaction.token, call) }
      let done = try await authorization.confirmEnrolment(
        call.fields["code"] ?? "", for: interaction, secondFactors, visit, in: call.database)
      guard let done else { return try await enrolmentPage(interaction, isWrong: true, request, call) }
      guard case .signedIn(let cookie) = done.entrance else { return redirect(to: "mfa", interaction.token, call) }
      // They are in, but must see their codes first.
      var response = Response.page(
        BackupCodesPage(
          frame: frame(interaction, call, request), codes: done.codes,
          continueURL: "\(call.issuer.issuer)/mfa?interaction=\(interaction.token.expose())"))
      response.headers.append(call.cookies.set(call.cookies.session, cookie))
      return response
    }
  }

  private func enrolmentPage(
    _ interaction: Interaction, isWrong: Bool, _ request: Request, _ call: Call
  ) async throws -> Response {
    let key = try await authorization.beginEnrolment(for: interaction, secondFactors, in: call.database)
    guard let key else { return redirect(to: "mfa", interaction.token, call) }
    var page = MFAPages.enrolment(
      key, account: nil, action: "\(call.issuer.issuer)/mfa/enroll",
      token: FormToken(interaction.token.expose(), name: "interaction"), call.issuer, frame(interaction, call, request))
    page.isWrong = isWrong
    return .page(page, isWrong ? .unauthorized : .ok)
  }

  private func frame(_ interaction: Interaction, _ call: Call, _ request: Request) -> PageFrame {
    Self.frame(call.issuer, interaction.fields["ui_locales"], request)
  }
}
