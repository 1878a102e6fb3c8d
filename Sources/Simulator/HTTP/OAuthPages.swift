import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// The browser pages of open.weixin.qq.com: QR login for websites and web OAuth inside WeChat, with buttons instead of a phone.
struct OAuthPages: Sendable {
  let world: World

  func add(to router: Router<SimulatorContext>) {
    router.get("/") { _, _ in Self.page("WeChat simulator · 微信模拟器", Self.welcome) }
    router.get("connect/qrconnect") { request, _ in consent(request, kinds: [.web], order: nil) }
    router.get("connect/oauth2/authorize") { request, _ in
      consent(
        request, kinds: [.officialAccount], order: ["appid", "redirect_uri", "response_type", "scope", "state"])
    }
    router.post("connect/confirm", use: confirm)
  }

  private func consent(_ request: Request, kinds: Set<App.Kind>, order: [String]?) -> Response {
    let pairs = Self.pairs(request.uri.query ?? "")
    let fields = Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    if let order {
      let known = pairs.map(\.0).filter(order.contains)
      guard known == order.filter(known.contains) else {
        return Self.refused("参数顺序错误", "The parameters are out of order.")
      }
    }
    guard let app = world.state.withLock({ $0.apps[fields["appid"] ?? ""] }), kinds.contains(app.kind) else {
      return Self.refused("AppID 参数错误", "No such app of this kind.")
    }
    guard let redirect = fields["redirect_uri"], let url = URL(string: redirect), let host = url.host,
      app.redirectDomain == nil || app.redirectDomain == host
    else { return Self.refused("该链接无法访问 (10003)", "redirect_uri is not on the registered domain.") }
    guard fields["response_type"] == "code" else { return Self.refused("参数错误", "response_type must be code.") }
    let scopes = app.kind == .web ? ["snsapi_login"] : ["snsapi_base", "snsapi_userinfo"]
    guard let scope = fields["scope"], scopes.contains(scope) else {
      return Self.refused("没有权限 (10005)", "The app has no permission for this scope.")
    }
    let hidden = ["appid": app.id, "redirect_uri": redirect, "scope": scope, "state": fields["state"] ?? ""]
      .sorted { $0.key < $1.key }
      .map { "<input type=\"hidden\" name=\"\($0.key)\" value=\"\(Self.escaped($0.value))\">" }.joined()
    return Self.page(
      "微信登录 · WeChat login",
      """
      <p>\(Self.escaped(app.id)) 申请获取您的登录信息 · asks for your login.</p>
      <form method="post" action="/connect/confirm">\(hidden)
      <p><label>用户 · user <input name="user" value="alice"></label></p>
      <p><button name="decision" value="allow">同意 · Allow</button> <button name="decision" value="deny">拒绝 · Deny</button>
      <button name="decision" value="deny_redirect">拒绝并返回 · Deny and go back</button></p>
      </form>
      """)
  }

  @Sendable private func confirm(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    let body = try await request.body.collect(upTo: 65_536)
    let fields = Dictionary(Self.pairs(String(buffer: body)), uniquingKeysWith: { first, _ in first })
    guard let appID = fields["appid"], let redirect = fields["redirect_uri"], let user = fields["user"], !user.isEmpty
    else {
      return Self.refused("参数错误", "The form is incomplete.")
    }
    guard fields["decision"] == "allow" else {
      // Today's WeChat stays where it is; an older one went back with the state alone.
      guard fields["decision"] == "deny_redirect" else {
        return Self.page("已拒绝 · Refused", "<p>您已拒绝。WeChat does not go back to the site.</p>")
      }
      return Response(status: .seeOther, headers: [.location: Self.address(redirect, code: nil, fields["state"])])
    }
    let code = try world.state.withLock { state throws(WeChatError) in
      try state.issueCode(.oauth, appID: appID, person: user, scope: fields["scope"])
    }
    return Response(
      status: .seeOther, headers: [.location: Self.address(redirect, code: code, fields["state"])])
  }

  /// The redirect URI with what is added to its query, before a fragment.
  private static func address(_ redirect: String, code: String?, _ state: String?) -> String {
    let parts = redirect.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
    let separator = parts[0].contains("?") ? "&" : "?"
    let state = (state ?? "").addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    let query = (code.map { "code=\($0)&" } ?? "") + "state=\(state)"
    return "\(parts[0])\(separator)\(query)" + (parts.count > 1 ? "#\(parts[1])" : "")
  }

  private static func pairs(_ text: String) -> [(String, String)] {
    text.split(separator: "&").map { pair in
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      func decoded(_ part: Substring) -> String {
        part.replacingOccurrences(of: "+", with: " ").removingPercentEncoding ?? ""
      }
      return (decoded(parts[0]), parts.count > 1 ? decoded(parts[1]) : "")
    }
  }

  private static func escaped(_ text: String) -> String {
    text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
      .replacingOccurrences(of: ">", with: "&gt;").replacingOccurrences(of: "\"", with: "&quot;")
  }

  private static func refused(_ chinese: String, _ english: String) -> Response {
    var response = page(chinese, "<p>\(escaped(chinese)) · \(escaped(english))</p>")
    response.status = .badRequest
    return response
  }

  private static func page(_ title: String, _ body: String) -> Response {
    Response(
      status: .ok, headers: [.contentType: "text/html; charset=utf-8"],
      body: ResponseBody(
        byteBuffer: ByteBuffer(
          string: """
            <!doctype html><html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>\(title)</title><style>body{font:16px/1.6 sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}
            pre{background:#f4f4f4;padding:1rem;overflow:auto}</style><h1>\(title)</h1>\(body)</html>
            """)))
  }

  private static let welcome = """
    <p>这是微信服务器的本地模拟器，仅供开发和测试。This simulates WeChat's servers for development and tests; nothing here is real.</p>
    <pre>curl -s localhost:9180/_sim/apps -d '{"kind":"miniapp"}'
    curl -s localhost:9180/_sim/codes -d '{"appid":"wx…","user":"alice"}'
    curl -s 'localhost:9180/sns/jscode2session?appid=wx…&amp;secret=…&amp;js_code=…&amp;grant_type=authorization_code'</pre>
    """
}
