/// The pages of a provider where browsers show who they are and come back with a code.
public protocol BrowserPages: Sendable {
  /// Scheme, host and port of all of them, for the policy of a page that frames one.
  var origin: String { get }

  /// The address that begins a sign-in.
  func address(of request: BrowserAuthorization) -> String
}

/// What a provider's page is asked for.
public struct BrowserAuthorization: Sendable {
  /// Which of its pages.
  public enum Page: Sendable {
    /// A code on a large screen that a phone scans.
    case qr
    /// The same inside a frame of our sign-in page.
    case framedQR
    /// A question inside the provider's own app.
    case insideApp
  }

  /// Which page.
  public let page: Page
  /// The app that asks.
  public let appID: String
  /// Where the browser comes back to.
  public let redirectURI: String
  /// Comes back with the browser; letters and digits, at most 128.
  public let state: String
  /// True for English, else Chinese.
  public let isEnglish: Bool

  /// A request.
  public init(page: Page, appID: String, redirectURI: String, state: String, isEnglish: Bool) {
    self.page = page
    self.appID = appID
    self.redirectURI = redirectURI
    self.state = state
    self.isEnglish = isEnglish
  }
}
