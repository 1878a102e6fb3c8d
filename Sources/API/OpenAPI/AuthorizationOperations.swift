import HTTPTypes
import JSON

extension ProtocolOperations {
  /// The authorization endpoint and its pages.
  static var authorization: [DocumentedOperation] {
    let request = fields(["client_id"], optional: ["request_uri"] + needed + parameters)
    let pushed = fields(needed, optional: parameters + authentication)
    let interaction = fields(["interaction"])
    let asks = "The authorization endpoint (OpenID Connect Core section 3.1.2): 303 to the client or to a page."
    let ends = "Ends the browser's session (OpenID Connect RP-Initiated Logout 1.0)."
    let end = fields(
      [], optional: ["id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales", "confirmation"])
    return [
      DocumentedOperation(
        method: .post, path: "\(issuer)/par", name: "par",
        summary: "Takes an authorization request from its client (RFC 9126); its request_uri is good for one answer.",
        caller: .client, bodies: [(form, pushed)], status: 201,
        answer: ("application/json", Schema.object([("request_uri", Schema.text), ("expires_in", Schema.integer)]))),
      page(.get, "authorize", "authorize", asks, request),
      page(.post, "authorize", "authorize_post", asks, request),
      page(.get, "login", "login_page", "The sign-in page of an interaction.", interaction),
      page(
        .post, "login", "login", "Signs in with a password: 303 onwards, or the page again.",
        fields(["interaction", "username", "password"])),
      page(.get, "consent", "consent_page", "The question for consent of an interaction.", interaction),
      page(
        .post, "consent", "consent", "Answers the question for consent: 303 to the client.",
        fields(["interaction", "decision"])),
      page(.get, "logout", "logout", ends, end),
      page(.post, "logout", "logout_post", ends, end),
    ] + account + weChatPages
  }

  private static var weChatPages: [DocumentedOperation] {
    [
      page(
        .get, "wechat/start/{client}", "wechat_start",
        "303 to WeChat's page, to sign in for an interaction or (`purpose=link`) to link an identity to the signed-in user.",
        fields([], optional: ["interaction", "purpose"])),
      page(
        .get, "wechat/callback/{client}", "wechat_callback",
        "Where WeChat sends a browser back: 303 onwards, or a page that says what went wrong.",
        fields(["state"], optional: ["code"])),
      page(
        .get, "wechat/continue", "wechat_continue", "Goes on with an interaction that somebody signed in for.",
        fields(["interaction"])),
      page(
        .post, "wechat/register", "wechat_register",
        "Makes an account for the person whom WeChat authenticated for an interaction: 303 onwards.",
        fields(["interaction"])),
    ]
  }

  /// What a request needs, unless it was pushed.
  private static let needed = ["redirect_uri", "response_type", "scope"]
  /// What it may say besides.
  private static let parameters = [
    "state", "nonce", "code_challenge", "code_challenge_method", "prompt", "max_age", "response_mode", "login_hint",
    "id_token_hint", "ui_locales", "idp_hint", "claims", "acr_values", "resource",
  ]

  static func page(
    _ method: HTTPRequest.Method, _ path: String, _ name: String, _ summary: String, _ fields: JSONObject
  ) -> DocumentedOperation {
    DocumentedOperation(
      method: method, path: "\(issuer)/\(path)", name: name, summary: summary, caller: .anybody,
      query: method == .get ? fields : nil, bodies: method == .post ? [(form, fields)] : [],
      answer: ("text/html", Schema.text))
  }
}
