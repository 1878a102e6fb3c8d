import Foundation
import Simulator
import TestSupport
import Testing

/// One WeChat code handed in several times within 10 s: one outcome, one call to WeChat, never a 5xx of ours (contract
/// section 8).
@Suite struct RepeatedCodeTests {
  @Test("a repeated code of a disabled user is refused as the first was")
  func disabledUser() async throws {
    let miniapp = try await TestMiniapp.make()
    let bound = try await miniapp.register("ada")
    try await miniapp.server.database.administer("UPDATE users SET status = 'disabled' WHERE id = '\(bound.sub)'")
    let code = miniapp.loginCode("ada")
    let answers = try await parallel(10) { try await miniapp.profile(code: code) }
    #expect(Set(answers.map(\.status)) == [403])
    #expect(try await miniapp.profile(code: code).text("code") == "user_disabled")
  }

  @Test("a repeated code of a newcomer where enrolment is closed is refused as the first was")
  func closedEnrolment() async throws {
    let miniapp = try await TestMiniapp.make(settings: "{\"enrollment\": \"closed\"}")
    let code = miniapp.loginCode("bea")
    let answers = try await parallel(10) { try await miniapp.profile(code: code) }
    #expect(Set(answers.map(\.status)) == [403])
    #expect(try await miniapp.profile(code: code).text("code") == "enrollment_closed")
    let six = miniapp.loginCode("bea")
    for _ in 0..<2 { #expect(try await miniapp.sixProfile(code: six).status == 403) }
  }

  @Test("bindUser with the same code in parallel registers one user and gives all the same tokens")
  func boundInParallel() async throws {
    let miniapp = try await TestMiniapp.make()
    let code = miniapp.loginCode("cleo")
    let answers = try await parallel(20) { try await miniapp.bind(code: code) }
    #expect(Set(answers.map(\.status)) == [201], "\(answers.first { $0.status != 201 }?.text ?? "")")
    #expect(Set(answers.map { $0.text("refresh_token") }).count == 1)
    let later = try await miniapp.bind(code: code)
    #expect(later.status == 201)
    #expect(later.sub == answers[0].sub)
    let users = try await miniapp.server.database.administer(
      "SELECT count(*) FROM users WHERE tenant_id = '\(miniapp.tenant.id)'")
    #expect(users[0][0] == "1")
  }

  @Test("bindUser with the same code and phone code in parallel asks WeChat for the number once")
  func boundWithPhone() async throws {
    let miniapp = try await TestMiniapp.make()
    let person = "dora-\(miniapp.tenant.slug)"
    miniapp.server.wechat.register(Person(id: person, phoneNumber: "13900003333"))
    let (code, phone) = (miniapp.loginCode(person), miniapp.phoneCode(person))
    let answers = try await parallel(10) { try await miniapp.bind(code: code, ", \"phone_code\": \"\(phone)\"") }
    #expect(Set(answers.map(\.status)) == [201], "\(answers.first { $0.status != 201 }?.text ?? "")")
    #expect(Set(answers.map(\.sub)).count == 1)
    #expect(answers.allSatisfy { $0["user"]?.object?["phone_number"]?.string == "+8613900003333" })
  }

  @Test("bindUser by code adds the phone number of a known person")
  func knownWithPhone() async throws {
    let miniapp = try await TestMiniapp.make()
    let person = "edda-\(miniapp.tenant.slug)"
    miniapp.server.wechat.register(Person(id: person, phoneNumber: "13900004444"))
    let first = try await miniapp.register(person)
    let code = miniapp.loginCode(person)
    let body = ", \"phone_code\": \"\(miniapp.phoneCode(person))\""
    for _ in 0..<2 {
      let again = try await miniapp.bind(code: code, body)
      #expect(again.status == 200, "\(again.text)")
      #expect(again.sub == first.sub)
      #expect(again["user"]?.object?["phone_number"]?.string == "+8613900004444")
    }
  }

  @Test("a phone step that fails leaves the code good for another phone code")
  func failedPhoneStep() async throws {
    let miniapp = try await TestMiniapp.make()
    let person = "fay-\(miniapp.tenant.slug)"
    miniapp.server.wechat.register(Person(id: person, phoneNumber: "13900005555"))
    let code = miniapp.loginCode(person)
    let failed = try await miniapp.bind(code: code, ", \"phone_code\": \"nonsense\"")
    #expect(failed.status == 400)
    let bound = try await miniapp.bind(code: code, ", \"phone_code\": \"\(miniapp.phoneCode(person))\"")
    #expect(bound.status == 201, "\(bound.text)")
  }

  @Test("requests with one code share a refusal that leaves the code, which then counts anew")
  func sharedRefusal() async throws {
    // Without a refresher: it would take the clients of the other tests, whom its WeChat does not know.
    let server = try await TestServer.start(on: TestDatabase.shared(), refreshesTokens: false)
    let miniapp = try await TestMiniapp.make(on: server)
    server.wechat.change(miniapp.app.id) { $0.secret = "changed" }
    server.wechat.inject(Fault(.delay, times: 1, delay: 500), at: "sns/jscode2session")
    let code = miniapp.loginCode("gina")
    let answers = try await parallel(10) { try await miniapp.profile(code: code) }
    #expect(Set(answers.map(\.status)) == [502], "\(answers.first { $0.status != 502 }?.text ?? "")")
    #expect(Set(answers.map { $0["wechat_errcode"]?.integer }) == [40125])
    server.wechat.change(miniapp.app.id) { $0.secret = miniapp.app.secret }
    #expect(try await miniapp.profile(code: code).status == 200)
  }

  @Test("a HEAD of SiX's profile spends no code")
  func headSpendsNothing() async throws {
    let miniapp = try await TestMiniapp.make()
    let code = miniapp.loginCode("hana")
    let head = try await miniapp.sixProfile(code: code, method: "HEAD")
    #expect(head.status == 405)
    #expect(miniapp.server.wechat.count(endpoint: "sns/jscode2session", appID: miniapp.app.id) == 0)
    #expect(try await miniapp.sixProfile(code: code).status == 200)
  }

  private func parallel(
    _ count: Int, _ call: @escaping @Sendable () async throws -> TestServer.Answer
  ) async throws -> [TestServer.Answer] {
    try await withThrowingTaskGroup(of: TestServer.Answer.self) { group in
      for _ in 0..<count { group.addTask { try await call() } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
  }
}
