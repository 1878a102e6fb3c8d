import Foundation

/// A browser that keeps cookies and follows redirects as far as the issuer's own pages.
final class TestBrowser {
  private let server: TestServer
  private(set) var cookies: [String: String]
  /// What it says it is.
  var agent: String?

  init(_ server: TestServer, cookies: [String: String] = [:]) {
    self.server = server
    self.cookies = cookies
  }

  /// A browser with the same cookies, from now on by itself.
  func copy() -> TestBrowser {
    let other = TestBrowser(server)
    other.cookies = cookies
    other.agent = agent
    return other
  }

  func get(_ url: String) async throws -> TestServer.Answer { try await send("GET", url, nil) }

  func post(_ url: String, _ fields: [(String, String)]) async throws -> TestServer.Answer {
    try await send("POST", url, Self.form(fields))
  }

  /// Follows redirects to our own pages; stops at a page or at a redirect to somebody else.
  func follow(_ answer: TestServer.Answer) async throws -> TestServer.Answer {
    var answer = answer
    while let location = answer.headers["location"], location.hasPrefix("http://127.0.0.1:1/t/") {
      answer = try await get(location)
    }
    return answer
  }

  /// Fills the sign-in form of a page in.
  func signIn(_ page: TestServer.Answer, _ username: String, _ password: String) async throws -> TestServer.Answer {
    guard page.marker == "login" else { throw TestFailure(description: "not a login page: \(page.text)") }
    return try await SignInGate.shared.pass {
      try await post(
        page.formAction(with: "username"),
        [("interaction", page.input("interaction")), ("username", username), ("password", password)])
    }
  }

  /// Answers the question for consent.
  func decide(_ page: TestServer.Answer, _ decision: String) async throws -> TestServer.Answer {
    guard page.marker == "consent" else { throw TestFailure(description: "not a consent page: \(page.text)") }
    return try await post(page.formAction, [("interaction", page.input("interaction")), ("decision", decision)])
  }

  static func form(_ fields: [(String, String)]) -> String {
    let allowed = CharacterSet(charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
    return fields.map { name, value in
      "\(name)=\(value.addingPercentEncoding(withAllowedCharacters: allowed) ?? "")"
    }.joined(separator: "&")
  }

  /// Opens a page of WeChat's and does there what the person does with the phone; ends at the redirect back to us, or at WeChat's
  /// own page.
  func atWeChat(_ url: String, _ person: String, _ decision: String = "allow") async throws -> TestServer.Answer {
    let url = String(url.prefix { $0 != "#" })
    let page = try await server.visit("GET", url)
    guard page.status == 200 else { return page }
    let names = ["appid", "redirect_uri", "scope", "state"]
    let fields = names.map { ($0, page.input($0)) } + [("user", person), ("decision", decision)]
    let address = server.runtime.settings.wechatOpenURL + page.formAction
    return try await server.visit("POST", address, Self.form(fields))
  }

  private func send(_ method: String, _ url: String, _ body: String?) async throws -> TestServer.Answer {
    let path = url.replacing("http://127.0.0.1:1/", with: "/", maxReplacements: 1)
    var headers: [(String, String)] = []
    if !cookies.isEmpty { headers.append(("Cookie", cookies.map { "\($0)=\($1)" }.joined(separator: "; "))) }
    if let agent { headers.append(("User-Agent", agent)) }
    if body != nil { headers.append(("Content-Type", "application/x-www-form-urlencoded")) }
    let answer = try await server.send(method, path, body, headers: headers)
    if let set = answer.headers["set-cookie"] {
      // Several Set-Cookie fields arrive as one; a cookie of ours has no comma in it.
      for cookie in set.split(separator: ",") {
        let pair = cookie.drop { $0 == " " }.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1)
        if pair.count == 2 { cookies[String(pair[0])] = String(pair[1]) }
      }
    }
    return answer
  }
}

extension TestServer.Answer {
  /// What the page says it is.
  var marker: String { captured("name=\"qiao-page\" content=\"", until: "\"") }
  /// Where its form goes.
  var formAction: String { captured("action=\"", until: "\"") }
  /// Where the form with a field goes.
  func formAction(with field: String) -> String {
    let forms = text.components(separatedBy: "<form ").dropFirst()
    let form = forms.first { $0.contains("name=\"\(field)\"") } ?? ""
    return TestServer.Answer(status: status, headers: [:], text: form).formAction
  }
  /// The value of an input, as it was before it was escaped.
  func input(_ name: String) -> String { captured("name=\"\(name)\" value=\"", until: "\"") }

  /// The first link with these characters in it.
  func href(containing part: String) -> String {
    let links = text.components(separatedBy: "href=\"").dropFirst().map { String($0.prefix { $0 != "\"" }) }
    return links.first { $0.contains(part) }?.replacing("&amp;", with: "&") ?? ""
  }

  private func captured(_ begin: String, until end: Character) -> String {
    guard let range = text.range(of: begin) else { return "" }
    return String(text[range.upperBound...].prefix { $0 != end })
      .replacing("&#39;", with: "'").replacing("&quot;", with: "\"").replacing("&lt;", with: "<")
      .replacing("&gt;", with: ">").replacing("&amp;", with: "&")
  }

  /// Where a redirect leads, and the parameters of its query.
  var redirect: (address: String, parameters: [String: String]) {
    guard let parts = URLComponents(string: headers["location"] ?? "") else { return ("", [:]) }
    let items = parts.queryItems ?? []
    let address = (headers["location"] ?? "").prefix { $0 != "?" }
    return (String(address), Dictionary(items.map { ($0.name, $0.value ?? "") }) { first, _ in first })
  }
}
