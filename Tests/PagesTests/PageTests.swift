import Crypto
import Foundation
import Pages
import Testing

@Suite("hosted pages")
struct PageTests {
  @Test("every page is whole in both languages, whatever the values hold", arguments: PageLanguage.allCases)
  func whole(language: PageLanguage) throws {
    for page in EveryPage.all(EveryPage.frame(language)) {
      let markup = try Markup(page.render())
      let html = try #require(markup.all("html").first)
      #expect(html.attributes["lang"] == language.rawValue)
      #expect(markup.all("h1").count == 1, "\(page.marker)")
      #expect(markup.all("title").count == 1)
      let markers = markup.all("meta").filter { $0.attributes["name"] == "qiao-page" }
      #expect(markers.count == 1)
    }
  }

  @Test("no value becomes an element or an attribute")
  func escaped() throws {
    let tame = EveryPage.all(EveryPage.frame(name: "N"), "t")
    let hostile = EveryPage.all(EveryPage.frame())
    for (plain, attacked) in zip(tame, hostile) {
      let expected = try Markup(plain.render()).elements.map { [$0.name] + $0.attributes.keys.sorted() }
      let found = try Markup(attacked.render()).elements.map { [$0.name] + $0.attributes.keys.sorted() }
      // A second hint of several ways, or a scope without an explanation, has the same shape with any text.
      #expect(found == expected, "\(plain.marker)")
    }
  }

  @Test("nothing runs in a page: no inline script, no handler, no style attribute, no script address")
  func inert() throws {
    for page in EveryPage.all(EveryPage.frame()) {
      for element in try Markup(page.render()).elements {
        #expect(!element.attributes.keys.contains { $0.hasPrefix("on") || $0 == "style" }, "\(page.marker)")
        guard element.name == "script" else { continue }
        #expect(page.runsScript)
        #expect(element.attributes["src"]?.hasPrefix("/assets/") == true)
        #expect(element.text.trimmingCharacters(in: .whitespacesAndNewlines).isEmpty)
      }
    }
  }

  @Test("every field has a label, every form goes by POST with its token")
  func forms() throws {
    for page in EveryPage.all(EveryPage.frame(name: "N"), "t") {
      let markup = try Markup(page.render())
      let labelled = Set(markup.all("label").compactMap { $0.attributes["for"] })
      let visible = markup.all("input").filter { $0.attributes["type"] != "hidden" }
      for field in visible { #expect(labelled.contains(field.attributes["id"] ?? "-"), "\(page.marker)") }
      let forms = markup.all("form")
      #expect(forms.allSatisfy { $0.attributes["method"] == "post" })
      guard !(page is FormPostPage) else { continue }
      let tokens = markup.all("input").filter { $0.attributes["name"] == "csrf" && $0.attributes["value"] == "t" }
      #expect(tokens.count == forms.count, "\(page.marker)")
    }
  }

  @Test("the pages have the fields that the contract names")
  func contract() throws {
    let pages = EveryPage.all(EveryPage.frame(name: "N"), "t")
    func fields(_ marker: String) throws -> [String] {
      let page = try #require(pages.first { $0.marker == marker })
      let markup = try Markup(page.render())
      return (markup.all("input") + markup.all("button")).compactMap { element in
        element.attributes["name"].map { $0 == "decision" ? "\($0)=\(element.attributes["value"] ?? "")" : $0 }
      }
    }
    #expect(try fields("login") == ["csrf", "username", "password"])
    #expect(try fields("consent") == ["csrf", "decision=deny", "decision=allow"])
    #expect(try fields("device") == ["csrf", "user_code"])
    #expect(try fields("logout-confirm") == ["csrf"])
    #expect(try fields("mfa") == ["csrf", "code"])
    #expect(pages.contains { $0.marker == "logged-out" })
    #expect(pages.contains { $0.marker == "error:invalid_redirect_uri" })
  }

  @Test("a page with its style is under 15 KB")
  func small() {
    let assets = PageAsset.all.reduce(0) { $0 + $1.bytes.count }
    for page in EveryPage.all(EveryPage.frame(.chinese)) {
      #expect(page.render().count + assets < 15_000, "\(page.marker)")
    }
  }

  @Test("both languages say something else, and every fault and notice says something")
  func languages() {
    let pairs = zip(
      EveryPage.all(EveryPage.frame(.english, name: "N"), "t"), EveryPage.all(EveryPage.frame(.chinese, name: "N"), "t")
    )
    for (english, chinese) in pairs { #expect(english.title != chinese.title, "\(english.marker)") }
    for language in PageLanguage.allCases {
      var texts: Set<String> = []
      for fault in LoginPage.Fault.allCases {
        var page = LoginPage(frame: EveryPage.frame(language, name: "N"), action: "/", token: FormToken("t"))
        page.fault = fault
        texts.insert(String(decoding: page.render(), as: UTF8.self))
      }
      for notice in AccountPage.Notice.allCases {
        var page = AccountPage(frame: EveryPage.frame(language, name: "N"), action: "/", token: FormToken("t"))
        page.notice = notice
        texts.insert(String(decoding: page.render(), as: UTF8.self))
      }
      #expect(texts.count == LoginPage.Fault.allCases.count + AccountPage.Notice.allCases.count)
    }
  }

  @Test(
    "ui_locales come before Accept-Language, and English is the last resort",
    arguments: [
      ("zh-CN en", "en", "zh-CN"), ("se", "zh-TW,en;q=0.8", "zh-CN"), ("se", "", "en"),
      ("", "en;q=0.3, zh;q=0.9", "zh-CN"),
      ("", "zh;q=0, en;q=0.1", "en"), ("", "fr, de", "en"), ("EN-us", "zh", "en"), ("", "zh;q=abc", "en"),
    ])
  func choice(uiLocales: String, acceptLanguage: String, chosen: String) {
    #expect(PageLanguage.choose(uiLocales: uiLocales, acceptLanguage: acceptLanguage).rawValue == chosen)
  }
}
