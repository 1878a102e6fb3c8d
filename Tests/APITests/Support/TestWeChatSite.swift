import Foundation
import JSON
import Simulator

/// A relying party whose users can sign in by the apps of one Open Platform account.
struct TestWeChatSite: Sendable {
  let party: TestRelyingParty
  let web: Client
  let account: Client

  /// A third-party authz client with its app.
  struct Client: Sendable {
    let id: String
    let app: App
  }

  static let weChat =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 MicroMessenger/8.0.50"
  static let phone =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Version/17.0 Mobile/15E148 Safari/604.1"

  var server: TestServer { party.server }

  /// A new tenant with all of it; `application` are further members of the identity application.
  static func make(
    _ application: String = #","enrollment":"automatic""#, settings: String = #""require_consent":false"#,
    on server: TestServer? = nil
  ) async throws -> TestWeChatSite {
    let party = try await TestRelyingParty.make(settings: settings, application: application, on: server)
    return try await TestWeChatSite(
      party: party, web: client(.web, of: party), account: client(.officialAccount, of: party))
  }

  /// A further client of the same directory.
  static func client(
    _ kind: App.Kind, of party: TestRelyingParty, openPlatformAccount: String? = "open"
  ) async throws -> Client {
    let app = party.server.wechat.register(App(kind: kind, openPlatformAccount: openPlatformAccount))
    let label = openPlatformAccount.map { "\"\($0)\"" } ?? "null"
    let made = try await party.tenant.send(
      "POST", "third-party-authz-clients",
      """
      {"name":"\(kind.rawValue) <b>","identity_application_id":"\(party.applicationID)","provider":"wechat_\(kind.rawValue)",
      "app_id":"\(app.id)","app_secret":"\(app.secret)","open_platform_account":\(label)}
      """)
    guard made.status == 201 else { throw TestFailure(description: "no client: \(made.text)") }
    return Client(id: made.text("id"), app: app)
  }

  /// A new browser of this server.
  func browser(_ agent: String? = nil) -> TestBrowser {
    let browser = TestBrowser(server)
    browser.agent = agent
    return browser
  }

  /// The link of a way on a sign-in page.
  func way(_ client: Client, on page: TestServer.Answer) throws -> String {
    let begin = "\(party.issuer)/wechat/start/\(client.id)?interaction="
    guard let range = page.text.range(of: begin) else {
      throw TestFailure(description: "no way to \(client.id): \(page.text)")
    }
    return begin + page.text[range.upperBound...].prefix { $0 != "\"" }
  }

  /// From our page to WeChat's: where that is.
  func start(_ client: Client, _ browser: TestBrowser, _ changes: [String: String] = [:]) async throws -> String {
    let page = try await party.authorize(browser, changes)
    return try await browser.get(way(client, on: page)).headers["location"] ?? ""
  }

  /// A whole sign-in by WeChat, to the redirect back to the relying party, or to a page of ours.
  func signIn(
    _ person: String, by client: Client, _ browser: TestBrowser, _ changes: [String: String] = [:]
  ) async throws -> TestServer.Answer {
    let address = try await start(client, browser, changes)
    return try await browser.follow(browser.atWeChat(address, person))
  }

  /// The `sub` of a whole sign-in.
  func subject(_ person: String, by client: Client, _ browser: TestBrowser) async throws -> String {
    try await subject(of: signIn(person, by: client, browser))
  }

  /// The `sub` behind the redirect back to the relying party.
  func subject(of answer: TestServer.Answer) async throws -> String {
    guard let code = answer.redirect.parameters["code"] else {
      throw TestFailure(description: "no code: \(answer.status) \(answer.headers["location"] ?? "") \(answer.text)")
    }
    let tokens = try await party.redeem(code)
    return tokens.claims("id_token")["sub"]?.string ?? tokens.text
  }

  /// How often WeChat was asked to exchange a code.
  func exchanges(_ client: Client) -> Int {
    server.wechat.count(endpoint: "sns/oauth2/access_token", appID: client.app.id)
  }

  /// How many rows of a table the tenant has.
  func rows(_ table: String, where condition: String = "true") async throws -> Int {
    try await server.database.administer(
      "SELECT count(*) FROM \(table) WHERE tenant_id = '\(party.tenant.id)' AND \(condition)")[0][0].flatMap { Int($0) }
      ?? -1
  }
}
