import HTTPTypes
import Hummingbird
import Identity
import OAuth
import Observability
import Pages
import Secrets

extension AuthorizationRoutes {
  /// RP-Initiated Logout; the confirmation of a person carries a token that only this browser's cookie makes.
  @Sendable func endSession(_ request: Request, _ context: TenantContext) async throws -> Response {
    try await page(request, context) { call, visit in
      let token = Base64URL.string(Digest.sha256("logout \(call.browser.value.expose())".utf8))
      let given = request.method == .post ? call.fields["confirmation"] ?? "" : ""
      let isConfirmed = Digest.equal(Array(given.utf8), Array(token.utf8))
      let frame = Self.frame(call.issuer, call.fields["ui_locales"], request)
      let outcome = try await logout.end(call.fields, isConfirmed: isConfirmed, visit, in: call.database)
      var response: Response
      switch outcome {
      case .confirm:
        return confirmation(call, token, try await account.holder(visit, in: call.database), frame)
      case .redirect(let location):
        response = Response(status: .seeOther, headers: [.location: location, .cacheControl: "no-store"])
      case .loggedOut:
        response = .page(LoggedOutPage(frame: frame))
      }
      response.headers.append(call.cookies.clear(call.cookies.session))
      return response
    }
  }

  private func confirmation(
    _ call: Call, _ token: String, _ holder: AccountHolder?, _ frame: PageFrame
  ) -> Response {
    var page = LogoutConfirmPage(
      frame: frame, action: "\(call.issuer.issuer)/logout", token: FormToken(token, name: "confirmation"))
    if let holder {
      page.userName = holder.shownName
      page.stayURL = "\(call.issuer.issuer)/account"
    }
    let names = ["id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"]
    page.carried = names.compactMap { name in call.fields[name].map { (name, $0) } }
    page.formTargets = call.fields["post_logout_redirect_uri"].map { [$0] } ?? []
    return .page(page)
  }
}
