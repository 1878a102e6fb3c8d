extension Phrases {
  static let account = Phrase("Your account", "我的账号")
  static let profile = Phrase("Profile", "个人资料")
  static let displayName = Phrase("Name", "昵称")
  static let loginName = Phrase("Username", "用户名")
  static let phone = Phrase("Phone", "手机号")
  static let email = Phrase("E-mail", "邮箱")
  static let identities = Phrase("WeChat", "微信")
  static let identitiesHint = Phrase("WeChat accounts you can sign in with.", "可用于登录的微信账号。")
  static let noIdentities = Phrase("No WeChat account is connected.", "尚未关联微信账号。")
  static let linkWeChat = Phrase("Connect WeChat", "关联微信")
  static let unlink = Phrase("Disconnect", "解除关联")
  static let linkedSince = Phrase("Connected", "关联于")
  static let sessions = Phrase("Where you are signed in", "登录设备")
  static let browser = Phrase("Browser", "浏览器")
  static let thisBrowser = Phrase("This browser", "当前浏览器")
  static let signedInAt = Phrase("Signed in", "登录于")
  static let endSession = Phrase("Sign out", "退出")
  static let endAll = Phrase("Sign out everywhere", "退出所有设备")
  static let consents = Phrase("Applications with access", "已授权的应用")
  static let noConsents = Phrase("No application has access.", "没有已授权的应用。")
  static let revoke = Phrase("Revoke", "撤销")
  static let passwordTitle = Phrase("Password", "密码")
  static let currentPassword = Phrase("Current password", "当前密码")
  static let newPassword = Phrase("New password", "新密码")
  static let newPasswordHint = Phrase("At least 8 characters.", "至少 8 个字符。")
  static let changePassword = Phrase("Change password", "修改密码")
  static let twoStep = Phrase("Two-step sign-in", "两步验证")
  static let twoStepOff = Phrase(
    "A code of your authenticator app protects your account beside your password or WeChat.",
    "登录时除密码或微信外，还需输入验证器应用中的验证码，让账号更安全。")
  static let twoStepOn = Phrase("On. Backup codes left:", "已开启。剩余备用码：")
  static let turnOn = Phrase("Turn on", "开启")
  static let turnOff = Phrase("Turn off", "关闭")
  static let newBackupCodes = Phrase("New backup codes", "重新生成备用码")
  static let enroll = Phrase("Set up your authenticator", "设置验证器")
  static let enrollHint = Phrase(
    "Scan this with your authenticator app, or type the key into it. Then enter the six digits it shows.",
    "请用验证器应用扫描二维码，或手动输入密钥，然后输入应用显示的六位数字。")
  static let openAuthenticator = Phrase("Open in authenticator", "在验证器中打开")
  static let qrLabel = Phrase("QR code of the key", "密钥二维码")
  static let secretKey = Phrase("Key", "密钥")
  static let backupCodes = Phrase("Your backup codes", "您的备用码")
  static let backupCodesHint = Phrase(
    "Each works once, when your authenticator is not at hand. They are not shown again.",
    "验证器不可用时，每个备用码可使用一次。备用码仅显示这一次，请妥善保存。")
  static let done = Phrase("Done", "完成")

  /// What the account page reports.
  static let notices: [AccountPage.Notice: Phrase] = [
    .unlinked: Phrase("The WeChat account is disconnected.", "已解除微信关联。"),
    .linked: Phrase("The WeChat account is connected.", "已关联微信。"),
    .sessionEnded: Phrase("The session has ended.", "已退出该设备。"),
    .consentRevoked: Phrase("The application has no access any more.", "已撤销应用授权。"),
    .passwordChanged: Phrase("Your password is changed. Other sessions have ended.", "密码已修改，其他设备已退出登录。"),
    .mfaOff: Phrase("Two-step sign-in is off.", "已关闭两步验证。"),
    .confirmed: Phrase("Thank you, it is you. You can make your change now.", "身份已确认，请继续刚才的操作。"),
    .lastCredential: Phrase(
      "This is the last way you can sign in with. Set a password first.", "这是您唯一的登录方式，请先设置密码。"),
    .linkedElsewhere: Phrase(
      "This WeChat account belongs to another account here.", "该微信已关联其他账号。"),
    .wrongPassword: Phrase("The current password is not right.", "当前密码不正确。"),
    .weakPassword: Phrase("The new password is too short or too long.", "新密码长度不符合要求。"),
    .locked: Phrase("Too many wrong passwords. Wait some minutes before you try again.", "密码错误次数过多，请几分钟后再试。"),
    .busy: Phrase("This cannot be done just now. Try again in a moment.", "暂时无法操作，请稍后再试。"),
  ]
}
