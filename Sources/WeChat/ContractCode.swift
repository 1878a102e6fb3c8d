/// The words of our contract for what WeChat did, with the status and the text for whoever asked us.
enum ContractCode: String, Sendable, CaseIterable {
  case codeInvalid = "wechat_code_invalid"
  case userBlocked = "wechat_user_blocked"
  case rateLimited = "rate_limited"
  case credentialsRejected = "wechat_credentials_rejected"
  case error = "wechat_error"
  case unavailable = "wechat_unavailable"

  /// The HTTP status of the answer.
  var status: Int {
    switch self {
    case .codeInvalid: 400
    case .userBlocked: 403
    case .rateLimited: 429
    case .credentialsRejected, .error: 502
    case .unavailable: 503
    }
  }

  /// For the caller; says nothing of the tenant's settings.
  var english: String {
    switch self {
    case .codeInvalid:
      "WeChat does not accept this code: it is used, expired or of another app. Ask the person again for a new one."
    case .userBlocked: "WeChat's risk control blocks this user for now. Do not try again automatically."
    case .rateLimited: "WeChat's limit of calls is reached. Try again after the seconds in Retry-After."
    case .credentialsRejected:
      "WeChat rejects the credentials of this client. The tenant's administrator finds the reason at the client."
    case .error: "WeChat refused the request; wechat_errcode is its own number for the reason."
    case .unavailable: "WeChat cannot be reached or is busy. Try again in a moment, with a new code."
    }
  }

  /// The same in Chinese.
  var chinese: String {
    switch self {
    case .codeInvalid: "微信授权码无效、已使用或已过期，请重新操作。"
    case .userBlocked: "该微信用户被微信安全策略拦截，暂时无法登录。"
    case .rateLimited: "调用微信过于频繁，请稍后再试。"
    case .credentialsRejected: "微信拒绝了该客户端的凭据，请联系管理员。"
    case .error: "微信拒绝了请求，原因见 wechat_errcode。"
    case .unavailable: "微信暂时无法响应，请稍后使用新的授权码重试。"
    }
  }
}
