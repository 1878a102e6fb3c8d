/// Asks before a sign-out that no `id_token_hint` vouches for (OpenID Connect RP-Initiated Logout section 2).
public struct LogoutConfirmPage: HostedPage {
  /// Language and look.
  public let frame: PageFrame
  /// Where the form is sent.
  public var action: String
  /// The token that proves the form is of this browser's page.
  public var token: FormToken
  /// Where to go instead, such as the account page.
  public var stayURL: String?
  /// Who is signed in.
  public var userName: String?
  /// The parameters of the request, which the form carries on.
  public var carried: [(name: String, value: String)] = []
  /// Addresses beside our own that the form may end at, such as the client's redirect URI.
  public var formTargets: [String] = []

  /// A confirmation page.
  public init(frame: PageFrame, action: String, token: FormToken) {
    self.frame = frame
    self.action = action
    self.token = token
  }

  /// The content of `<meta name="qiao-page">`.
  public var marker: String { "logout-confirm" }
  /// The title.
  public var title: String { say(Phrases.logout) }

  /// What stands in the card.
  public var content: HTML {
    let user: HTML? = userName.map { "<p class=\"soft small\">\(say(Phrases.signedInAs)) \($0)</p>" }
    let stay: HTML? = stayURL.map { "<a class=\"button plain\" href=\"\($0)\">\(say(Phrases.stay))</a>" }
    return """
      <h1>\(say(Phrases.logout))</h1><p class="soft">\(say(Phrases.logoutHint))</p>\(user)
      <form method="post" action="\(action)">\(HTML.hidden(token))\(carried.map { HTML.hidden($0.name, $0.value) })<button>\(say(Phrases.logoutButton))</button></form>
      \(stay)
      """
  }
}

/// Says that the person is signed out.
public struct LoggedOutPage: HostedPage {
  /// Language and look.
  public let frame: PageFrame

  /// A closing page.
  public init(frame: PageFrame) { self.frame = frame }

  /// The content of `<meta name="qiao-page">`.
  public var marker: String { "logged-out" }
  /// The title.
  public var title: String { say(Phrases.loggedOut) }
  /// What stands in the card.
  public var content: HTML {
    "<h1>\(say(Phrases.loggedOut))</h1><p class=\"soft\">\(say(Phrases.loggedOutHint))</p>"
  }
}
