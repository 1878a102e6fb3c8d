import Foundation
import JSON
import Simulator
import Testing

@Suite("miniapp federation, second factor")
struct MiniappMFATests {
  /// A miniapp of an application, with a person who has an authenticator where `enrols`.
  private static func make(
    _ mfa: String, enrols: Bool = true
  ) async throws -> (miniapp: TestMiniapp, app: TestAuthenticator?, codes: [String], sub: String) {
    let miniapp = try await TestMiniapp.make(settings: #"{"enrollment":"automatic"}"#)
    let sub = try await miniapp.profile("alice").sub
    let password = TestRelyingParty.password
    _ = try await miniapp.tenant.send("PATCH", "users/\(sub)", #"{"username":"alice","password":"\#(password)"}"#)
    func set(_ mfa: String) async throws {
      let patched = try await miniapp.tenant.send(
        "PATCH", "identity-applications/\(miniapp.applicationID)", #"{"mfa":"\#(mfa)"}"#)
      guard patched.status == 200 else { throw TestFailure(description: patched.text) }
    }
    guard enrols else {
      try await set(mfa)
      return (miniapp, nil, [], sub)
    }
    try await set("optional")
    let party = TestRelyingParty(
      tenant: miniapp.tenant, applicationID: miniapp.applicationID, issuerPath: miniapp.issuerPath, clientID: "",
      secret: "", username: "alice", userID: sub)
    let (app, codes) = try await party.enrol(try await party.accountBrowser())
    try await set(mfa)
    return (miniapp, app, codes, sub)
  }

  private static func second(
    _ miniapp: TestMiniapp, _ ticket: String, _ code: String, client: String? = nil
  ) async throws -> TestServer.Answer {
    try await miniapp.federation(
      "mfa", #"{"client_id":"\#(client ?? miniapp.clientID)","mfa_ticket":"\#(ticket)","code":"\#(code)"}"#)
  }

  @Test(
    "who has a second factor gets a ticket instead of tokens, and tokens for ticket and code",
    arguments: ["optional", "required"])
  func ticket(mfa: String) async throws {
    let (miniapp, app, _, sub) = try await Self.make(mfa)
    let wechatCode = miniapp.loginCode("alice")
    let asked = try await miniapp.profile(code: wechatCode)
    #expect(asked.status == 200 && asked.text("outcome") == "mfa_required")
    #expect(Set(asked.json.members.map(\.name)) == ["outcome", "mfa_ticket", "expires_in"])
    #expect(asked["expires_in"]?.integer == 600)
    #expect(try await miniapp.profile(code: wechatCode).text == asked.text, "the same code, the same answer")
    let ticket = asked.text("mfa_ticket")
    let app1 = try #require(app)
    let wrong = try await Self.second(miniapp, ticket, app1.wrong)
    #expect(wrong.status == 400 && wrong.text("code") == "mfa_code_invalid" && wrong["detail_zh"] != nil)
    let code = app1.code()
    let signedIn = try await Self.second(miniapp, ticket, code)
    #expect(signedIn.status == 200 && signedIn.text("outcome") == "authenticated")
    #expect(signedIn.sub == sub)
    #expect(signedIn.claims("id_token")["amr"] == .array(["wechat", "otp", "mfa"].map { .string($0) }))
    #expect(try await miniapp.userinfo(signedIn.text("access_token")).status == 200)
    #expect(try await miniapp.refresh(signedIn.text("refresh_token")).status == 200)
    for code in [code, app1.code(1)] {
      #expect(try await Self.second(miniapp, ticket, code).text("code") == "mfa_ticket_invalid", "spent")
    }
    let next = try await miniapp.profile("alice").text("mfa_ticket")
    #expect(try await Self.second(miniapp, next, code).text("code") == "mfa_code_invalid", "a code is taken once")
  }

  @Test("a ticket belongs to its client and purpose, and lives for ten minutes")
  func binding() async throws {
    let (miniapp, app, _, _) = try await Self.make("optional")
    let app1 = try #require(app)
    let other = try await miniapp.client(miniapp.app, label: "open")
    let ticket = try await miniapp.profile("alice").text("mfa_ticket")
    let bind = try await miniapp.tenant.send(
      "PATCH", "identity-applications/\(miniapp.applicationID)", #"{"enrollment":"bind"}"#)
    #expect(bind.status == 200)
    let bindTicket = try await miniapp.profile("bob").text("bind_ticket")
    for (presented, client) in [(ticket, other.clientID), (bindTicket, miniapp.clientID), ("qmf_x", miniapp.clientID)] {
      let refused = try await Self.second(miniapp, presented, app1.code(), client: client)
      #expect(refused.status == 400 && refused.text("code") == "mfa_ticket_invalid")
    }
    #expect(try await miniapp.bind(ticket: ticket).text("code") == "bind_ticket_invalid")
    let federate = try await miniapp.form(
      "token", "grant_type=urn:ietf:params:oauth:grant-type:federation:six-wechat-miniapp&assertion=\(ticket)")
    #expect(federate.text("error") == "invalid_grant")
    try await miniapp.server.database.administer(
      "UPDATE federation_transactions SET expires_at = now() WHERE tenant_id = '\(miniapp.tenant.id)'")
    #expect(try await Self.second(miniapp, ticket, app1.code()).text("code") == "mfa_ticket_invalid")
  }

  @Test("wrong codes lock the person on this path too, whatever ticket they come with")
  func guessing() async throws {
    let (miniapp, app, codes, _) = try await Self.make("optional")
    let app1 = try #require(app)
    for _ in 0..<5 {
      let ticket = try await miniapp.profile("alice").text("mfa_ticket")
      for _ in 0..<2 { #expect(try await Self.second(miniapp, ticket, app1.wrong).status == 400) }
    }
    let ticket = try await miniapp.profile("alice").text("mfa_ticket")
    let locked = try await Self.second(miniapp, ticket, app1.code())
    #expect(locked.status == 429 && locked.text("code") == "rate_limited")
    #expect(locked.headers["retry-after"] != nil)
    #expect(try await Self.second(miniapp, ticket, codes[0]).status == 429)
    try await miniapp.server.database.administer(
      "UPDATE password_tries SET locked_until = now() WHERE tenant_id = '\(miniapp.tenant.id)'")
    #expect(try await Self.second(miniapp, ticket, codes[0]).text("outcome") == "authenticated")
  }

  @Test("where it is required, a person without one is told where to enrol, and gets no tokens by any way")
  func enrolment() async throws {
    let (miniapp, _, _, sub) = try await Self.make("required", enrols: false)
    let code = miniapp.loginCode("alice")
    for _ in 0..<2 {
      let refused = try await miniapp.profile(code: code)
      #expect(refused.status == 403 && refused.text("code") == "mfa_enrollment_required")
      #expect(refused.text("detail").contains("/account") && refused["detail_zh"] != nil)
    }
    #expect(try await miniapp.profile("newcomer").text("code") == "mfa_enrollment_required")
    let bound = try await miniapp.federation(
      "bindUser", #"{"client_id":"\#(miniapp.clientID)","code":"\#(miniapp.loginCode("third"))"}"#)
    #expect(bound.text("code") == "mfa_enrollment_required")
    #expect(try await miniapp.tenant.send("GET", "users/\(sub)/sessions").items.count == 1, "the one before")
    let grants = try await miniapp.server.database.administer(
      "SELECT count(*) FROM grants WHERE tenant_id = '\(miniapp.tenant.id)'")
    #expect(grants[0][0] == "1")
  }

  @Test("SiX's wire form, which has no second step, is no way around it", arguments: ["optional", "required"])
  func six(mfa: String) async throws {
    let (miniapp, _, _, _) = try await Self.make(mfa, enrols: mfa == "optional")
    let word = mfa == "optional" ? "mfa_required" : "mfa_enrollment_required"
    let code = miniapp.loginCode("alice")
    for _ in 0..<2 {
      let refused = try await miniapp.server.send(
        "GET",
        "/t/\(miniapp.tenant.slug)/federation/wechat/miniapp/profile?clientPrimaryId=\(miniapp.clientID)&code=\(code)")
      #expect(refused.status == 403)
      #expect(refused["errors"]?.array?.first?.object?["code"]?.string == word, "\(refused.text)")
    }
  }

  @Test("a federateCode from before the second factor gives no tokens after it")
  func olderCode() async throws {
    let (miniapp, _, _, _) = try await Self.make("off", enrols: false)
    let path = "/t/\(miniapp.tenant.slug)/federation/wechat/miniapp/profile"
    let profile = try await miniapp.server.send(
      "GET", "\(path)?clientPrimaryId=\(miniapp.clientID)&code=\(miniapp.loginCode("alice"))")
    let element = profile["data"]?.object?["federateIdentities"]?.array?.first?.object
    let code = try #require(element?["federateCode"]?.string)
    _ = try await miniapp.tenant.send(
      "PATCH", "identity-applications/\(miniapp.applicationID)", #"{"mfa":"required"}"#)
    let form = "grant_type=urn:ietf:params:oauth:grant-type:federation:six-wechat-miniapp&assertion=\(code)"
    #expect(try await miniapp.form("token", form).text("error") == "invalid_grant")
  }

  @Test("bindUser of a person who is bound to somebody with a second factor asks for it")
  func bound() async throws {
    let (miniapp, app, _, sub) = try await Self.make("optional")
    let app1 = try #require(app)
    _ = try await miniapp.tenant.send(
      "PATCH", "identity-applications/\(miniapp.applicationID)",
      #"{"enrollment":"bind","phone_matching":"link"}"#)
    let carol = "carol-\(miniapp.tenant.slug)"
    miniapp.server.wechat.register(Person(id: carol, phoneNumber: "13900003333"))
    let patched = try await miniapp.tenant.send(
      "PATCH", "users/\(sub)", #"{"phone_number":"+8613900003333","phone_number_verified":true}"#)
    #expect(patched.status == 200)
    let ticket = try await miniapp.profile(carol).text("bind_ticket")
    let asked = try await miniapp.bind(ticket: ticket, #", "phone_code": "\#(miniapp.phoneCode(carol))""#)
    #expect(asked.status == 200 && asked.text("outcome") == "mfa_required", "\(asked.text)")
    let signedIn = try await Self.second(miniapp, asked.text("mfa_ticket"), app1.code())
    #expect(signedIn.sub == sub)
  }
}
