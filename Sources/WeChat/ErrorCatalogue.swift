import Federation

/// What WeChat's errcodes mean and what is to be done, in one table.
///
/// The numbers are WeChat's (global return codes, third-party platform, WeCom); the words are our contract's. A number that is
/// not in the table is `wechat_error` and never repeated.
enum ErrorCatalogue {
  /// What one errcode means.
  struct Entry: Sendable {
    let code: ContractCode
    let retry: RetryClass
    /// What WeChat says with it.
    let meaning: Text
    /// What the tenant's administrator can do about it.
    let action: Text
    /// Seconds after which asking again makes sense.
    let retryAfter: Int?
  }

  /// The same in English and Chinese.
  struct Text: Sendable {
    let english: String
    let chinese: String

    init(_ english: String, _ chinese: String) {
      self.english = english
      self.chinese = chinese
    }
  }

  /// Everything in the table.
  static let entries: [Int: Entry] = {
    var table: [Int: Entry] = [:]
    for row in rows {
      for errcode in row.errcodes {
        precondition(table[errcode] == nil, "errcode \(errcode) stands twice in the table")
        table[errcode] = Entry(
          code: row.code, retry: row.retry, meaning: row.meaning, action: row.action, retryAfter: row.retryAfter)
      }
    }
    return table
  }()

  private struct Row {
    let errcodes: [Int]
    let code: ContractCode
    let retry: RetryClass
    let meaning: Text
    let action: Text
    let retryAfter: Int?
  }

  private static func row(
    _ errcodes: Int..., code: ContractCode, retry: RetryClass, _ meaning: Text, _ action: Text, after: Int? = nil
  ) -> Row {
    Row(errcodes: errcodes, code: code, retry: retry, meaning: meaning, action: action, retryAfter: after)
  }

  static let askAgain = Text("Nothing; the person signs in again.", "无需处理，用户重新登录即可。")
  private static let setSecret = Text(
    "Copy the AppSecret of this very AppID from mp.weixin.qq.com or open.weixin.qq.com and set app_secret anew.",
    "请从微信公众平台或开放平台复制该 AppID 的 AppSecret，并重新设置 app_secret。")
  private static let seeNotices = Text(
    "Read the notices of the account at mp.weixin.qq.com and follow them; then verify the client.",
    "请登录微信公众平台查看站内通知并处理，然后重新验证该客户端。")
  private static let confirm = Text(
    "The account's administrator confirms the request that WeChat sent to their WeChat; we ask again slowly.",
    "请公众号/小程序管理员在微信中确认该请求，系统会稍后自动重试。")
  private static let ours = Text("Report it to the operator of this service with the request id.", "请将请求编号反馈给本服务的运营方。")

  private static let rows: [Row] = [
    row(
      -1, code: .unavailable, retry: .backOff, Text("WeChat is busy.", "微信系统繁忙。"),
      Text("Nothing; it passes.", "无需处理，稍后恢复。"), after: 2),

    // Codes and persons.
    row(
      40029, code: .codeInvalid, retry: .relogin,
      Text("The code is unknown, expired or of another AppID.", "授权码无效、已过期，或属于其他 AppID。"),
      Text(
        "If many logins fail so, the miniapp runs under another AppID than this client's app_id.",
        "如果大量登录出现此错误，请检查小程序的 AppID 是否与该客户端的 app_id 一致。")),
    row(40163, code: .codeInvalid, retry: .relogin, Text("The code was used before.", "授权码已被使用。"), askAgain),
    row(42003, code: .codeInvalid, retry: .relogin, Text("The code is expired.", "授权码已过期。"), askAgain),
    row(
      40226, code: .userBlocked, retry: .never,
      Text("WeChat's risk control blocks this user.", "该用户被微信风控拦截。"),
      Text("Nothing; the user can appeal to WeChat.", "无需处理，用户可向微信申诉。")),
    row(
      40003, code: .error, retry: .relogin,
      Text("The openid is not one of this AppID.", "openid 无效或不属于该 AppID。"), askAgain),
    row(
      40030, code: .error, retry: .relogin, Text("The user's refresh_token is invalid.", "用户的 refresh_token 无效。"),
      askAgain),
    row(
      42002, code: .error, retry: .relogin, Text("The user's refresh_token is expired.", "用户的 refresh_token 已过期。"),
      askAgain),
    row(
      42007, code: .error, retry: .relogin,
      Text("The user changed the WeChat password; all grants are dead.", "用户修改了微信密码，授权全部失效。"), askAgain),
    row(
      50001, code: .error, retry: .relogin,
      Text(
        "The user has not granted this call, or the redirect domain is not trusted (WeCom).", "用户未授权该接口，或回调域名不可信（企业微信）。"
      ),
      Text("Ask for a wider scope; for WeCom add the domain to the app's trusted ones.", "请申请更大的授权范围；企业微信请添加可信域名。")),
    row(
      87007, code: .error, retry: .relogin, Text("The session_key is gone.", "session_key 不存在或已过期。"), askAgain),
    row(
      87009, code: .error, retry: .relogin,
      Text("The signature does not match: the session_key is superseded.", "签名不匹配，session_key 已更换。"), askAgain),

    // Limits.
    row(
      45011, code: .rateLimited, retry: .backOff, Text("The limit of calls a minute is reached.", "达到每分钟调用上限。"),
      Text("Nothing; it is open again in the next minute.", "无需处理，下一分钟恢复。"), after: 60),
    row(
      45009, code: .rateLimited, retry: .backOff, Text("The limit of calls a day is reached.", "达到每日调用上限。"),
      Text(
        "It is open again at midnight in Beijing; ten times a month it can be reset at mp.weixin.qq.com.",
        "北京时间零点恢复；每月可在微信公众平台清零十次。"), after: 3600),
    row(
      45033, code: .error, retry: .backOff, Text("Too many calls at once (WeCom).", "并发调用过多（企业微信）。"),
      Text("Nothing; it passes.", "无需处理，稍后恢复。"), after: 10),

    // The app access token.
    row(
      40001, code: .credentialsRejected, retry: .refreshToken,
      Text("The app access token is not the current one.", "access_token 无效或不是最新的。"),
      Text(
        "If it happens again soon, another system refreshes the token of this AppID with cgi-bin/token: let it use stable_token.",
        "如果频繁出现，说明其他系统也在刷新该 AppID 的 access_token，请让其改用 stable_token。")),
    row(
      40014, code: .error, retry: .refreshToken, Text("The access token is malformed or foreign.", "access_token 不合法。"),
      Text("Nothing; a new one is fetched.", "无需处理，系统会重新获取。")),
    row(
      42001, code: .error, retry: .refreshToken, Text("The access token is expired.", "access_token 已过期。"),
      Text("Nothing; a new one is fetched.", "无需处理，系统会重新获取。")),
    row(
      42006, code: .error, retry: .backOff, Text("The component's access token is expired.", "第三方平台 access_token 已过期。"),
      ours, after: 2),

    // The app's credentials and permissions.
    row(
      40013, code: .credentialsRejected, retry: .disable, Text("WeChat does not know this AppID.", "AppID 无效。"),
      Text("Correct app_id at the client; upper and lower case count.", "请更正客户端的 app_id，注意大小写。")),
    row(
      40125, code: .credentialsRejected, retry: .disable,
      Text("The AppSecret is wrong, was reset, or is of another AppID.", "AppSecret 错误、已重置，或属于其他 AppID。"), setSecret),
    row(
      40164, code: .credentialsRejected, retry: .admin,
      Text("The server's address is not on the IP whitelist of this AppID.", "服务器 IP 不在该 AppID 的 IP 白名单中。"),
      Text(
        "Add the server's outgoing address to the IP whitelist at mp.weixin.qq.com (Development, Basic settings).",
        "请在微信公众平台「开发管理 - 基本配置」中将服务器出口 IP 加入白名单。")),
    row(
      40243, code: .credentialsRejected, retry: .disable, Text("The AppSecret is frozen.", "AppSecret 已被冻结。"),
      Text("Unfreeze the AppSecret at mp.weixin.qq.com; then verify the client.", "请在微信公众平台解冻 AppSecret，然后重新验证该客户端。")),
    row(
      41002, code: .credentialsRejected, retry: .disable, Text("The AppID is missing.", "缺少 AppID。"),
      Text("Set app_id at the client.", "请设置客户端的 app_id。")),
    row(
      41004, code: .credentialsRejected, retry: .disable, Text("The AppSecret is missing.", "缺少 AppSecret。"), setSecret),
    row(
      48001, code: .credentialsRejected, retry: .admin,
      Text("The AppID has no permission for this call.", "该 AppID 没有调用此接口的权限。"),
      Text(
        "Apply for the capability at mp.weixin.qq.com; phone numbers need a verified miniapp of a company.",
        "请在微信公众平台申请该接口权限；获取手机号要求小程序已认证且为非个人主体。")),
    row(
      61007, code: .error, retry: .admin,
      Text("The account has not granted the platform this call.", "公众号/小程序未将该权限授予第三方平台。"),
      Text("Grant the permission set in a new authorisation.", "请重新授权并勾选所需权限集。")),
    row(
      48004, 50002, code: .credentialsRejected, retry: .disable,
      Text("WeChat has banned or limited this account.", "该账号被微信封禁或限制。"), seeNotices),
    row(
      50004, code: .credentialsRejected, retry: .disable,
      Text("WeChat forbids this account access tokens.", "该账号被禁止使用 access_token。"), seeNotices),
    row(
      50007, code: .credentialsRejected, retry: .disable, Text("The account is frozen.", "账号已被冻结。"), seeNotices),
    row(
      89501, 89502, 89504, 89505, code: .credentialsRejected, retry: .admin,
      Text("WeChat waits for the account's administrator.", "正在等待管理员确认。"), confirm),
    row(
      89503, code: .credentialsRejected, retry: .admin,
      Text("The call needs the confirmation of the account's administrator.", "该调用需要管理员确认。"), confirm),
    row(
      89506, code: .credentialsRejected, retry: .admin,
      Text("The administrator refused this server's address twice.", "管理员已两次拒绝该 IP 的调用请求。"),
      Text("Confirm when WeChat asks again, which it does after 24 hours.", "24 小时后可再次发起，请届时在微信中确认。"),
      after: 86_400),
    row(
      89507, code: .credentialsRejected, retry: .admin,
      Text("The administrator refused this server's address.", "管理员拒绝了该 IP 的调用请求。"),
      Text("Confirm when WeChat asks again, which it does after one hour.", "1 小时后可再次发起，请届时在微信中确认。"),
      after: 3600),

    // The third-party platform.
    row(
      61003, code: .credentialsRejected, retry: .disable,
      Text("The account has withdrawn its authorisation.", "公众号/小程序已取消对第三方平台的授权。"),
      Text("Authorise the platform again.", "请重新授权第三方平台。")),
    row(
      61023, code: .error, retry: .admin,
      Text("The platform's refresh token for this account is invalid.", "授权方的 refresh_token 无效。"),
      Text("Authorise the platform again.", "请重新授权第三方平台。")),
    row(
      61009, 61010, code: .error, retry: .relogin, Text("The authorisation code is invalid or expired.", "授权码无效或已过期。"),
      Text("Start the authorisation again.", "请重新发起授权。")),
    row(
      61004, code: .error, retry: .admin, Text("The platform's address is not registered.", "第三方平台的 IP 未登记。"), ours),
    row(
      61005, 61006, code: .error, retry: .backOff,
      Text("The platform's ticket is expired or invalid.", "第三方平台 ticket 已过期或无效。"), ours, after: 600),
    row(
      61011, 61024, code: .error, retry: .never,
      Text("The platform's credentials are wrong or used at the wrong call.", "第三方平台凭据错误或用错接口。"), ours),

    // Pages and WeCom.
    row(
      10003, 10005, code: .error, retry: .admin,
      Text("The redirect domain or the scope is not configured.", "回调域名或授权范围未配置。"),
      Text("Register the callback domain and apply for the scope at WeChat.", "请在微信平台登记回调域名并开通相应授权范围。")),
    row(40091, code: .error, retry: .disable, Text("The secret is wrong (WeCom).", "secret 错误（企业微信）。"), setSecret),
    row(
      60020, code: .error, retry: .admin, Text("The server's address is not trusted (WeCom).", "服务器 IP 不可信（企业微信）。"),
      Text("Add the server's address to the app's trusted ones.", "请将服务器 IP 加入应用的可信 IP。")),
    row(
      60011, 60111, 301002, code: .error, retry: .admin,
      Text("The app may not see this member, or there is none (WeCom).", "应用无权限或成员不存在（企业微信）。"),
      Text("Widen the app's visible range.", "请扩大应用的可见范围。")),

    // Faults of ours.
    row(
      40002, 40033, 40035, 40066, 40097, 41001, 41003, 41008, 41009, 43001, 43002, 43003, 44002, 47001, 47002, 87008,
      code: .error, retry: .never, Text("The request was malformed.", "请求格式错误。"), ours),
  ]
}
