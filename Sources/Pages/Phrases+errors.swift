extension Phrases {
  /// What a sign-in form reports.
  static let loginErrors: [LoginPage.Fault: Phrase] = [
    .wrongCredentials: Phrase(
      "The name or the password is not right. Check both and try again.", "账号或密码不正确，请检查后重试。"),
    .locked: Phrase(
      "Too many wrong passwords. Wait some minutes before you try again.", "密码错误次数过多，请几分钟后再试。"),
    .busy: Phrase("Too many people sign in just now. Try again in a moment.", "当前登录人数过多，请稍后再试。"),
    .expired: Phrase("This page was open for too long. Sign in again.", "页面已过期，请重新登录。"),
    .weChatFailed: Phrase("Signing in with WeChat did not work. Try again.", "微信登录失败，请重试。"),
    .weChatRefused: Phrase("The sign-in was declined in WeChat.", "您已在微信中取消登录。"),
    .noAccount: Phrase(
      "This WeChat account is not connected to an account here. Sign in with your password or ask the operator.",
      "该微信尚未关联本系统账号。请使用密码登录，或联系管理员。"),
  ]

  static let wrongCode = Phrase("This code is not right or was used already.", "验证码不正确或已被使用。")
  static let wrongUserCode = Phrase(
    "This code is unknown or too old. Look at your device again.", "代码无效或已过期，请查看设备上的代码。")
  static let tooManyCodes = Phrase("Too many tries. Wait some minutes.", "尝试次数过多，请几分钟后再试。")

  /// Title and explanation of an error code.
  static func error(_ code: String) -> (title: Phrase, text: Phrase) {
    errors[code]
      ?? (
        Phrase("This did not work", "操作未成功"),
        Phrase("Go back to the application and start again.", "请返回应用重新开始。")
      )
  }

  private static let errors: [String: (title: Phrase, text: Phrase)] = [
    "invalid_redirect_uri": (
      Phrase("This link is not safe to follow", "此链接不安全"),
      Phrase(
        "The application asked to be called back at an address that is not registered. For your safety we stopped here.",
        "应用请求返回到未登记的地址。为保证安全，我们已停止操作。")
    ),
    "invalid_client": (
      Phrase("Unknown application", "未知应用"),
      Phrase("The application that sent you here is not known.", "将您引导至此的应用未登记。")
    ),
    "invalid_request": (
      Phrase("This request is not valid", "请求无效"),
      Phrase("The application that sent you here made a mistake.", "将您引导至此的应用发送了错误的请求。")
    ),
    "expired": (
      Phrase("This page is too old", "页面已过期"),
      Phrase("Go back to the application and start again.", "请返回应用重新开始。")
    ),
    "csrf": (
      Phrase("This form is not yours", "表单校验失败"),
      Phrase(
        "It was not sent from the page this browser was given. Go back and try again; cookies must be allowed.",
        "表单并非由本浏览器打开的页面提交。请返回重试，并允许使用 Cookie。")
    ),
    "access_denied": (
      Phrase("No access", "无法访问"), Phrase("You have no access to this application.", "您无权访问此应用。")
    ),
    "tenant_suspended": (
      Phrase("This site is closed for now", "该站点已暂停服务"),
      Phrase("Ask the operator of the application that sent you here.", "请联系将您引导至此的应用的运营方。")
    ),
    "not_found": (
      Phrase("There is nothing here", "页面不存在"), Phrase("Check the address.", "请检查地址是否正确。")
    ),
    "too_many_requests": (
      Phrase("Too many requests", "请求过于频繁"), Phrase("Wait a moment and try again.", "请稍后再试。")
    ),
    "temporarily_unavailable": (
      Phrase("Try again in a moment", "请稍后再试"),
      Phrase("The service is very busy just now.", "服务当前繁忙。")
    ),
    "server_error": (
      Phrase("Something went wrong here", "服务出现错误"),
      Phrase("It is not your fault. Try again in a moment.", "这不是您的问题，请稍后重试。")
    ),
    "wechat_code_invalid": (
      Phrase("WeChat's answer cannot be used", "微信授权已失效"),
      Phrase("It is too old or was used before. Sign in with WeChat once more.", "授权码已过期或已使用，请重新使用微信登录。")
    ),
    "wechat_user_blocked": (
      Phrase("WeChat holds this account back", "微信账号受限"),
      Phrase("WeChat's security policy blocks it for now.", "该微信账号被微信安全策略拦截，暂时无法登录。")
    ),
    "wechat_snapshot_user": (
      Phrase("Tap once more", "请再点一次"),
      Phrase(
        "WeChat showed a preview of this page, without your account. Open the whole page and tap the button.",
        "当前为微信快照页，未获取到您的真实身份。请打开完整页面后点击下方按钮。")
    ),
    "wechat_credentials_rejected": (
      Phrase("WeChat does not know this site", "微信登录配置有误"),
      Phrase("The operator of this site has to look at its WeChat settings.", "请联系网站管理员检查微信应用配置。")
    ),
    "wechat_error": (
      Phrase("WeChat refused", "微信拒绝了请求"),
      Phrase("Sign in with WeChat once more, or another way.", "请重新使用微信登录，或使用其他方式。")
    ),
    "wechat_unavailable": (
      Phrase("WeChat cannot be reached", "暂时无法连接微信"),
      Phrase("Wait a moment and sign in once more.", "请稍后重新登录。")
    ),
    "rate_limited": (
      Phrase("Too many requests", "请求过于频繁"), Phrase("Wait a moment and try again.", "请稍后再试。")
    ),
    "bind_ticket_invalid": (
      Phrase("This page is too old", "页面已过期"),
      Phrase("Sign in with WeChat once more.", "请重新使用微信登录。")
    ),
    "enrollment_closed": (
      Phrase("No new accounts", "暂不接受新用户"),
      Phrase("This WeChat account is not connected to an account here.", "该微信尚未关联本站账号，且目前不接受新用户注册。")
    ),
    "user_disabled": (
      Phrase("This account is disabled", "账号已停用"), Phrase("Ask the operator.", "请联系管理员。")
    ),
    "client_not_found": (
      Phrase("WeChat sign-in is off", "微信登录未启用"),
      Phrase("Sign in another way.", "请使用其他方式登录。")
    ),
    "phone_number_conflict": (
      Phrase("This did not work", "操作未成功"),
      Phrase("The phone number belongs to another account.", "该手机号已属于其他账号。")
    ),
  ]
}
