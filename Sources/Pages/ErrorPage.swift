/// Reports what went wrong where nobody may be redirected; sent with a 4xx or 5xx status and no `Location`.
public struct ErrorPage: HostedPage {
  /// Language and look.
  public let frame: PageFrame
  /// A word such as `invalid_redirect_uri`; unknown ones have a general text.
  public let code: String
  /// The request id, for the operator.
  public let reference: String?
  /// What is wrong, for the developer of the application; English.
  public let detail: String?
  /// Where the person can try again, at our own address.
  public var retryURL: String?

  /// A page for `code`.
  public init(frame: PageFrame, code: String, reference: String? = nil, detail: String? = nil) {
    self.frame = frame
    self.code = code
    self.reference = reference
    self.detail = detail
  }

  /// The content of `<meta name="qiao-page">`.
  public var marker: String { "error:\(code)" }
  /// The title.
  public var title: String { say(Phrases.error(code).title) }

  /// What stands in the card.
  public var content: HTML {
    let line: HTML? = reference.map { "<br>\(say(Phrases.reference)): <code>\($0)</code>" }
    let developer: HTML? = detail.map { "<br>\($0)" }
    let retry: HTML? = retryURL.map { "<p><a class=\"button\" href=\"\($0)\">\(say(Phrases.tryAgain))</a></p>" }
    return """
      <h1>\(title)</h1><p>\(say(Phrases.error(code).text))</p>\(retry)
      <p class="soft small"><code>\(code)</code>\(developer)\(line)</p>
      """
  }
}
