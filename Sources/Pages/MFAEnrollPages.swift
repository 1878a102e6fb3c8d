/// Shows the key of a new authenticator and takes the first code; sent as `operation` = `mfa_confirm` and `code`.
public struct MFAEnrollPage: HostedPage {
  /// Language and look.
  public let frame: PageFrame
  /// Where the form is sent.
  public var action: String
  /// The token that proves the form is of this browser's page.
  public var token: FormToken
  /// The key in base32, in groups for reading.
  public var secret: String
  /// The `otpauth:` address that an authenticator on this device opens.
  public var otpauthURL: String
  /// True after a wrong code.
  public var isWrong = false

  /// An enrolment page.
  public init(frame: PageFrame, action: String, token: FormToken, secret: String, otpauthURL: String) {
    self.frame = frame
    self.action = action
    self.token = token
    self.secret = secret
    self.otpauthURL = otpauthURL
  }

  /// The content of `<meta name="qiao-page">`.
  public var marker: String { "mfa-enroll" }
  /// The title.
  public var title: String { say(Phrases.enroll) }

  /// What stands in the card.
  public var content: HTML {
    let note: HTML? = isWrong ? .alert(say(Phrases.wrongCode)) : nil
    return """
      <h1>\(title)</h1><p class="soft">\(say(Phrases.enrollHint))</p>\(note)
      \(QRCode(otpauthURL)?.svg(label: say(Phrases.qrLabel)))
      <dl><dt>\(say(Phrases.secretKey))</dt><dd><code>\(secret)</code></dd></dl>
      <a class="button plain" href="\(otpauthURL)">\(say(Phrases.openAuthenticator))</a>
      <form method="post" action="\(action)">\(HTML.hidden(token))\(HTML.hidden("operation", "mfa_confirm"))
      <label for="code">\(say(Phrases.mfaCode))</label>
      <input id="code" class="code" name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="6" required>
      <button>\(say(Phrases.turnOn))</button></form>
      """
  }
}

/// Shows new backup codes, the only time they are seen.
public struct BackupCodesPage: HostedPage {
  /// Language and look.
  public let frame: PageFrame
  /// The codes.
  public let codes: [String]
  /// Where to go on.
  public let continueURL: String

  /// A page with `codes`.
  public init(frame: PageFrame, codes: [String], continueURL: String) {
    self.frame = frame
    self.codes = codes
    self.continueURL = continueURL
  }

  /// The content of `<meta name="qiao-page">`.
  public var marker: String { "backup-codes" }
  /// The title.
  public var title: String { say(Phrases.backupCodes) }

  /// What stands in the card.
  public var content: HTML {
    """
    <h1>\(title)</h1><p class="soft">\(say(Phrases.backupCodesHint))</p>
    <ul class="keys">\(codes.map { "<li><code>\($0)</code></li>" as HTML })</ul>
    <a class="button" href="\(continueURL)">\(say(Phrases.done))</a>
    """
  }
}
