import Federation
import OAuth

/// The pages of open.weixin.qq.com: QR login of websites, and web OAuth inside WeChat.
public struct OpenPages: BrowserPages {
  private let baseURL: String

  /// The pages below `baseURL`, which has no slash at its end: `https://open.weixin.qq.com`.
  public init(baseURL: String) { self.baseURL = baseURL }

  /// The base without a path.
  public var origin: String { baseURL.split(separator: "/", maxSplits: 3).prefix(2).joined(separator: "//") }

  /// The link of a page (WeChat: `/connect/qrconnect`, `/connect/oauth2/authorize`).
  ///
  /// Inside WeChat the link is matched by a strict pattern, so the order is WeChat's own; the fragment stands last in both.
  public func address(of request: BrowserAuthorization) -> String {
    let (path, scope) =
      request.page == .insideApp ? ("oauth2/authorize", "snsapi_userinfo") : ("qrconnect", "snsapi_login")
    var fields = [
      ("appid", request.appID), ("redirect_uri", request.redirectURI), ("response_type", "code"), ("scope", scope),
      ("state", request.state),
    ]
    if request.page != .insideApp { fields.append(("lang", request.isEnglish ? "en" : "cn")) }
    if request.page == .framedQR {
      // What wxLogin.js adds: the code comes back to the whole window, and the page keeps to the little room it has.
      fields += [("self_redirect", "false"), ("login_type", "jssdk"), ("stylelite", "1")]
    }
    let query = fields.map { "\($0)=\(PercentEncoding.encode($1))" }.joined(separator: "&")
    return "\(baseURL)/connect/\(path)?\(query)#wechat_redirect"
  }
}
