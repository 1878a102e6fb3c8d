import FoundationEssentials
import HTTPTypes
import Hummingbird
import Identity
import OAuth
import Observability
import Pages
import Secrets
import Tenancy

extension AuthorizationRoutes {
  /// The account page of whoever is signed in in the browser.
  @Sendable func accountPage(_ request: Request, _ context: TenantContext) async throws -> Response {
    try await page(request, context) { call, visit in
      let frame = Self.frame(call.issuer, call.fields["ui_locales"], request)
      guard let holder = try await account.holder(visit, in: call.database) else {
        return try await signIn(nil, call, visit)
      }
      let overview = try await account.overview(of: holder, in: call.database)
      var page = AccountPages.account(
        holder, overview, issuer: call.issuer.issuer, token: Self.accountToken(call, request), frame)
      page.linkURL = try await linkAddress(request, call, visit)
      page.notice = call.fields["notice"].flatMap { AccountPage.Notice(rawValue: $0) }
      return .page(page)
    }
  }

  /// One form of the account page.
  @Sendable func changeAccount(_ request: Request, _ context: TenantContext) async throws -> Response {
    try await page(request, context) { call, visit in
      let given = Array((call.fields["csrf"] ?? "").utf8)
      guard let holder = try await account.holder(visit, in: call.database),
        Digest.equal(given, Array(Self.accountToken(call, request).value.utf8))
      else {
        return .page(ErrorPage(frame: call.frame, code: "csrf", reference: call.requestID), .forbidden)
      }
      guard let operation = Account.Operation(call.fields) else {
        throw OAuthRefusal.oauth(OAuthError(.invalidRequest, "operation or id is missing or unknown"))
      }
      guard !operation.isSensitive || account.isFresh(holder) else { return try await signIn(holder, call, visit) }
      let outcome = try await account.perform(operation, for: holder, visit, in: call.database)
      return try show(outcome, of: holder, call, request)
    }
  }

  private func show(
    _ outcome: Account.Outcome, of holder: AccountHolder, _ call: Call, _ request: Request
  ) throws -> Response {
    let own = "\(call.issuer.issuer)/account"
    switch outcome {
    case .nothing: return Self.redirect(own)
    case .notice(let notice): return Self.redirect("\(own)?notice=\(notice.rawValue)")
    case .signedOut:
      var response = Response.page(LoggedOutPage(frame: call.frame))
      response.headers.append(call.cookies.clear(call.cookies.session))
      return response
    case .enrolling(let key, let isWrong):
      var page = MFAPages.enrolment(
        key, account: holder.loginHint ?? holder.user.name, action: own, token: Self.accountToken(call, request),
        call.issuer, call.frame)
      page.isWrong = isWrong
      return .page(page, isWrong ? .unauthorized : .ok)
    case .backupCodes(let codes):
      return .page(BackupCodesPage(frame: call.frame, codes: codes, continueURL: own))
    }
  }

  /// To the sign-in page for the account itself; for a holder it is theirs alone, so that nobody else goes on in their place.
  func signIn(
    _ holder: AccountHolder?, _ call: Call, _ visit: Authorization.Visit
  ) async throws -> Response {
    var fields: [String: String] = [:]
    fields["ui_locales"] = call.fields["ui_locales"].map { String($0.prefix(100)) }
    fields["login_hint"] = holder?.loginHint
    let token = try await authorization.beginForAccount(fields, user: holder?.user.id, visit, in: call.database)
    return redirect(to: "login", token, call)
  }

  /// What only the page of this browser and this session can know.
  private static func accountToken(_ call: Call, _ request: Request) -> FormToken {
    let session = call.cookies.value(call.cookies.session, in: request)?.expose() ?? ""
    return FormToken(Base64URL.string(Digest.sha256("account \(call.browser.value.expose()) \(session)".utf8)))
  }
}

extension Account.Operation {
  /// Reads the form of an account page.
  fileprivate init?(_ fields: [String: String]) {
    let id = fields["id"].flatMap { UUID(canonical: $0) }
    switch (fields["operation"], id) {
    case ("unlink", let id?): self = .unlink(ID(id))
    case ("end_session", let id?): self = .endSession(ID(id))
    case ("end_all_sessions", _): self = .endAllSessions
    case ("revoke_consent", let id?): self = .revokeConsent(id)
    case ("change_password", _):
      self = .changePassword(
        current: Secret(fields["current_password"] ?? ""), new: Secret(fields["new_password"] ?? ""))
    case ("mfa_begin", _): self = .beginMFA
    case ("mfa_confirm", _): self = .confirmMFA(code: fields["code"] ?? "")
    case ("mfa_disable", _): self = .disableMFA
    case ("mfa_backup_codes", _): self = .renewBackupCodes
    default: return nil
    }
  }
}
