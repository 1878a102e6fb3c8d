import Federation

/// What WeChat's errcodes mean and what is to be done, in one table.
///
/// The numbers are WeChat's; the statuses and words are those of our contract. What is not in the table is `wechat_error`.
enum ErrorCatalogue {
  struct Entry: Sendable {
    let code: String
    let status: Int
    let retry: RetryClass
    /// For the tenant's administrator: what it means and what to do.
    let hint: String
  }

  /// The entry of an errcode; `nil` for one WeChat has not told us about.
  static func entry(_ errcode: Int) -> Entry? { entries[errcode] }

  /// What the caller is told, in English and Chinese, by our word.
  static func text(_ code: String) -> (english: String, chinese: String) {
    texts[code] ?? ("WeChat refused the request.", "微信拒绝了请求。")
  }

  private static let texts: [String: (english: String, chinese: String)] = [
    "wechat_code_invalid": ("WeChat does not accept this code. Ask the person again.", "微信授权码无效或已过期，请重新操作。"),
    "wechat_user_blocked": ("WeChat blocks this user for now.", "该微信用户被微信安全策略拦截，暂时无法登录。"),
    "rate_limited": ("WeChat's limit of calls is reached. Try again later.", "调用微信过于频繁，请稍后再试。"),
    "wechat_credentials_rejected": (
      "WeChat rejects the credentials of this client. The tenant's administrator finds the reason at the client.",
      "微信拒绝了该客户端的凭据，请联系管理员。"
    ),
    "wechat_unavailable": ("WeChat cannot be reached or is busy. Try again in a moment.", "微信暂时无法响应，请稍后重试。"),
    "wechat_error": ("WeChat refused the request.", "微信拒绝了请求。"),
  ]

  private static let entries: [Int: Entry] = {
    var table: [Int: Entry] = [:]
    func add(_ codes: [Int], _ code: String, _ status: Int, _ retry: RetryClass, _ hint: String) {
      for errcode in codes {
        table[errcode] = Entry(code: code, status: status, retry: retry, hint: hint)
      }
    }
    add([-1], "wechat_unavailable", 503, .backOff, "WeChat is busy; nothing to do.")

    let spent =
      "The code is unknown, used, expired or of another AppID; if many logins fail so, the miniapp's AppID is not this client's."
    add([40029, 40163, 42003, 41008], "wechat_code_invalid", 400, .relogin, spent)
    add([40226], "wechat_user_blocked", 403, .never, "WeChat's risk control blocks this user.")
    add(
      [45011], "rate_limited", 429, .backOff,
      "The limit of calls a minute is reached; it is open again in the next minute.")
    add(
      [45009], "rate_limited", 429, .backOff,
      "The limit of calls a day is reached; it can be reset at mp.weixin.qq.com ten times a month.")

    let stale =
      "The app access token is no longer the current one. If it happens again soon, another system refreshes the token of this AppID."
    add([40001, 40014, 42001], "wechat_credentials_rejected", 502, .refreshToken, stale)
    add(
      [40013], "wechat_credentials_rejected", 502, .disable,
      "WeChat does not know this AppID; correct app_id (the case counts).")
    add(
      [40125], "wechat_credentials_rejected", 502, .disable,
      "The AppSecret is wrong, was reset, or is of another AppID; set app_secret anew.")
    add(
      [40164], "wechat_credentials_rejected", 502, .admin,
      "The server's address is not on the IP whitelist of this AppID; add it at mp.weixin.qq.com.")
    add(
      [40243], "wechat_credentials_rejected", 502, .disable, "The AppSecret is frozen; unfreeze it at mp.weixin.qq.com."
    )
    add(
      [41002, 41004], "wechat_credentials_rejected", 502, .disable,
      "AppID or AppSecret is missing; set app_id and app_secret anew.")
    add(
      [48001, 61007], "wechat_credentials_rejected", 502, .admin,
      "The AppID has no permission for this call; apply for the capability at mp.weixin.qq.com.")
    add(
      [48004, 50002, 50004, 50007], "wechat_credentials_rejected", 502, .disable,
      "WeChat has banned, limited or frozen this account; see the notices at mp.weixin.qq.com.")
    add(
      [61003], "wechat_credentials_rejected", 502, .disable,
      "The account has withdrawn its authorisation; authorise again.")
    add(
      [89501, 89502, 89503, 89504, 89505], "wechat_credentials_rejected", 502, .admin,
      "WeChat waits for the account's administrator to confirm the call in WeChat.")
    add(
      [89506], "wechat_credentials_rejected", 502, .admin,
      "The administrator refused this address twice; WeChat allows the next try after 24 hours.")
    add(
      [89507], "wechat_credentials_rejected", 502, .admin,
      "The administrator refused this address; WeChat allows the next try after one hour.")

    add(
      [40003], "wechat_error", 502, .relogin,
      "The openid is not one of this AppID, or not the person of the phone code.")
    add([40030, 42002, 42007, 50001], "wechat_error", 502, .relogin, "The person must authorise again.")
    add(
      [87007, 87008, 87009], "wechat_error", 502, .relogin,
      "The session_key is superseded; the person must sign in again.")
    let ours = "The request was malformed; this is a fault of the service."
    add(
      [40002, 41001, 41003, 41009, 43001, 43002, 43003, 44002, 47001, 47002, 40033, 40035, 40066, 40097],
      "wechat_error", 502, .never, ours)
    return table
  }()
}

extension ProviderFailure {
  /// The failure WeChat named with an errcode.
  init(errcode: Int, errmsg: String) {
    let entry = ErrorCatalogue.entry(errcode)
    let code = entry?.code ?? "wechat_error"
    let (english, chinese) = ErrorCatalogue.text(code)
    var hint = entry?.hint ?? "WeChat answered \(errcode), which is not in our table."
    if errcode == 40164, let address = errmsg.firstMatch(of: /invalid ip ([0-9a-fA-F.:]+)/)?.1 {
      hint =
        "WeChat saw the address \(address), which is not on the IP whitelist of this AppID; add it at mp.weixin.qq.com."
    }
    self.init(
      code: code, status: entry?.status ?? 502, errcode: errcode, retry: entry?.retry ?? .never, detail: english,
      detailZH: chinese, adminHint: hint,
      requestID: errmsg.firstMatch(of: /rid: ?([0-9a-f-]{8,40})/).map { String($0.1) },
      retryAfter: entry?.code == "rate_limited" ? 60 : nil)
  }

  /// WeChat could not be reached or answered something that is not its protocol.
  static func unavailable(_ hint: String) -> ProviderFailure {
    let (english, chinese) = ErrorCatalogue.text("wechat_unavailable")
    return ProviderFailure(
      code: "wechat_unavailable", status: 503, errcode: nil, retry: .backOff, detail: english, detailZH: chinese,
      adminHint: hint, retryAfter: 2)
  }

  /// More calls of one AppID at once than we make.
  static let tooManyCalls = ProviderFailure(
    code: "rate_limited", status: 429, errcode: nil, retry: .backOff,
    detail: "Too many logins of this client at once. Try again in a moment.", detailZH: "登录请求过多，请稍后再试。", retryAfter: 2)
}
