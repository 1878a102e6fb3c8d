import Hummingbird
import Identity
import OAuth

/// The pages of the authorization endpoint (contract section 11).
enum AuthorizationPages {
  /// The sign-in form.
  static func login(
    _ interaction: Interaction, action: String, hasFailed: Bool, _ language: PageLanguage
  ) -> Response {
    let failure =
      hasFailed
      ? "<p role=\"alert\">\(language.say("Wrong name or password.", "用户名或密码错误。"))</p>" : ""
    let name = PageHTML.escaped(interaction.fields["login_hint"] ?? "")
    let body = """
      <p>\(PageHTML.escaped(interaction.clientName))</p>\(failure)
      <form method="post" action="\(PageHTML.escaped(action))">
      \(PageHTML.hidden("interaction", interaction.token.expose()))
      <label for="username">\(language.say("Username, phone or e-mail", "用户名、手机号或邮箱"))</label>
      <input id="username" name="username" autocomplete="username" required value="\(name)">
      <label for="password">\(language.say("Password", "密码"))</label>
      <input id="password" name="password" type="password" autocomplete="current-password" required>
      <button type="submit">\(language.say("Sign in", "登录"))</button></form>
      """
    return PageHTML.response(
      hasFailed ? .unauthorized : .ok, marker: "login", title: language.say("Sign in", "登录"), language: language,
      body: body)
  }

  /// The question for consent.
  static func consent(_ interaction: Interaction, action: String, _ language: PageLanguage) -> Response {
    let scopes = (Scope(parsing: interaction.fields["scope"] ?? "")?.tokens ?? []).map {
      "<li>\(PageHTML.escaped($0))</li>"
    }
    let ask = language.say("wants to know of you:", "申请获取您的以下信息：")
    let body = """
      <p>\(PageHTML.escaped(interaction.clientName)) \(ask)</p><ul>\(scopes.joined())</ul>
      <form method="post" action="\(PageHTML.escaped(action))">
      \(PageHTML.hidden("interaction", interaction.token.expose()))
      <button type="submit" name="decision" value="allow">\(language.say("Allow", "同意"))</button>
      <button type="submit" name="decision" value="deny">\(language.say("Deny", "拒绝"))</button></form>
      """
    return PageHTML.response(
      .ok, marker: "consent", title: language.say("Allow access", "授权"), language: language, body: body)
  }

  /// An error that must not leave for the client.
  static func error(_ error: OAuthError, _ language: PageLanguage) -> Response {
    let body = """
      <p>\(language.say("This sign-in cannot go on.", "无法继续登录。"))</p>
      <p>\(PageHTML.escaped(error.code.rawValue)): \(PageHTML.escaped(error.description))</p>
      """
    let isBusy = error.code == .temporarilyUnavailable
    var response = PageHTML.response(
      isBusy ? .serviceUnavailable : .badRequest, marker: "error:\(error.code.rawValue)",
      title: language.say("Sign-in failed", "登录失败"), language: language, body: body)
    if isBusy { response.headers[.retryAfter] = "2" }
    return response
  }

  /// The response on its way back to the client.
  static func back(_ response: AuthorizationResponse, _ language: PageLanguage) -> Response {
    guard response.usesFormPost else {
      return Response(
        status: .seeOther, headers: [.location: response.location, .cacheControl: "no-store"])
    }
    let fields = response.parameters.map { PageHTML.hidden($0.name, $0.value) }.joined()
    let body = """
      <form method="post" action="\(PageHTML.escaped(response.redirectURI))">\(fields)
      <noscript><button type="submit">\(language.say("Continue", "继续"))</button></noscript></form>
      """
    return PageHTML.response(
      .ok, marker: "form-post", title: language.say("One moment", "请稍候"), language: language, body: body, submits: true)
  }
}
