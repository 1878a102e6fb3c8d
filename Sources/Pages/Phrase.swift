/// A text of the pages in both languages; all of them stand in `Phrases*.swift`, so that none can be forgotten in one language.
struct Phrase: Sendable {
  let english: String
  let chinese: String

  init(_ english: String, _ chinese: String) {
    self.english = english
    self.chinese = chinese
  }

  func callAsFunction(_ language: PageLanguage) -> String {
    switch language {
    case .english: english
    case .chinese: chinese
    }
  }
}
