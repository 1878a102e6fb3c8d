/// An answer with an errcode.
struct WeChatError: Error, Equatable {
  let errcode: Int
  let errmsg: String

  init(_ errcode: Int, _ errmsg: String? = nil) {
    self.errcode = errcode
    self.errmsg = errmsg ?? Self.stems[errcode] ?? "error"
  }

  private static let stems: [Int: String] = [
    -1: "system error", 40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type", 40003: "invalid openid", 40013: "invalid appid", 40014: "invalid access_token",
    40029: "invalid code", 40030: "invalid refresh_token", 40125: "invalid appsecret", 40163: "code been used",
    40164: "invalid ip, not in whitelist", 40226: "code blocked", 40243: "appsecret is frozen",
    41001: "access_token missing", 41002: "appid missing", 41003: "refresh_token missing", 41004: "appsecret missing",
    41008: "missing code", 41009: "missing openid", 42001: "access_token expired", 42002: "refresh_token expired",
    42003: "oauth_code expired", 42007: "access_token and refresh_token exception", 43001: "require GET method",
    43002: "require POST method", 44002: "empty post data", 45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit  mustslower  retry next minute", 47001: "data format error",
    48001: "api unauthorized", 50002: "user limited", 50004: "forbid to use access_token", 50007: "account frozen",
    87007: "session_key is not existd or expired", 87008: "invalid sig_method", 87009: "invalid signature",
    89503: "this ip needs the administrator's confirmation",
    89506: "ip refused by the administrator, retry after 24 hours",
    89507: "ip refused by the administrator, retry after 1 hour",
  ]
}
