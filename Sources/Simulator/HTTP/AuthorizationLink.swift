import Foundation
import Hummingbird

/// A link to one of open.weixin.qq.com's pages, checked the way WeChat does before it shows anything.
struct AuthorizationLink {
  /// Which page.
  enum Page: String {
    /// QR login for websites.
    case qrconnect
    /// Web OAuth inside WeChat.
    case authorize
    /// What WeChat's app shows when a native app asks; no link leads there.
    case native

    /// Whose page it is.
    var kind: App.Kind {
      switch self {
      case .qrconnect: .web
      case .authorize: .officialAccount
      case .native: .mobile
      }
    }

    /// What may be asked for.
    var scopes: [String] {
      switch self {
      case .qrconnect: ["snsapi_login"]
      case .authorize: ["snsapi_base", "snsapi_userinfo"]
      case .native: ["snsapi_userinfo"]
      }
    }
  }

  /// What WeChat writes on the page instead; it never goes back to a site whose link is wrong.
  struct Refused: Error {
    let chinese: String
    let english: String

    static let app = Refused(chinese: "AppID 参数错误", english: "No such app of this kind.")
  }

  let page: Page
  let app: App
  let redirect: String
  let scope: String
  let state: String
  /// True for a page in a frame that takes the whole window back.
  let leavesFrame: Bool

  /// The link of a page.
  /// - Parameter query: as it stands in the link: the order counts on the page inside WeChat.
  init(_ page: Page, query: String, in world: World) throws(Refused) {
    let pairs = Self.pairs(query)
    if page == .authorize { try Self.checkOrder(pairs.map(\.0)) }
    let fields = Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    guard fields["response_type"] == "code" else {
      throw Refused(chinese: "参数错误", english: "response_type must be code.")
    }
    guard page == .qrconnect || (fields["state"] ?? "").wholeMatch(of: /[A-Za-z0-9]{0,128}/) != nil else {
      throw Refused(chinese: "state 参数错误", english: "state must be at most 128 letters and digits.")
    }
    try self.init(fields, in: world)
    guard self.page == page else { throw Refused.app }
  }

  /// What a page's form sends back; it is checked again because anybody can send it.
  init(_ fields: [String: String], in world: World) throws(Refused) {
    guard let app = world.state.withLock({ $0.apps[fields["appid"] ?? ""] }),
      let page = [Page.qrconnect, .authorize, .native].first(where: { $0.kind == app.kind })
    else { throw Refused.app }
    guard app.bannedWith == nil else { throw Refused(chinese: "帐号已被封禁", english: "The app is banned.") }
    guard let redirect = fields["redirect_uri"], Self.host(of: redirect).map(app.allows) == true else {
      throw Refused(chinese: "该链接无法访问 (10003)", english: "redirect_uri is not on the registered domain.")
    }
    guard let scope = fields["scope"], page.scopes.contains(scope) else {
      throw Refused(chinese: "没有权限 (10005)", english: "The app has no permission for this scope.")
    }
    self.page = page
    self.app = app
    self.redirect = redirect
    self.scope = scope
    state = fields["state"] ?? ""
    leavesFrame = fields["login_type"] == "jssdk" && fields["self_redirect"] != "true"
  }

  /// Where the browser goes back to; without a code after a refusal.
  func target(code: String?) -> String {
    // A fragment stays last, and a query that is there stays.
    let parts = redirect.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
    let code = code.map { "code=\($0)&" } ?? ""
    let separator = parts[0].contains("?") ? "&" : "?"
    return "\(parts[0])\(separator)\(code)state=\(PercentEncoding.encode(state))"
      + (parts.count > 1 ? "#\(parts[1])" : "")
  }

  /// The parameters of a query or form, in order.
  static func pairs(_ text: String) -> [(String, String)] {
    text.split(separator: "&").map { pair in
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      func decoded(_ part: Substring) -> String {
        part.replacingOccurrences(of: "+", with: " ").removingPercentEncoding ?? ""
      }
      return (decoded(parts[0]), parts.count > 1 ? decoded(parts[1]) : "")
    }
  }

  /// The link is matched by a strict pattern inside WeChat: parameters in another order are a page error.
  private static func checkOrder(_ names: [String]) throws(Refused) {
    let order = ["appid", "redirect_uri", "response_type", "scope", "state", "component_appid"]
    let known = names.filter(order.contains)
    guard known == order.filter(known.contains) else {
      throw Refused(chinese: "参数顺序错误", english: "The parameters are out of order.")
    }
  }

  private static func host(of redirect: String) -> String? {
    guard redirect.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), let url = URL(string: redirect),
      url.scheme == "http" || url.scheme == "https"
    else { return nil }
    return url.host
  }
}

extension App {
  /// The registered domain exactly: neither below nor above it.
  fileprivate func allows(_ host: String) -> Bool { redirectDomain == nil || redirectDomain == host }
}
