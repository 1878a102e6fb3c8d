/// Takes an authorization response to the client by POST (OAuth 2.0 Form Post Response Mode): a script of ours sends the form, a
/// button does where scripts are off.
public struct FormPostPage: HostedPage {
  /// Language and look.
  public let frame: PageFrame
  /// The client's redirect URI.
  public let redirectURI: String
  /// The parameters of the response, in order.
  public let parameters: [(name: String, value: String)]

  /// A page that posts `parameters` to `redirectURI`.
  public init(frame: PageFrame, redirectURI: String, parameters: [(name: String, value: String)]) {
    self.frame = frame
    self.redirectURI = redirectURI
    self.parameters = parameters
  }

  /// The content of `<meta name="qiao-page">`.
  public var marker: String { "form-post" }
  /// The title.
  public var title: String { say(Phrases.formPost) }
  /// Runs the script of ours.
  public var runsScript: Bool { true }
  /// Addresses beside our own that the form may end at, such as the client's redirect URI.
  public var formTargets: [String] { [redirectURI] }

  /// What stands in the card.
  public var content: HTML {
    """
    <h1>\(say(Phrases.formPost))</h1><p class="soft">\(say(Phrases.formPostHint))</p>
    <form method="post" action="\(redirectURI)">\(parameters.map { HTML.hidden($0.name, $0.value) })
    <button>\(say(Phrases.next))</button></form>
    """
  }
}
