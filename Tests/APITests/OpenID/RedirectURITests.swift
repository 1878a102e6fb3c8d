import Foundation
import Testing

/// R01, R22, R30: where an authorization response may go.
@Suite("OpenID provider, redirect URIs")
struct RedirectURITests {
  /// Other spellings of `https://rp.test/cb?dummy1=lorem`, and what parsers have taken for it.
  private static let mutations: [String] = {
    let (host, path, query) = ("rp.test", "/cb", "?dummy1=lorem")
    let good = "https://\(host)\(path)\(query)"
    let authorities = [
      "RP.test", "rp.TEST", "rp.test.", "rp.test:443", "rp.test:0443", "rp.test:", "rp.test:8443", "rp.test:99999",
      "a@rp.test", "a:b@rp.test", "@rp.test", ":@rp.test", "rp.test@evil.test", "evil.test@rp.test@rp.test",
      "evil.test:443@rp.test", "evil.test%40rp.test", "rp.test%2eevil.test", "rp.test.evil.test", "evilrp.test",
      "sub.rp.test", "rp.test%00.evil.test", "rp.test%00", "rp%2etest", "rp。test", "rp.tést", "xn--rp-.test", "ｒp.test",
      "rp.test\\.evil.test", "rp.test\\@evil.test", "evil.test\\@rp.test", "rp.test#@evil.test", "rp.test?@evil.test",
      "rp.test;evil.test", "rp.test evil.test", "rp.test\t", "rp.test\n", "[::1]", "[::ffff:127.0.0.1]", "127.0.0.1",
      "2130706433", "localhost", "", "*", "*.test",
    ].map { "https://\($0)\(path)\(query)" }
    let paths = [
      "//cb", "/./cb", "/%2e/cb", "/cb/.", "/cb/", "/cb/..", "/x/../cb", "/x/%2e%2e/cb", "/x/..;/cb", "/cb;/",
      "/cb;x=1",
      "/cb%2f", "/%2fcb", "/%63b", "/c%62", "/CB", "/cb%00", "/cb\0", "/cb%20", "/cb ", "/cb%3fdummy1=lorem", "/cb.",
      "/cb*",
      "/cb/../../evil", "\\cb", "/cb\\", "/c\u{0301}b", "",
    ].map { "https://\(host)\($0)\(query)" }
    let queries = [
      "", "?", "?dummy1=lorem&", "?dummy1=lorem&a=b", "?&dummy1=lorem", "?a=b&dummy1=lorem", "?dummy1=lorem2",
      "?dummy1=Lorem",
      "?dummy1=l%6frem", "?dummy1=lorem#", "?dummy1=lorem#f", "?dummy1=lorem%23f", "?dummy1=lorem&code=x",
      ";dummy1=lorem",
      "?dummy1=lorem\r\nX: y", "?dummy1=lorem\0", "?dummy1=lorem%00", "?dummy1=lorem\u{200B}", "?dummy1[]=lorem",
    ].map { "https://\(host)\(path)\($0)" }
    let schemes = [
      "HTTPS:", "http:", "ftp:", "javascript:", "data:", "", "https:https:", "view-source:https:", "com.rp.test:",
    ].map { "\($0)//\(host)\(path)\(query)" }
    let others = [
      " \(good)", "\(good) ", "\t\(good)", "\(good)\t", "\u{FEFF}\(good)", "\(good) https://evil.test",
      "https:\(host)\(path)",
      "https:/\(host)\(path)\(query)", "https:///\(host)\(path)\(query)", "\\\\\(host)\(path)", "/cb", "cb",
      "javascript:alert(1)",
      "data:text/html,x", "about:blank", "https://evil.test/\(good)", "https://evil.test/?x=\(good)",
      "https://evil.test#\(good)",
      "urn:ietf:wg:oauth:2.0:oob", "%68ttps://rp.test/cb?dummy1=lorem", "https%3A%2F%2Frp.test%2Fcb%3Fdummy1%3Dlorem",
    ]
    return authorities + paths + queries + schemes + others
  }()

  @Test(
    "R01: of more than sixty other spellings of a registered address none is taken, each is a page without a way out")
  func mutated() async throws {
    #expect(Set(Self.mutations).count >= 60 && !Self.mutations.contains(TestRelyingParty.callback))
    let party = try await TestRelyingParty.make()
    let native = try await party.client(type: "native")
    let browser = TestBrowser(party.server)
    // Somebody is signed in: whatever is taken for registered would give a code away at once.
    _ = try await party.signIn(browser)
    for client in [party, native] {
      #expect(try await client.authorize(browser).redirect.parameters["code"] != nil)
      for uri in Self.mutations {
        let answer = try await client.authorize(browser, ["redirect_uri": uri.isEmpty ? " " : uri])
        // What no text can hold, or is no percent-encoding, is refused before it is compared.
        let isRefused = ["error:invalid_redirect_uri", "error:invalid_request"].contains(answer.marker)
        #expect(answer.status == 400 && isRefused, "\(uri): \(answer.marker)")
        #expect(answer.headers["location"] == nil && answer.headers["refresh"] == nil, "\(uri)")
      }
    }
    for uri in Self.mutations.prefix(60) {
      let pushed = try await party.push(["redirect_uri": uri])
      #expect(pushed.status == 400 && pushed.text("error") == "invalid_request", "\(uri)")
    }
  }

  @Test("R01: an address that stands twice in the request, right and wrong, is a page")
  func twice() async throws {
    let party = try await TestRelyingParty.make()
    let browser = TestBrowser(party.server)
    for pair in [
      ["https://evil.test/", TestRelyingParty.callback], [TestRelyingParty.callback, "https://evil.test/"],
    ] {
      let fields = party.request(["redirect_uri": ""]) + pair.map { ("redirect_uri", $0) }
      for answer in [
        try await browser.get("\(party.issuerPath)/authorize?\(TestBrowser.form(fields))"),
        try await browser.post("\(party.issuerPath)/authorize", fields),
      ] { #expect(answer.status == 400 && answer.headers["location"] == nil) }
    }
  }

  @Test("F03: of two registered addresses one must be named, and each is answered at itself")
  func several() async throws {
    let party = try await TestRelyingParty.make()
    let other = "https://rp.test/other"
    let patched = try await party.tenant.send(
      "PATCH", "oauth-clients/\(party.clientID)", #"{"redirect_uris":["\#(TestRelyingParty.callback)","\#(other)"]}"#)
    #expect(patched.status == 200)
    let browser = TestBrowser(party.server)
    _ = try await party.signIn(browser)
    let missing = try await party.authorize(browser, ["redirect_uri": ""])
    #expect(
      missing.status == 400 && missing.marker == "error:invalid_redirect_uri" && missing.headers["location"] == nil)
    let answer = try await party.authorize(browser, ["redirect_uri": other])
    #expect(answer.redirect.address == other)
    let code = answer.redirect.parameters["code"] ?? ""
    #expect(try await party.redeem(code).text("error") == "invalid_grant", "F11: the other one")
  }

  @Test("R30: a bad request of nobody goes to an address that an administrator registered, or nowhere")
  func bouncing() async throws {
    let party = try await TestRelyingParty.make()
    let bad = [
      ["scope": "openid admin"], ["scope": "\"\\"], ["response_type": "x"], ["prompt": "none"], ["claims": "{"],
    ]
    for changes in bad {
      let told = try await party.authorize(TestBrowser(party.server), changes)
      #expect(told.redirect.address == "https://rp.test/cb", "\(changes)")
      #expect(told.redirect.parameters["error"]?.isEmpty == false && told.redirect.parameters["code"] == nil)
      for wrong in [["redirect_uri": "https://evil.test/"], ["client_id": party.applicationID]] {
        let page = try await party.authorize(TestBrowser(party.server), changes.merging(wrong) { $1 })
        #expect(page.status == 400 && page.headers["location"] == nil, "\(changes)")
      }
    }
  }
}
