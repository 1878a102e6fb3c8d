/// The languages of the pages.
public enum PageLanguage: String, Sendable, CaseIterable {
  /// English.
  case english = "en"
  /// Simplified Chinese.
  case chinese = "zh-CN"

  /// The language a person asks for: the first of `ui_locales` that is here (OpenID Connect Core section 3.1.2.1), else the best
  /// of `Accept-Language` (RFC 9110 section 12.5.4), else English.
  public static func choose(uiLocales: String?, acceptLanguage: String?) -> PageLanguage {
    for tag in (uiLocales ?? "").split(separator: " ").prefix(20) {
      if let language = PageLanguage(tag: tag) { return language }
    }
    var best: (language: PageLanguage, weight: Double)?
    for range in (acceptLanguage ?? "").split(separator: ",").prefix(40) {
      let parts = range.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
      guard let tag = parts.first, let language = PageLanguage(tag: tag) else { continue }
      let quality = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 }
      let weight = quality ?? 1
      if weight > 0, weight > best?.weight ?? 0 { best = (language, weight) }
    }
    return best?.language ?? .english
  }

  /// The language of a tag by its first part: any Chinese is nearer to a reader of Chinese than English.
  private init?(tag: some StringProtocol) {
    switch tag.split(separator: "-", maxSplits: 1).first?.lowercased() {
    case "zh": self = .chinese
    case "en": self = .english
    default: return nil
    }
  }
}
