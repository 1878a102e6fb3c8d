/// The texts of the pages.
enum Phrases {
  static let signIn = Phrase("Sign in", "登录")
  static let signInTo = Phrase("to continue to", "以继续访问")
  static let username = Phrase("Username, phone or e-mail", "用户名、手机号或邮箱")
  static let password = Phrase("Password", "密码")
  static let or = Phrase("or with a password", "或使用密码登录")
  static let weChatQR = Phrase("Sign in with WeChat", "微信扫码登录")
  static let weChatHere = Phrase("Continue with WeChat", "微信一键登录")
  static let newcomer = Phrase("Welcome", "欢迎")
  static let newcomerHint = Phrase(
    "This WeChat account is not connected to an account here yet.", "该微信尚未关联本站账号。")
  static let register = Phrase("Create a new account", "创建新账号")
  static let orConnect = Phrase("or connect an account you have", "或关联已有账号")
  static let connect = Phrase("Sign in and connect", "登录并关联")
  static let tryAgain = Phrase("Try again", "重试")
  static let cancel = Phrase("Cancel", "取消")

  static let consent = Phrase("Allow access?", "允许访问？")
  static let consentAsks = Phrase("asks for access to your account. It will be able to:", "申请访问您的账号，将获得以下权限：")
  static let signedInAs = Phrase("Signed in as", "当前账号：")
  static let allow = Phrase("Allow", "允许")
  static let deny = Phrase("Deny", "拒绝")
  static let consentLater = Phrase(
    "You can take this back on your account page at any time.", "您可以随时在账号页面撤销授权。")

  static let deviceAsks = Phrase(
    "A device asks. Allow it only if you have it before you and it shows this code:", "此请求来自一台设备。仅当该设备在您身边并显示以下代码时才允许：")
  static let device = Phrase("Connect a device", "连接设备")
  static let deviceHint = Phrase(
    "Enter the code your device shows. Go on only if you started this yourself.", "请输入设备上显示的代码。仅在您本人发起时继续。")
  static let userCode = Phrase("Code", "代码")
  static let next = Phrase("Continue", "继续")
  static let deviceDone = Phrase("Device connected", "设备已连接")
  static let deviceDoneHint = Phrase("You can go back to your device.", "您可以返回设备继续操作。")
  static let deviceRefused = Phrase("Device refused", "已拒绝该设备")
  static let deviceRefusedHint = Phrase("The device got no access. You can close this page.", "该设备未获得访问权限，您可以关闭本页面。")

  static let logout = Phrase("Sign out?", "退出登录？")
  static let logoutHint = Phrase(
    "You will be signed out of all applications that share this sign-in.", "您将从所有共用此登录的应用中退出。")
  static let logoutButton = Phrase("Sign out", "退出登录")
  static let stay = Phrase("Stay signed in", "保持登录")
  static let loggedOut = Phrase("You are signed out", "您已退出登录")
  static let loggedOutHint = Phrase("You can close this page.", "您可以关闭本页面。")

  static let mfa = Phrase("Confirm that it is you", "验证您的身份")
  static let mfaHint = Phrase(
    "Enter the six digits of your authenticator app, or one of your backup codes.", "请输入验证器应用中的六位数字，或一个备用码。")
  static let mfaCode = Phrase("Verification code", "验证码")

  static let formPost = Phrase("One moment", "请稍候")
  static let formPostHint = Phrase("You are being taken back to the application.", "正在返回应用。")

  static let reference = Phrase("Reference", "参考编号")
}
