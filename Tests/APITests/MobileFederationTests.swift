import Foundation
import JSON
import Simulator
import Testing

/// Native apps: the code of the WeChat SDK in place of the miniapp's (contract section 11).
@Suite("sign-in from a native app")
struct MobileFederationTests {
  @Test(
    "a person registers with the profile WeChat tells, and is the same sub in the miniapp of one Open Platform account")
  func oneIdentity() async throws {
    let mobile = try await App.make(settings: #"{"enrollment":"automatic"}"#)
    let made = try await mobile.profile("alice")
    #expect(made.status == 200 && made["created"]?.boolean == true, "\(made.text)")
    let user = made["user"]?.object
    #expect(user?["name"]?.string == "alice")
    #expect(user?["picture"]?.string?.hasPrefix("https://thirdwx.qlogo.cn/") == true)
    #expect(made.claims("id_token")["amr"]?.array == [.string("wechat")])
    #expect(made.claims("id_token")["aud"]?.string == mobile.client)
    #expect(try await mobile.miniapp.profile("alice").sub == made.sub)
    let identities = try await mobile.miniapp.tenant.send("GET", "users/\(made.sub)/identities").items
    #expect(Set(identities.compactMap { $0["app_id"]?.string }) == [mobile.app.id, mobile.miniapp.app.id])
    #expect(try await mobile.grants(of: made.sub) == 1)
  }

  @Test("an unknown person gets a ticket that carries grant and profile until bindUser")
  func ticket() async throws {
    let mobile = try await App.make()
    let asked = try await mobile.profile("bob")
    #expect(asked.text("outcome") == "registration_required")
    let made = try await mobile.bind(asked.text("bind_ticket"))
    #expect(made.status == 201, "\(made.text)")
    #expect(made["user"]?.object?["name"]?.string == "bob")
    #expect(try await mobile.grants(of: made.sub) == 1)
    let again = try await mobile.profile("bob")
    #expect(again.sub == made.sub && again["created"]?.boolean == false)
  }

  @Test("the same code again gives the same answer, later it is invalid; a miniapp's code is no native one")
  func codes() async throws {
    let mobile = try await App.make(settings: #"{"enrollment":"automatic"}"#)
    let code = try mobile.code("carol")
    let answers = try await withThrowingTaskGroup(of: TestServer.Answer.self) { group in
      for _ in 0..<10 { group.addTask { try await mobile.profile(code: code) } }
      return try await group.reduce(into: [TestServer.Answer]()) { $0.append($1) }
    }
    #expect(Set(answers.map(\.status)) == [200] && Set(answers.map(\.sub)).count == 1)
    #expect(Set(answers.map { $0.text("refresh_token") }).count == 1)
    #expect(mobile.miniapp.server.wechat.count(endpoint: "sns/oauth2/access_token", appID: mobile.app.id) == 1)
    #expect(try await mobile.profile(code: "nonsense").text("code") == "wechat_code_invalid")
    let wrong = try await mobile.miniapp.server.send(
      "POST", "/t/\(mobile.miniapp.tenant.slug)/federation/wechat/mobile/profile",
      #"{"client_id":"\#(mobile.miniapp.clientID)","code":"x"}"#)
    #expect(wrong.status == 404 && wrong.text("code") == "client_not_found")
  }

  @Test("a profile that cannot be read does not cost the sign-in")
  func withoutProfile() async throws {
    let mobile = try await App.make(settings: #"{"enrollment":"automatic"}"#)
    let code = try mobile.code("dave", scope: "snsapi_base")
    let made = try await mobile.profile(code: code)
    #expect(made.status == 200, "\(made.text)")
    #expect(made["user"]?.object?["name"] == .null)
  }

  /// A native app and a miniapp of one directory and one Open Platform account.
  private struct App {
    let miniapp: TestMiniapp
    let app: Simulator.App
    let client: String

    static func make(settings: String = "{}") async throws -> App {
      let miniapp = try await TestMiniapp.make(settings: settings)
      let app = miniapp.server.wechat.register(Simulator.App(kind: .mobile, openPlatformAccount: "open"))
      let made = try await miniapp.tenant.send(
        "POST", "third-party-authz-clients",
        #"""
        {"name":"App","identity_application_id":"\#(miniapp.applicationID)","provider":"wechat_mobile","app_id":"\#(app.id)",
        "app_secret":"\#(app.secret)","open_platform_account":"open"}
        """#)
      guard made.status == 201 else { throw TestFailure(description: made.text) }
      return App(miniapp: miniapp, app: app, client: made.text("id"))
    }

    func code(_ person: String, scope: String = "snsapi_userinfo") throws -> String {
      try miniapp.server.wechat.oauthCode(app.id, person: person, scope: scope)
    }

    func profile(_ person: String) async throws -> TestServer.Answer { try await profile(code: code(person)) }

    func profile(code: String) async throws -> TestServer.Answer {
      try await miniapp.server.send(
        "POST", "/t/\(miniapp.tenant.slug)/federation/wechat/mobile/profile",
        #"{"client_id":"\#(client)","code":"\#(code)"}"#)
    }

    func bind(_ ticket: String) async throws -> TestServer.Answer {
      try await miniapp.server.send(
        "POST", "/t/\(miniapp.tenant.slug)/federation/wechat/mobile/bindUser",
        #"{"client_id":"\#(client)","bind_ticket":"\#(ticket)"}"#)
    }

    /// Identities of a user with a stored grant.
    func grants(of user: String) async throws -> Int {
      try await miniapp.server.database.administer(
        "SELECT count(*) FROM federated_identities WHERE user_id = '\(user)' AND oauth_token_sealed IS NOT NULL"
      )[0][0].flatMap { Int($0) } ?? -1
    }
  }
}
