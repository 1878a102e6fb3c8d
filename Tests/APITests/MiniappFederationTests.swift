import Foundation
import Simulator
import Testing

/// `profile` and `bindUser` against a real database and a simulated WeChat (contract section 8).
@Suite struct MiniappFederationTests {
  @Test("an unknown person gets a ticket, and the ticket a shadow user with tokens")
  func firstLogin() async throws {
    let miniapp = try await TestMiniapp.make()
    let asked = try await miniapp.profile("alice")
    #expect(asked.status == 200)
    #expect(asked.text("outcome") == "registration_required")
    #expect(asked["expires_in"]?.integer == 600)
    let bound = try await miniapp.bind(ticket: asked.text("bind_ticket"), ", \"profile\": {\"nickname\": \"Alice\"}")
    #expect(bound.status == 201)
    #expect(bound["created"]?.boolean == true)
    #expect(bound["user"]?.object?["name"]?.string == "Alice")
    #expect(bound.claims("id_token")["sub"]?.string == bound.sub)
    #expect(bound.claims("id_token")["aud"]?.string == miniapp.clientID)
    #expect(bound.claims("id_token")["name"]?.string == "Alice")
    #expect(bound.claims("access_token")["amr"] == .array([.string("wechat")]))
    let again = try await miniapp.profile("alice")
    #expect(again.text("outcome") == "authenticated")
    #expect(again["created"]?.boolean == false)
    #expect(again.sub == bound.sub)
  }

  @Test("automatic enrolment creates the user at the first login")
  func automatic() async throws {
    let miniapp = try await TestMiniapp.make(settings: "{\"enrollment\": \"automatic\"}")
    let first = try await miniapp.profile("bob")
    #expect(first.status == 200)
    #expect(first["created"]?.boolean == true)
    #expect(try await miniapp.profile("bob").sub == first.sub)
  }

  @Test("closed enrolment takes nobody new")
  func closed() async throws {
    let miniapp = try await TestMiniapp.make(settings: "{\"enrollment\": \"closed\"}")
    let refused = try await miniapp.profile("carol")
    #expect(refused.status == 403)
    #expect(refused.text("code") == "enrollment_closed")
  }

  @Test("50 parallel first logins of one person make one user")
  func parallelFirstLogins() async throws {
    let miniapp = try await TestMiniapp.make(settings: "{\"enrollment\": \"automatic\"}")
    let answers = try await withThrowingTaskGroup(of: TestServer.Answer.self) { group in
      for _ in 0..<50 { group.addTask { try await miniapp.profile("dave") } }
      return try await group.reduce(into: [TestServer.Answer]()) { $0.append($1) }
    }
    #expect(answers.allSatisfy { $0.status == 200 }, "\(answers.first { $0.status != 200 }?.text ?? "")")
    #expect(Set(answers.map(\.sub)).count == 1)
    #expect(answers.filter { $0["created"]?.boolean == true }.count == 1)
    let users = try await miniapp.server.database.administer(
      "SELECT count(*) FROM users WHERE tenant_id = '\(miniapp.tenant.id)'")
    #expect(users[0][0] == "1")
  }

  @Test("one person in two miniapps of one Open Platform account is one sub, also when both come first at once")
  func unifiedIdentity() async throws {
    let first = try await TestMiniapp.make(settings: "{\"enrollment\": \"automatic\"}")
    let second = try await first.client(
      first.server.wechat.register(App(openPlatformAccount: "open")), label: "open")
    let answers = try await withThrowingTaskGroup(of: TestServer.Answer.self) { group in
      for index in 0..<20 { group.addTask { try await (index % 2 == 0 ? first : second).profile("erin") } }
      return try await group.reduce(into: [TestServer.Answer]()) { $0.append($1) }
    }
    #expect(answers.allSatisfy { $0.status == 200 }, "\(answers.first { $0.status != 200 }?.text ?? "")")
    #expect(Set(answers.map(\.sub)).count == 1)
  }

  @Test("the same unionid under two labels is two users")
  func twoAccounts() async throws {
    let first = try await TestMiniapp.make(settings: "{\"enrollment\": \"automatic\"}")
    let second = try await first.client(
      first.server.wechat.register(App(openPlatformAccount: "open")), label: "another")
    #expect(try await first.profile("frank").sub != second.profile("frank").sub)
  }

  @Test("an identity that gains a unionid keeps its sub, and joins later clients")
  func promotion() async throws {
    let first = try await TestMiniapp.make(settings: "{\"enrollment\": \"automatic\"}", openPlatformAccount: nil)
    let before = try await first.profile("grace")
    first.server.wechat.change(first.app.id) { $0.openPlatformAccount = "open" }
    let after = try await first.profile("grace")
    #expect(after.sub == before.sub)
    let second = try await first.client(
      first.server.wechat.register(App(openPlatformAccount: "open")), label: "open")
    #expect(try await second.profile("grace").sub == before.sub)
  }

  @Test("a unionid that is another user's is reported, not merged")
  func ambiguous() async throws {
    let first = try await TestMiniapp.make(settings: "{\"enrollment\": \"automatic\"}", openPlatformAccount: nil)
    let lone = try await first.profile("heidi")
    let second = try await first.client(
      first.server.wechat.register(App(openPlatformAccount: "open")), label: "open")
    let other = try await second.profile("heidi")
    #expect(other.sub != lone.sub)
    first.server.wechat.change(first.app.id) { $0.openPlatformAccount = "open" }
    #expect(try await first.profile("heidi").sub == lone.sub)
    let events = try await first.server.database.administer(
      "SELECT details FROM audit_events WHERE tenant_id = '\(first.tenant.id)' AND action = 'identity.ambiguous'")
    #expect(events.count == 1)
    #expect(events.first?[0]?.contains(lone.sub) == true)
    #expect(events.first?[0]?.contains(other.sub) == true)
  }

  @Test("the same code in parallel gives the same answer and one call to WeChat")
  func repeatedCode() async throws {
    let miniapp = try await TestMiniapp.make(settings: "{\"enrollment\": \"automatic\"}")
    let code = miniapp.loginCode("ivan")
    let answers = try await withThrowingTaskGroup(of: TestServer.Answer.self) { group in
      for _ in 0..<30 { group.addTask { try await miniapp.profile(code: code) } }
      return try await group.reduce(into: [TestServer.Answer]()) { $0.append($1) }
    }
    #expect(answers.allSatisfy { $0.status == 200 }, "\(answers.first { $0.status != 200 }?.text ?? "")")
    #expect(Set(answers.map { $0.text("refresh_token") }).count == 1)
    #expect(Set(answers.map { $0.claims("access_token")["sid"]?.string }).count == 1)
    #expect(miniapp.server.wechat.count(endpoint: "sns/jscode2session", appID: miniapp.app.id) == 1)
    let sessions = try await miniapp.server.database.administer(
      "SELECT count(*) FROM sessions WHERE tenant_id = '\(miniapp.tenant.id)'")
    #expect(sessions[0][0] == "1")
  }

  @Test("the same code gives the same ticket, and after 10 s nothing")
  func staleCode() async throws {
    let miniapp = try await TestMiniapp.make()
    let code = miniapp.loginCode("judy")
    let first = try await miniapp.profile(code: code)
    #expect(try await miniapp.profile(code: code).text("bind_ticket") == first.text("bind_ticket"))
    // The database's clock cannot be moved; the moment of the exchange can.
    try await miniapp.server.database.administer(
      "UPDATE wechat_code_exchanges SET begun_at = now() - interval '11 seconds' WHERE tenant_id = '\(miniapp.tenant.id)'"
    )
    let late = try await miniapp.profile(code: code)
    #expect(late.status == 400)
    #expect(late.text("code") == "wechat_code_invalid")
    #expect(miniapp.server.wechat.count(endpoint: "sns/jscode2session", appID: miniapp.app.id) == 1)
  }

  @Test("a ticket is spent once, and only by the client it was made for")
  func ticketOnce() async throws {
    let miniapp = try await TestMiniapp.make()
    let other = try await miniapp.client(
      miniapp.server.wechat.register(App(openPlatformAccount: "open")), label: "open")
    let ticket = try await miniapp.profile("kate").text("bind_ticket")
    let foreign = try await other.bind(ticket: ticket)
    #expect(foreign.status == 400)
    #expect(foreign.text("code") == "bind_ticket_invalid")
    let answers = try await withThrowingTaskGroup(of: TestServer.Answer.self) { group in
      for _ in 0..<10 { group.addTask { try await miniapp.bind(ticket: ticket) } }
      return try await group.reduce(into: [TestServer.Answer]()) { $0.append($1) }
    }
    #expect(answers.filter { $0.status == 201 }.count == 1)
    #expect(answers.filter { $0.status == 400 && $0.text("code") == "bind_ticket_invalid" }.count == 9)
  }

  @Test("a phone number comes from WeChat, and a failed phone step leaves the ticket")
  func phoneNumber() async throws {
    let miniapp = try await TestMiniapp.make()
    miniapp.server.wechat.register(Person(id: "leo-\(miniapp.tenant.slug)", phoneNumber: "13900001111"))
    let person = "leo-\(miniapp.tenant.slug)"
    let ticket = try await miniapp.profile(person).text("bind_ticket")
    let failed = try await miniapp.bind(ticket: ticket, ", \"phone_code\": \"nonsense\"")
    #expect(failed.status == 400)
    #expect(failed.text("code") == "wechat_code_invalid")
    let foreign = try await miniapp.bind(ticket: ticket, ", \"phone_code\": \"\(miniapp.phoneCode("somebody-else"))\"")
    #expect(foreign.status == 400)
    let bound = try await miniapp.bind(ticket: ticket, ", \"phone_code\": \"\(miniapp.phoneCode(person))\"")
    #expect(bound.status == 201, "\(bound.text)")
    #expect(bound["user"]?.object?["phone_number"]?.string == "+8613900001111")
    #expect(bound.claims("id_token")["phone_number_verified"]?.boolean == true)
  }

  @Test("a phone number of another user conflicts, or links where the policy says so")
  func phonePolicies() async throws {
    for (policy, status) in [("never", 409), ("link", 200)] {
      let miniapp = try await TestMiniapp.make(settings: "{\"phone_matching\": \"\(policy)\"}", label: nil)
      let (old, new) = ("old-\(miniapp.tenant.slug)", "new-\(miniapp.tenant.slug)")
      for person in [old, new] { miniapp.server.wechat.register(Person(id: person, phoneNumber: "13900002222")) }
      let first = try await miniapp.register(old, ", \"phone_code\": \"\(miniapp.phoneCode(old))\"")
      #expect(first.status == 201)
      let second = try await miniapp.register(new, ", \"phone_code\": \"\(miniapp.phoneCode(new))\"")
      #expect(second.status == status, "\(second.text)")
      if status == 200 {
        #expect(second.sub == first.sub)
      } else {
        #expect(second.text("code") == "phone_number_conflict")
      }
    }
  }

  @Test("bind_to binds the person to the user of a live access token, and to nobody else's")
  func bindTo() async throws {
    let miniapp = try await TestMiniapp.make(label: nil)
    let owner = try await miniapp.register("mia")
    let second = try await miniapp.client(miniapp.server.wechat.register(App()), label: nil)
    let ticket = try await second.profile("mia").text("bind_ticket")
    let forged = try await second.bind(ticket: ticket, ", \"bind_to\": {\"access_token\": \"nonsense\"}")
    #expect(forged.status == 401)
    #expect(forged.text("code") == "bind_to_invalid")
    let idToken = try await second.bind(
      ticket: ticket, ", \"bind_to\": {\"access_token\": \"\(owner.text("id_token"))\"}")
    #expect(idToken.status == 401)
    let bound = try await second.bind(
      ticket: ticket, ", \"bind_to\": {\"access_token\": \"\(owner.text("access_token"))\"}")
    #expect(bound.status == 200, "\(bound.text)")
    #expect(bound.sub == owner.sub)
    #expect(try await second.profile("mia").sub == owner.sub)
  }

  @Test("a disabled user is refused everywhere at once")
  func disabledUser() async throws {
    let miniapp = try await TestMiniapp.make()
    let bound = try await miniapp.register("nina")
    try await miniapp.server.database.administer("UPDATE users SET status = 'disabled' WHERE id = '\(bound.sub)'")
    let refused = try await miniapp.profile("nina")
    #expect(refused.status == 403)
    #expect(refused.text("code") == "user_disabled")
    #expect(try await miniapp.userinfo(bound.text("access_token")).status == 401)
    #expect(try await miniapp.refresh(bound.text("refresh_token")).text("error") == "invalid_grant")
  }

  @Test("bindUser takes a code in place of a ticket")
  func bindWithCode() async throws {
    let miniapp = try await TestMiniapp.make()
    let bound = try await miniapp.federation(
      "bindUser", "{\"client_id\": \"\(miniapp.clientID)\", \"code\": \"\(miniapp.loginCode("olga"))\"}")
    #expect(bound.status == 201, "\(bound.text)")
    let again = try await miniapp.federation(
      "bindUser",
      "{\"client_id\": \"\(miniapp.clientID)\", \"code\": \"\(miniapp.loginCode("olga"))\", \"profile\": {\"nickname\": \"Olga\"}}"
    )
    #expect(again.status == 200)
    #expect(again.sub == bound.sub)
    #expect(again["user"]?.object?["name"]?.string == "Olga")
  }

  @Test("an anonymous nickname never overwrites a real one")
  func anonymousNickname() async throws {
    let miniapp = try await TestMiniapp.make()
    let bound = try await miniapp.register("paul", ", \"profile\": {\"nickname\": \"Paul\"}")
    #expect(bound["user"]?.object?["name"]?.string == "Paul")
    for anonymous in ["微信用户", ""] {
      let again = try await miniapp.federation(
        "bindUser",
        "{\"client_id\": \"\(miniapp.clientID)\", \"code\": \"\(miniapp.loginCode("paul"))\", \"profile\": {\"nickname\": \"\(anonymous)\"}}"
      )
      #expect(again["user"]?.object?["name"]?.string == "Paul")
    }
  }
}
