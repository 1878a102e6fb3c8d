import Foundation
import JSON
import Observability
import Secrets
import Simulator
import Tenancy
import TestSupport
import Testing

@testable import Identity

/// What an attacker or a bad day tries at the miniapp's federation; each with a WeChat of its own.
@Suite("attacks on the miniapp's federation")
struct MiniappAttackTests {
  @Test("one code at two nodes is one login, also when WeChat would take it again and again")
  func codeReplay() async throws {
    let server = try await TestServer.start(on: TestDatabase.separate(), refreshesTokens: false)
    let node = try await TestServer.start(
      on: server.database, more: ["QIAO_WECHAT_API_URL": server.runtime.settings.wechatURL], refreshesTokens: false)
    let miniapp = try await TestMiniapp.make(on: server, settings: #"{"enrollment":"automatic"}"#)
    server.wechat.change { $0.acceptsUsedCodes = true }
    let body = #"{"client_id":"\#(miniapp.clientID)","code":"\#(miniapp.loginCode("anna"))"}"#
    let answers = try await withThrowingTaskGroup(of: TestServer.Answer.self) { group in
      for index in 0..<20 {
        group.addTask {
          try await (index.isMultiple(of: 2) ? server : node).send(
            "POST", "/t/\(miniapp.tenant.slug)/federation/wechat/miniapp/profile", body)
        }
      }
      return try await group.reduce(into: [TestServer.Answer]()) { $0.append($1) }
    }
    #expect(answers.allSatisfy { $0.status == 200 }, "\(answers.map(\.status))")
    #expect(Set(answers.map(\.sub)).count == 1)
    #expect(server.wechat.count(endpoint: "sns/jscode2session", appID: miniapp.app.id) == 1)
    let rows = try await server.database.administer(
      "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM sessions), (SELECT count(*) FROM federated_identities)"
    )
    #expect(rows == [["1", "1", "1"]])
  }

  @Test("a number that nobody verified links nobody, also where the policy links by numbers")
  func unverifiedNumber() async throws {
    let server = try await TestServer.start(on: TestDatabase.separate())
    let miniapp = try await TestMiniapp.make(on: server, settings: #"{"phone_matching":"link"}"#)
    _ = try await AppTokenTests.token(of: miniapp)
    server.wechat.register(Person(id: "berta", phoneNumber: "13900003333"))
    let old = try await miniapp.tenant.user(of: miniapp.applicationID, #""name":"Old","phone_number":"+8613900003333""#)
    let answer = try await miniapp.register("berta", #", "phone_code": "\#(miniapp.phoneCode("berta"))""#)
    #expect(answer.status == 409 && answer.text("code") == "phone_number_conflict", "\(answer.text)")
    #expect(try await miniapp.tenant.send("GET", "users/\(old)/identities").items.isEmpty)
    #expect(try await miniapp.tenant.send("GET", "users/\(old)")["phone_number_verified"] == .boolean(false))
  }

  @Test("a phone code counts once, and only for the person who made it, also when WeChat would take it again")
  func phoneCodeReplay() async throws {
    let server = try await TestServer.start(on: TestDatabase.separate())
    let miniapp = try await TestMiniapp.make(on: server)
    _ = try await AppTokenTests.token(of: miniapp)
    let code = miniapp.phoneCode("carla")
    #expect(try await miniapp.register("carla", #", "phone_code": "\#(code)""#).status == 201)
    for acceptsUsedCodes in [false, true] {
      server.wechat.change { $0.acceptsUsedCodes = acceptsUsedCodes }
      let stolen = try await miniapp.register("mallory", #", "phone_code": "\#(code)""#)
      #expect(stolen.status == 400 && stolen.text("code") == "wechat_code_invalid", "\(stolen.text)")
    }
    let users = try await server.database.administer("SELECT count(*) FROM users WHERE phone_number IS NOT NULL")
    #expect(users == [["1"]])
  }

  @Test("people sign in with passwords while WeChat hangs")
  func hangingWeChat() async throws {
    let server = try await TestServer.start(on: TestDatabase.separate(), refreshesTokens: false)
    let miniapp = try await TestMiniapp.make(on: server)
    let user = try await miniapp.tenant.user(
      of: miniapp.applicationID, #""username":"dora","password":"correct horse""#)
    let all = server.runtime.services.database
    let database = all.scoped(to: try await TenantDirectory(database: all).scope(slug: miniapp.tenant.slug))
    let application = try #require(ID<IdentityApplication>(miniapp.applicationID))
    func signIn() async throws -> Duration {
      let begun = ContinuousClock.now
      let signedIn = try await LocalSignIn(workers: .shared).signIn(
        "dora", Secret("correct horse"), application: application, in: database, requestID: "r")
      #expect(signedIn.user.description == user)
      return begun.duration(to: .now)
    }
    let calm = try await signIn()
    server.wechat.inject(Fault(.delay, delay: 20_000), at: "sns/jscode2session")
    try await withThrowingTaskGroup(of: TestServer.Answer.self) { group in
      for index in 0..<100 { group.addTask { try await miniapp.profile("p\(index)") } }
      _ = try await eventually("calls under way") {
        server.wechat.count(endpoint: "sns/jscode2session") > 0 ? true : nil
      }
      let busy = try await signIn()
      #expect(busy < calm * 4 + .seconds(2), "\(calm) \(busy)")
      for try await answer in group {
        #expect([429, 503].contains(answer.status) && answer.headers["retry-after"] != nil, "\(answer.status)")
      }
    }
  }

  @Test("of a deleted user no openid, unionid, number or name is left in any table")
  func erasedUser() async throws {
    let server = try await TestServer.start(on: TestDatabase.separate())
    let miniapp = try await TestMiniapp.make(on: server)
    _ = try await AppTokenTests.token(of: miniapp)
    server.wechat.register(Person(id: "ella", nickname: "Ellanickname", phoneNumber: "13900004444"))
    let members = #", "phone_code": "\#(miniapp.phoneCode("ella"))", "profile": {"nickname": "Ellanickname"}"#
    let made = try await miniapp.register("ella", members)
    #expect(made.status == 201, "\(made.text)")
    #expect(try await miniapp.profile("ella").sub == made.sub)
    let identity = try #require(try await miniapp.tenant.send("GET", "users/\(made.sub)/identities").items.first)
    let values = [identity["openid"]?.string, identity["unionid"]?.string, "13900004444", "Ellanickname"]
    let secrets = try values.map { try #require($0) }
    #expect(try await Self.found(secrets, server).count >= 4)
    #expect(try await miniapp.tenant.send("DELETE", "users/\(made.sub)").status == 204)
    let left = try await Self.found(secrets, server)
    #expect(left.isEmpty, "\(left)")
  }

  /// Where values stand, as text or as the bytes of it.
  private static func found(_ values: [String], _ server: TestServer) async throws -> [String] {
    let tables = try await server.database.administer(
      """
      SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      """
    ).compactMap { $0[0] }
    var found: [String] = []
    for table in tables {
      let rows = try await server.database.administer("SELECT row_to_json(t)::text FROM \(table) t")
      let text = rows.map { $0[0] ?? "" }.joined(separator: "\n")
      for value in values {
        let hexadecimal = value.utf8.map { String(format: "%02x", $0) }.joined()
        if text.contains(value) || text.contains(hexadecimal) { found.append("\(table): \(value)") }
      }
    }
    return found
  }
}
