import HTTPTypes
import Hummingbird
import Identity
import OAuth
import Observability
import Secrets

extension AuthorizationRoutes {
  /// RP-Initiated Logout; the confirmation of a person carries a token that only this browser's cookie makes.
  @Sendable func endSession(_ request: Request, _ context: TenantContext) async throws -> Response {
    try await page(request, context) { call, visit in
      let token = Base64URL.string(Digest.sha256("logout \(call.browser.value.expose())".utf8))
      let given = request.method == .post ? call.fields["confirmation"] ?? "" : ""
      let isConfirmed = Digest.equal(Array(given.utf8), Array(token.utf8))
      let language = PageLanguage(uiLocales: call.fields["ui_locales"], request)
      let outcome = try await logout.end(call.fields, isConfirmed: isConfirmed, visit, in: call.database)
      var response: Response
      switch outcome {
      case .confirm: return confirmation(call, token, language)
      case .redirect(let location):
        response = Response(status: .seeOther, headers: [.location: location, .cacheControl: "no-store"])
      case .loggedOut:
        response = PageHTML.response(
          .ok, marker: "logged-out", title: language.say("Signed out", "已退出登录"), language: language, body: "")
      }
      response.headers.append(call.cookies.clear(call.cookies.session))
      return response
    }
  }

  private func confirmation(_ call: Call, _ token: String, _ language: PageLanguage) -> Response {
    let names = ["id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"]
    let fields = names.compactMap { name in call.fields[name].map { PageHTML.hidden(name, $0) } }.joined()
    let body = """
      <form method="post" action="\(PageHTML.escaped("\(call.issuer.issuer)/logout"))">\(fields)
      \(PageHTML.hidden("confirmation", token))
      <button type="submit">\(language.say("Sign out", "退出登录"))</button></form>
      """
    return PageHTML.response(
      .ok, marker: "logout-confirm", title: language.say("Sign out?", "要退出登录吗？"), language: language, body: body)
  }
}
