import Pages

/// Every page there is, filled with a text that wants to leave its place.
enum EveryPage {
  /// Ends attributes, elements and comments, plain and behind a combining accent, which some escapers take for another character.
  static let hostile = "\"'><script>alert(1)</script>\"\u{301} onfocus=\"\u{301}x <\u{301}b>&amp;"

  static func frame(_ language: PageLanguage = .english, name: String = hostile) -> PageFrame {
    PageFrame(
      language: language,
      branding: Branding(
        displayName: name, logoURI: "https://cdn.example/logo.png?a=1&b='2", primaryColor: "#0A7f5a",
        backgroundColor: "#f5efe6"))
  }

  static func all(_ frame: PageFrame, _ text: String = hostile) -> [any HostedPage] {
    var login = LoginPage(frame: frame, action: text, token: FormToken(text))
    login.username = text
    login.clientName = text
    login.fault = .wrongCredentials
    login.weChatWays = [
      LoginPage.WeChatWay(name: text, url: text, kind: .qr), LoginPage.WeChatWay(name: text, url: text, kind: .qr),
    ]
    login.links = [(text, text)]
    login.weChatFrame = "https://open.weixin.qq.com/connect/qrconnect?state=\(text)"
    var newcomer = LoginPage(frame: frame, action: text, token: FormToken(text))
    newcomer.newcomer = LoginPage.Newcomer(nickname: text, registerAction: text)
    var failed = ErrorPage(frame: frame, code: "wechat_unavailable", reference: text, detail: text)
    failed.retryURL = text
    var consent = ConsentPage(
      frame: frame, action: text, token: FormToken(text), clientName: text, scopes: ["openid", "orders", text])
    consent.userName = text
    consent.userCode = text
    var device = DevicePage(frame: frame, action: text, token: FormToken(text))
    device.userCode = text
    device.isWrong = true
    var logout = LogoutConfirmPage(frame: frame, action: text, token: FormToken(text))
    logout.userName = text
    logout.stayURL = text
    var mfa = MFAPage(frame: frame, action: text, token: FormToken(text))
    mfa.isWrong = true
    return [
      login, consent, device, logout, mfa, account(frame, text), LoggedOutPage(frame: frame),
      DeviceDonePage(frame: frame, isAllowed: true), DeviceDonePage(frame: frame, isAllowed: false),
      ErrorPage(frame: frame, code: "invalid_redirect_uri", reference: text), ErrorPage(frame: frame, code: text),
      FormPostPage(
        frame: frame, redirectURI: "https://rp.example:8443/cb?x=\(text)", parameters: [("state", text), (text, "v")]),
      MFAEnrollPage(frame: frame, action: text, token: FormToken(text), secret: text, otpauthURL: text),
      BackupCodesPage(frame: frame, codes: [text], continueURL: text), newcomer, failed,
    ]
  }

  private static func account(_ frame: PageFrame, _ text: String) -> AccountPage {
    var page = AccountPage(frame: frame, action: text, token: FormToken(text))
    page.name = text
    page.username = text
    page.phoneNumber = text
    page.email = text
    let entry = AccountPage.Entry(id: text, title: text, detail: text)
    page.identities = [entry]
    page.linkURL = text
    page.sessions = [AccountPage.Entry(id: "1", title: text, detail: text, isCurrent: true), entry]
    page.consents = [entry]
    page.hasPassword = true
    page.secondFactor = .on(backupCodesLeft: 3, isRequired: false)
    page.logoutURL = text
    page.notice = .lastCredential
    return page
  }
}
