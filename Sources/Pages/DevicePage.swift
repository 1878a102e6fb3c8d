/// Takes the code that a device shows (RFC 8628 section 3.3); sent as `user_code`.
public struct DevicePage: HostedPage {
  /// Language and look.
  public let frame: PageFrame
  /// Where the form is sent.
  public var action: String
  /// The token that proves the form is of this browser's page.
  public var token: FormToken
  /// Fills the field, from `verification_uri_complete`; the person still has to send it.
  public var userCode = ""
  /// True after a code that is not known.
  public var isWrong = false
  /// True after too many of them.
  public var isLocked = false

  /// A page for device codes.
  public init(frame: PageFrame, action: String, token: FormToken) {
    self.frame = frame
    self.action = action
    self.token = token
  }

  /// The content of `<meta name="qiao-page">`.
  public var marker: String { "device" }
  /// The title.
  public var title: String { say(Phrases.device) }

  /// What stands in the card.
  public var content: HTML {
    let note: HTML? =
      isLocked ? .alert(say(Phrases.tooManyCodes)) : isWrong ? .alert(say(Phrases.wrongUserCode)) : nil
    return """
      <h1>\(say(Phrases.device))</h1><p class="soft">\(say(Phrases.deviceHint))</p>\(note)
      <form method="post" action="\(action)">\(HTML.hidden(token))
      <label for="user_code">\(say(Phrases.userCode))</label>
      <input id="user_code" class="code" name="user_code" value="\(userCode)" autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="20" required>
      <button>\(say(Phrases.next))</button></form>
      """
  }
}

/// Ends a device's sign-in on the browser's side.
public struct DeviceDonePage: HostedPage {
  /// Language and look.
  public let frame: PageFrame
  /// Whether the person let the device in.
  public let isAllowed: Bool

  /// A closing page.
  public init(frame: PageFrame, isAllowed: Bool) {
    self.frame = frame
    self.isAllowed = isAllowed
  }

  /// The content of `<meta name="qiao-page">`.
  public var marker: String { isAllowed ? "device-done" : "device-refused" }
  /// The title.
  public var title: String { say(isAllowed ? Phrases.deviceDone : Phrases.deviceRefused) }
  /// What stands in the card.
  public var content: HTML {
    "<h1>\(title)</h1><p class=\"soft\">\(say(isAllowed ? Phrases.deviceDoneHint : Phrases.deviceRefusedHint))</p>"
  }
}
