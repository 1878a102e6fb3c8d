import HTTPTypes
import Hummingbird
import NIOCore

/// The browser pages of open.weixin.qq.com: QR login for websites and web OAuth inside WeChat, with buttons instead of a phone.
struct OAuthPages: Sendable {
  let world: World

  func add(to router: Router<SimulatorContext>) {
    router.get("/") { _, _ in HTMLPage.response("WeChat simulator · 微信模拟器", Self.welcome) }
    router.get("connect/qrconnect") { request, _ in open(.qrconnect, request.uri.query ?? "") }
    router.get("connect/oauth2/authorize") { request, _ in open(.authorize, request.uri.query ?? "") }
    router.post("connect/confirm", use: confirm)
  }

  private func open(_ page: AuthorizationLink.Page, _ query: String) -> Response {
    let link: AuthorizationLink
    do throws(AuthorizationLink.Refused) {
      link = try AuthorizationLink(page, query: query, in: world)
    } catch {
      return HTMLPage.refused(error.chinese, error.english)
    }
    let owner = world.state.withLock { $0.deviceOwner }
    // Nobody sees a page for snsapi_base: WeChat knows whose device it is.
    if link.scope == "snsapi_base", let owner { return allow(link, user: owner, isSnapshot: false) }
    let hidden = [
      ("appid", link.app.id), ("redirect_uri", link.redirect), ("scope", link.scope), ("state", link.state),
    ].map { "<input type=\"hidden\" name=\"\($0)\" value=\"\(HTMLPage.escaped($1))\">" }.joined()
    let snapshot =
      page == .authorize
      ? "<p><label><input type=\"checkbox\" name=\"snapshot\" value=\"1\"> 快照页 · snapshot page</label></p>" : ""
    // wxLogin.js frames the page; unless it says otherwise, the whole window goes back, not the frame.
    let target = link.leavesFrame ? " target=\"_top\"" : ""
    return HTMLPage.response(
      "微信登录 · WeChat login",
      """
      <p>\(HTMLPage.escaped(link.app.id)) 申请获取您的登录信息 · asks for your login.</p>
      <form method="post" action="/connect/confirm"\(target)>
      \(hidden)
      <p><label>用户 · user <input name="user" value="\(HTMLPage.escaped(owner ?? "alice"))"></label></p>\(snapshot)
      <p><button name="decision" value="allow">同意 · Allow</button>
      <button name="decision" value="deny">拒绝 · Deny</button>
      <button name="decision" value="deny_redirect">拒绝并返回 · Deny and go back</button></p>
      </form>
      """)
  }

  @Sendable private func confirm(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    guard let body = try? await request.body.collect(upTo: 65_536) else {
      return HTMLPage.refused("参数错误", "The form is too large.")
    }
    let fields = Dictionary(
      AuthorizationLink.pairs(String(buffer: body)), uniquingKeysWith: { first, _ in first })
    guard let user = fields["user"], !user.isEmpty else {
      return HTMLPage.refused("参数错误", "The form is incomplete.")
    }
    let link: AuthorizationLink
    do throws(AuthorizationLink.Refused) {
      link = try AuthorizationLink(fields, in: world)
    } catch {
      return HTMLPage.refused(error.chinese, error.english)
    }
    switch fields["decision"] {
    case "allow": return allow(link, user: user, isSnapshot: link.page == .authorize && fields["snapshot"] == "1")
    // Today's WeChat stays where it is; an older one went back with the state alone.
    case "deny_redirect": return Response(status: .seeOther, headers: [.location: link.target(code: nil)])
    default: return HTMLPage.response("已拒绝 · Refused", "<p>您已拒绝。WeChat does not go back to the site.</p>")
    }
  }

  private func allow(_ link: AuthorizationLink, user: String, isSnapshot: Bool) -> Response {
    let (code, isTwice) = world.state.withLock { state in
      let code = try? state.issueCode(
        .oauth, appID: link.app.id, person: user, scope: link.scope, isSnapshot: isSnapshot)
      return (code, state.switches.redirectsTwice)
    }
    guard let code else { return HTMLPage.refused("AppID 参数错误", "No such app.") }
    let target = link.target(code: code)
    guard isTwice else { return Response(status: .seeOther, headers: [.location: target]) }
    let address = HTMLPage.escaped(target)
    return HTMLPage.response(
      "正在返回 · Going back",
      """
      <p>This address is opened twice: <a href="\(address)">\(address)</a></p>
      <img src="\(address)" alt="" width="1" height="1"><meta http-equiv="refresh" content="1;url=\(address)">
      """)
  }

  private static let welcome = """
    <p>这是微信服务器的本地模拟器，仅供开发和测试。This simulates WeChat's servers for development and tests; nothing here is real.</p>
    <pre>curl -s localhost:9180/_sim/apps -d '{"kind":"miniapp"}'
    curl -s localhost:9180/_sim/codes -d '{"appid":"wx…","user":"alice"}'
    curl -s 'localhost:9180/sns/jscode2session?appid=wx…&amp;secret=…&amp;js_code=…&amp;grant_type=authorization_code'</pre>
    """
}

/// The little HTML that the pages share.
enum HTMLPage {
  static func response(_ title: String, _ body: String, status: HTTPResponse.Status = .ok) -> Response {
    Response(
      status: status, headers: [.contentType: "text/html; charset=utf-8"],
      body: ResponseBody(
        byteBuffer: ByteBuffer(
          string: """
            <!doctype html><html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>\(title)</title><style>body{font:16px/1.6 sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}
            pre{background:#f4f4f4;padding:1rem;overflow:auto}
            @media(max-width:320px){body{font-size:14px;margin:.5rem auto}h1{font-size:1.1rem;margin:0}p{margin:.4rem 0}
            button{margin:0 0 .3rem}}</style><h1>\(title)</h1>\(body)</html>
            """)))
  }

  static func refused(_ chinese: String, _ english: String) -> Response {
    response(chinese, "<p>\(escaped(chinese)) · \(escaped(english))</p>", status: .badRequest)
  }

  static func escaped(_ text: String) -> String {
    text.map { character in
      switch character {
      case "&": "&amp;"
      case "<": "&lt;"
      case ">": "&gt;"
      case "\"": "&quot;"
      default: String(character)
      }
    }.joined()
  }
}
