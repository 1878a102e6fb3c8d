/// Asks for a second factor: digits of an authenticator or a backup code; sent as `code`.
public struct MFAPage: HostedPage {
  /// Language and look.
  public let frame: PageFrame
  /// Where the form is sent.
  public var action: String
  /// The token that proves the form is of this browser's page.
  public var token: FormToken
  /// True after a wrong code.
  public var isWrong = false
  /// True after too many wrong codes.
  public var isLocked = false
  /// Addresses beside our own that the form may end at, such as the client's redirect URI.
  public var formTargets: [String] = []

  /// A page for the second factor.
  public init(frame: PageFrame, action: String, token: FormToken) {
    self.frame = frame
    self.action = action
    self.token = token
  }

  /// The content of `<meta name="qiao-page">`.
  public var marker: String { "mfa" }
  /// The title.
  public var title: String { say(Phrases.mfa) }

  /// What stands in the card.
  public var content: HTML {
    let note: HTML? = isLocked ? .alert(say(Phrases.tooManyCodes)) : isWrong ? .alert(say(Phrases.wrongCode)) : nil
    return """
      <h1>\(say(Phrases.mfa))</h1><p class="soft">\(say(Phrases.mfaHint))</p>\(note)
      <form method="post" action="\(action)">\(HTML.hidden(token))
      <label for="code">\(say(Phrases.mfaCode))</label>
      <input id="code" class="code" name="code" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" maxlength="24" required>
      <button>\(say(Phrases.next))</button></form>
      """
  }
}
