import Foundation
import JSON
import Simulator
import TestSupport
import Testing

/// What the tenant's administrator learns of refused credentials, whoever met the refusal (contract sections 7 and 8).
@Suite("refused credentials")
struct CredentialTests {
  private static func miniapp(refreshes: Bool = false) async throws -> TestMiniapp {
    try await TestMiniapp.make(on: TestServer.start(on: TestDatabase.separate(), refreshesTokens: refreshes))
  }

  private static func client(_ miniapp: TestMiniapp) async throws -> TestServer.Answer {
    try await miniapp.tenant.send("GET", "third-party-authz-clients/\(miniapp.clientID)")
  }

  private static func events(_ miniapp: TestMiniapp) async throws -> [JSONObject] {
    try await miniapp.tenant.send("GET", "audit-events?action=client.credential_failing").items
  }

  @Test("the first login with a wrong secret fails the client, says what to do, and leaves one audit event")
  func login() async throws {
    let miniapp = try await Self.miniapp()
    miniapp.server.wechat.change(miniapp.app.id) { $0.secret = "changed" }
    for _ in 0..<3 { #expect(try await miniapp.profile("anna").text("code") == "wechat_credentials_rejected") }
    let client = try await Self.client(miniapp)
    #expect(client.text("credential_status") == "failing")
    let error = try #require(client["credential_error"]?.object)
    #expect(error["errcode"]?.integer == 40125 && error["action"]?.string?.isEmpty == false)
    #expect(error["request_id"]?.string?.isEmpty == false)
    let events = try await Self.events(miniapp)
    #expect(events.count == 1)
    #expect(events.first?["actor"]?.object?["type"]?.string == "wechat")
    #expect(events.first?["details"]?.object?["errcode"]?.integer == 40125)
    #expect(events.first?["request_id"]?.string?.isEmpty == false)
    // The refresher looks at the credentials at once and then with its own patience.
    let due = try await miniapp.server.database.administer(
      "SELECT refresh_at <= now() FROM app_token_schedule WHERE client_id = '\(miniapp.clientID)'")
    #expect(due == [["t"]])
  }

  @Test("a website's login tells the administrator too")
  func website() async throws {
    let server = try await TestServer.start(on: TestDatabase.separate(), refreshesTokens: false)
    let tenant = try await server.tenant()
    let application = try await tenant.application()
    let app = server.wechat.register(App(kind: .mobile))
    let made = try await tenant.send(
      "POST", "third-party-authz-clients",
      """
      {"name": "Native", "identity_application_id": "\(application)", "provider": "wechat_mobile", "app_id": "\(app.id)",
      "app_secret": "wrong"}
      """)
    let refused = try await server.send(
      "POST", "/t/\(tenant.slug)/federation/wechat/mobile/profile",
      #"{"client_id":"\#(made.text("id"))","code":"c"}"#)
    #expect(refused.status == 502, "\(refused.text)")
    let client = try await tenant.send("GET", "third-party-authz-clients/\(made.text("id"))")
    #expect(client.text("credential_status") == "failing")
  }

  @Test("a code that WeChat refuses says nothing about the client")
  func code() async throws {
    let miniapp = try await Self.miniapp()
    #expect(try await miniapp.profile(code: "nonsense").status == 400)
    let client = try await Self.client(miniapp)
    #expect(client.text("credential_status") == "unverified" && client["credential_error"] == .null)
  }

  @Test("a phone call without permission tells the administrator, and the app access token stays usable")
  func phone() async throws {
    let miniapp = try await Self.miniapp(refreshes: true)
    _ = try await AppTokenTests.token(of: miniapp)
    miniapp.server.wechat.change(miniapp.app.id) { $0.mayReadPhoneNumbers = false }
    for _ in 0..<2 {
      let refused = try await miniapp.register("berta", #", "phone_code": "\#(miniapp.phoneCode("berta"))""#)
      #expect(refused.status == 502 && refused["wechat_errcode"]?.integer == 48001, "\(refused.text)")
    }
    let client = try await Self.client(miniapp)
    #expect(client["credential_error"]?.object?["errcode"]?.integer == 48001)
    #expect(client.text("credential_status") == "ok")
    #expect(try await Self.events(miniapp).count == 1)
    let token = try await miniapp.tenant.send("GET", "third-party-authz-clients/\(miniapp.clientID)/access-token")
    #expect(token.status == 200)
  }

  /// A failure that says nothing about the credentials, and what a caller of `verify` gets for it.
  struct Trouble: Sendable {
    let fault: Fault
    let status: Int
    let code: String
    let errcode: Int?
  }

  @Test(
    "verify tells that WeChat could not be asked, and leaves the verdict as it was",
    arguments: [
      Trouble(fault: Fault(.errcode, errcode: -1), status: 503, code: "wechat_unavailable", errcode: -1),
      Trouble(fault: Fault(.badGateway), status: 503, code: "wechat_unavailable", errcode: nil),
      Trouble(fault: Fault(.errcode, errcode: 45009), status: 429, code: "rate_limited", errcode: 45009),
      Trouble(fault: Fault(.errcode, errcode: 45011), status: 429, code: "rate_limited", errcode: 45011),
      Trouble(fault: Fault(.errcode, errcode: 99999), status: 502, code: "wechat_error", errcode: 99999),
    ])
  func verify(_ trouble: Trouble) async throws {
    let miniapp = try await Self.miniapp()
    miniapp.server.wechat.inject(trouble.fault, at: "cgi-bin/stable_token")
    let path = "third-party-authz-clients/\(miniapp.clientID)/verify"
    let answer = try await miniapp.tenant.send("POST", path)
    #expect(answer.status == trouble.status && answer.text("code") == trouble.code, "\(answer.status) \(answer.text)")
    #expect(answer["wechat_errcode"]?.integer == trouble.errcode)
    #expect((answer.headers["retry-after"] != nil) == (trouble.status != 502))
    #expect(try await Self.client(miniapp).text("credential_status") == "unverified")
    miniapp.server.wechat.clearFaults()
    let good = try await miniapp.tenant.send("POST", path)
    #expect(good.status == 200 && good.text("credential_status") == "ok", "\(good.text)")
  }
}
