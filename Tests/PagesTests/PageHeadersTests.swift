import Crypto
import Foundation
import Pages
import Testing

@Suite("headers of hosted pages")
struct PageHeadersTests {
  @Test("the policy allows nothing but the style, pictures and forms of the page")
  func policy() throws {
    for page in EveryPage.all(EveryPage.frame()) {
      let directives = Self.directives(page.headers.contentSecurityPolicy)
      #expect(directives["default-src"] == ["'none'"])
      #expect(directives["frame-ancestors"] == ["'none'"])
      #expect(directives["base-uri"] == ["'none'"])
      #expect(directives["script-src"] == (page.runsScript ? ["'self'"] : nil))
      #expect(!page.headers.contentSecurityPolicy.contains("unsafe"))
      let styles = try Markup(page.render()).all("style")
      let hashes = styles.map { "'sha256-\(Data(SHA256.hash(data: Data($0.text.utf8))).base64EncodedString())'" }
      #expect(styles.count == 1)
      #expect(directives["style-src"] == ["'self'"] + hashes)
    }
  }

  @Test("a page is not kept, not framed, and no address leaves with it")
  func fields() {
    let page = LoggedOutPage(frame: EveryPage.frame())
    let fields = Dictionary(uniqueKeysWithValues: page.headers.fields.map { ($0.name, $0.value) })
    #expect(fields["Cache-Control"] == "no-store")
    #expect(fields["Referrer-Policy"] == "no-referrer")
    #expect(fields["X-Content-Type-Options"] == "nosniff")
    #expect(fields["Content-Type"] == "text/html; charset=utf-8")
  }

  @Test("a form may lead to the origin of a redirect URI, and nothing in it ends the directive")
  func targets() throws {
    var page = LoginPage(frame: EveryPage.frame(), action: "/login", token: FormToken("t"))
    page.formTargets = [
      "https://rp.example:8443/cb?x=;script-src *", "https://rp.example/a;b", "com.example.app:/cb",
      "javascript:alert(1)",
      "http://[::1]:9/cb", "https://rp.example/other",
    ]
    let directives = Self.directives(page.headers.contentSecurityPolicy)
    // The first has a space, so that it is no address at all.
    #expect(directives["form-action"] == ["'self'", "https://rp.example", "com.example.app:", "http:"])
    #expect(directives["script-src"] == nil)
    let posted = FormPostPage(frame: EveryPage.frame(), redirectURI: "https://rp.example:8443/cb", parameters: [])
    let action = Self.directives(posted.headers.contentSecurityPolicy)["form-action"]
    #expect(action == ["'self'", "https://rp.example:8443"])
  }

  @Test("only the origin of the page in the frame may stand in one, and only there")
  func frames() throws {
    var page = LoginPage(frame: EveryPage.frame(), action: "/login", token: FormToken("t"))
    #expect(Self.directives(page.headers.contentSecurityPolicy)["frame-src"] == nil)
    page.weChatFrame = "https://open.weixin.qq.com/connect/qrconnect?appid=1;script-src&x#wechat_redirect"
    let directives = Self.directives(page.headers.contentSecurityPolicy)
    #expect(directives["frame-src"] == ["https://open.weixin.qq.com"])
    #expect(directives["frame-ancestors"] == ["'none'"])
    let frame = try #require(try Markup(page.render()).all("iframe").first)
    #expect(frame.attributes["referrerpolicy"] == "no-referrer")
    #expect(frame.attributes["sandbox"]?.contains("allow-popups") == false)
  }

  @Test("colours and logos that are something else are left out")
  func branding() {
    let look = Branding(
      displayName: "N", logoURI: "http://cdn.example/logo.png", primaryColor: "red;}body{display:none",
      backgroundColor: "#12345")
    #expect(look.logoURI == nil)
    #expect(look.primaryColor == nil)
    #expect(look.backgroundColor == nil)
    #expect(HexColor("#0A7F5a")?.description == "#0a7f5a")
    #expect(HexColor("#+12345") == nil)
    #expect(HexColor("0A7F5a0") == nil)
  }

  @Test("an asset's name holds the hash of its bytes")
  func assets() {
    for asset in PageAsset.all {
      let hash = SHA256.hash(data: Data(asset.bytes)).map { String(format: "%02x", $0) }.joined()
      #expect(asset.name.hasPrefix(hash.prefix(16)))
      #expect(PageAsset.named(asset.name)?.bytes == asset.bytes)
    }
    #expect(PageAsset.named("other.css") == nil)
  }

  private static func directives(_ policy: String) -> [String: [String]] {
    var found: [String: [String]] = [:]
    for directive in policy.split(separator: ";") {
      let words = directive.split(separator: " ").map(String.init)
      if let name = words.first { found[name] = Array(words.dropFirst()) }
    }
    return found
  }
}
