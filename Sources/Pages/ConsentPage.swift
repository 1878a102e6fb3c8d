/// Asks whether a client may have what it asks for; answers `decision` = `allow` or `deny`.
public struct ConsentPage: HostedPage {
  /// Language and look.
  public let frame: PageFrame
  /// Where the form is sent.
  public var action: String
  /// The token that proves the form is of this browser's page.
  public var token: FormToken
  /// The name of the client.
  public var clientName: String
  /// What it asks for, in order; the standard scopes are explained, others shown by name.
  public var scopes: [String]
  /// The code that the asking device shows, for the person to compare (RFC 8628 section 5.4).
  public var userCode: String?
  /// Who is signed in.
  public var userName: String?
  /// Addresses beside our own that the form may end at, such as the client's redirect URI.
  public var formTargets: [String] = []

  /// A consent page.
  public init(frame: PageFrame, action: String, token: FormToken, clientName: String, scopes: [String]) {
    self.frame = frame
    self.action = action
    self.token = token
    self.clientName = clientName
    self.scopes = scopes
  }

  /// The content of `<meta name="qiao-page">`.
  public var marker: String { "consent" }
  /// The title.
  public var title: String { say(Phrases.consent) }

  /// What stands in the card.
  public var content: HTML {
    let user: HTML? = userName.map { "<p class=\"soft small\">\(say(Phrases.signedInAs)) \($0)</p>" }
    let device: HTML? = userCode.map {
      "<p class=\"soft\">\(say(Phrases.deviceAsks))</p><p><strong>\($0)</strong></p>"
    }
    let rows = scopes.map { scope -> HTML in
      "<li>\(HTML.tick)<div>\(Phrases.scopes[scope].map(say) ?? scope)</div></li>"
    }
    return """
      <h1>\(say(Phrases.consent))</h1>
      <p><strong>\(clientName)</strong> \(say(Phrases.consentAsks))</p>\(device)
      <ul class="list">\(rows)</ul>\(user)
      <form method="post" action="\(action)">\(HTML.hidden(token))<div class="pair">
      <button class="plain" name="decision" value="deny">\(say(Phrases.deny))</button>
      <button name="decision" value="allow">\(say(Phrases.allow))</button></div></form>
      <p class="soft small">\(say(Phrases.consentLater))</p>
      """
  }
}
