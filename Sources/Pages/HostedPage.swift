/// What all pages of an identity application share.
public struct PageFrame: Sendable {
  /// The language of the page.
  public let language: PageLanguage
  /// The look.
  public let branding: Branding
  /// Where the assets are served, such as `/assets`.
  public let assets: String

  /// A frame.
  public init(language: PageLanguage, branding: Branding, assets: String = "/assets") {
    self.language = language
    self.branding = branding
    self.assets = assets
  }
}

/// A page that people see: plain HTML that works without scripts.
public protocol HostedPage: Sendable {
  /// Language and look.
  var frame: PageFrame { get }
  /// The content of `<meta name="qiao-page">`, by which programs tell the pages apart.
  var marker: String { get }
  /// The title, for the tab and the screen reader.
  var title: String { get }
  /// What stands in the card, as markup.
  var content: HTML { get }
  /// True for a page as wide as a desk, not a card.
  var isWide: Bool { get }
  /// True for a page that runs the script of ours.
  var runsScript: Bool { get }
  /// Addresses beside our own that its forms may lead to.
  var formTargets: [String] { get }
  /// Addresses whose origins stand in its frames.
  var frames: [String] { get }
}

extension HostedPage {
  /// A card.
  public var isWide: Bool { false }
  /// No script.
  public var runsScript: Bool { false }
  /// Our own only.
  public var formTargets: [String] { [] }
  /// No frame.
  public var frames: [String] { [] }

  /// The headers to send with it.
  public var headers: PageHeaders {
    PageHeaders(
      logo: frame.branding.logoURI, style: frame.branding.style, runsScript: runsScript, formTargets: formTargets,
      frames: frames)
  }

  /// The page as UTF-8.
  public func render() -> [UInt8] { Array(document.markup.utf8) }

  /// The text of a phrase in the page's language.
  func say(_ phrase: Phrase) -> String { phrase(frame.language) }

  private var document: HTML {
    let look = frame.branding
    let style: HTML? = look.style.map { HTML(style: $0) }
    let script: HTML? = runsScript ? "<script src=\"\(frame.assets)/\(PageAsset.submit.name)\" defer></script>" : nil
    let wide: HTML = isWide ? " class=\"wide\"" : ""
    return """
      <!doctype html>
      <html lang="\(frame.language.rawValue)"><head><meta charset="utf-8">
      <meta name="viewport" content="width=device-width,initial-scale=1">
      <meta name="color-scheme" content="light dark"><meta name="robots" content="noindex">
      <meta name="qiao-page" content="\(marker)">
      <title>\(title) · \(look.displayName)</title>
      <link rel="icon" href="data:,"><link rel="stylesheet" href="\(frame.assets)/\(PageAsset.stylesheet.name)">\(style)\(script)
      </head><body><main\(wide)>
      <header>\(mark)<span>\(look.displayName)</span></header>
      \(content)
      </main></body></html>

      """
  }

  /// The logo, or the first letter of the name on the brand's colour.
  private var mark: HTML {
    guard let logo = frame.branding.logoURI else {
      let letter = frame.branding.displayName.first.map { String($0).uppercased() } ?? "Q"
      return "<b class=\"mark\" aria-hidden=\"true\">\(letter)</b>"
    }
    return "<img class=\"mark\" src=\"\(logo)\" alt=\"\" width=\"40\" height=\"40\">"
  }
}

extension HTML {
  /// A style element; `style` is made of colours of ours only, so that its bytes are those the policy has the hash of.
  fileprivate init(style: String) {
    var builder = Builder(literalCapacity: 20, interpolationCount: 1)
    builder.appendLiteral("<style>")
    builder.markup += style
    builder.appendLiteral("</style>")
    self.init(stringInterpolation: builder)
  }
}
