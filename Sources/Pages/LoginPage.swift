/// The sign-in page: the WeChat ways first, then name and password.
public struct LoginPage: HostedPage {
  /// What the form reports of the last try.
  public enum Fault: String, Sendable, CaseIterable {
    /// The name or the password; never which.
    case wrongCredentials = "wrong_credentials"
    /// Passwords cannot be checked just now.
    case busy
    /// WeChat did not answer as it should.
    case weChatFailed = "wechat_failed"
    /// The person said no in WeChat.
    case weChatRefused = "wechat_refused"
  }

  /// A way to sign in by WeChat.
  public struct WeChatWay: Sendable {
    /// How WeChat is reached.
    public enum Kind: Sendable {
      /// A QR code that a phone scans.
      case qr
      /// The page is open inside WeChat.
      case insideWeChat
    }

    /// Shown when there are several ways of one kind.
    public let name: String
    /// Where the way begins, at our own address.
    public let url: String
    /// How WeChat is reached.
    public let kind: Kind

    /// A way.
    public init(name: String, url: String, kind: Kind) {
      self.name = name
      self.url = url
      self.kind = kind
    }
  }

  /// Somebody whom WeChat authenticated and whom nobody knows yet.
  public struct Newcomer: Sendable {
    /// What they call themselves at WeChat.
    public let nickname: String?
    /// Where the form is sent that makes an account.
    public let registerAction: String

    /// A newcomer.
    public init(nickname: String?, registerAction: String) {
      self.nickname = nickname
      self.registerAction = registerAction
    }
  }

  /// Language and look.
  public let frame: PageFrame
  /// Where the form is sent.
  public var action: String
  /// The token that proves the form is of this browser's page.
  public var token: FormToken
  /// Fills the name's field: `login_hint`, or what was typed.
  public var username = ""
  /// The application to go on to.
  public var clientName: String?
  /// What went wrong.
  public var fault: Fault?
  /// The ways by WeChat.
  public var weChatWays: [WeChatWay] = []
  /// WeChat's QR page for a frame beside the ways.
  public var weChatFrame: String?
  /// Who is to make an account or to sign in to one they have; then there are no other ways.
  public var newcomer: Newcomer?
  /// False where nobody has a password.
  public var takesPasswords = true
  /// Further links, at our own address or https.
  public var links: [(text: String, url: String)] = []
  /// Addresses beside our own that the form may end at, such as the client's redirect URI.
  public var formTargets: [String] = []

  /// A sign-in page.
  public init(frame: PageFrame, action: String, token: FormToken) {
    self.frame = frame
    self.action = action
    self.token = token
  }

  /// The content of `<meta name="qiao-page">`.
  public var marker: String { "login" }
  /// The title.
  public var title: String { say(newcomer == nil ? Phrases.signIn : Phrases.newcomer) }
  /// WeChat's, where its QR page stands in a frame.
  public var frames: [String] { weChatFrame.map { [$0] } ?? [] }

  /// What stands in the card.
  public var content: HTML {
    if let newcomer { return welcome(newcomer) }
    let target: HTML? = clientName.map { "<p class=\"soft\">\(say(Phrases.signInTo)) \($0)</p>" }
    let note: HTML? = fault.flatMap { Phrases.loginErrors[$0] }.map { .alert(say($0)) }
    let divider: HTML? =
      weChatWays.isEmpty || !takesPasswords ? nil : "<div class=\"or\">\(say(Phrases.or))</div>"
    let further: HTML? =
      links.isEmpty ? nil : "<nav>\(links.map { "<a href=\"\($0.url)\">\($0.text)</a>" as HTML })</nav>"
    return """
      <h1>\(say(Phrases.signIn))</h1>\(target)\(note)
      \(qrFrame)\(weChatWays.map(button))\(divider)\(takesPasswords ? form : nil)\(further)
      """
  }

  /// A frame may take the whole window back to us without a click, because it is the phone that is tapped; nothing else.
  private var qrFrame: HTML? {
    weChatFrame.map { address in
      """
      <iframe class="qrframe" src="\(address)" title="\(say(Phrases.weChatQR))" sandbox="allow-scripts allow-same-origin \
      allow-forms allow-top-navigation" referrerpolicy="no-referrer" loading="lazy" allow="local-network-access"></iframe>

      """
    }
  }

  private func welcome(_ newcomer: Newcomer) -> HTML {
    let name: HTML? = newcomer.nickname.flatMap { $0.isEmpty ? nil : "<strong>\($0)</strong><br>" }
    let note: HTML? = fault.flatMap { Phrases.loginErrors[$0] }.map { .alert(say($0)) }
    let other: HTML? = takesPasswords ? "<div class=\"or\">\(say(Phrases.orConnect))</div>\(form)" : nil
    return """
      <h1>\(title)</h1><p class="soft">\(name)\(say(Phrases.newcomerHint))</p>\(note)
      <form method="post" action="\(newcomer.registerAction)">\(HTML.hidden(token))
      <button class="wechat">\(HTML.weChatMark)<span>\(say(Phrases.register))</span></button></form>
      \(other)
      """
  }

  private var form: HTML {
    """
    <form method="post" action="\(action)">\(HTML.hidden(token))
    <label for="username">\(say(Phrases.username))</label>
    <input id="username" name="username" value="\(username)" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="320" required>
    <label for="password">\(say(Phrases.password))</label>
    <input id="password" name="password" type="password" autocomplete="current-password" maxlength="1024" required>
    <button>\(say(newcomer == nil ? Phrases.signIn : Phrases.connect))</button></form>
    """
  }

  private func button(_ way: WeChatWay) -> HTML {
    let text = say(way.kind == .qr ? Phrases.weChatQR : Phrases.weChatHere)
    let isOneOfSeveral = weChatWays.count(where: { $0.kind == way.kind }) > 1
    let name: HTML? = isOneOfSeveral ? " · \(way.name)" : nil
    return "<a class=\"button wechat\" href=\"\(way.url)\">\(HTML.weChatMark)<span>\(text)\(name)</span></a>\n"
  }
}
