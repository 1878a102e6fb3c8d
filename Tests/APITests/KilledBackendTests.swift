import Foundation
import JSON
import TestSupport
import Testing

@Suite("PostgreSQL's backends killed under logins")
struct KilledBackendTests {
  @Test("nothing that was acknowledged is lost, nobody becomes two users, and logins go on without a restart")
  func kill() async throws {
    // A database of its own: only its backends are killed.
    let database = try await TestDatabase.separate()
    let server = try await TestServer.start(on: database)
    let miniapp = try await TestMiniapp.make(on: server, settings: #"{"enrollment":"automatic"}"#)
    let killing = Task {
      var killed = 0
      while !Task.isCancelled {
        let rows = try await database.administer(
          """
          SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
          WHERE datname = current_database() AND usename = 'qiao_app'
          """)
        killed += rows[0][0].flatMap { Int($0) } ?? 0
        try? await Task.sleep(for: .milliseconds(60))
      }
      return killed
    }
    let answers = try await withThrowingTaskGroup(of: (String, TestServer.Answer).self) { group in
      for caller in 0..<16 {
        group.addTask {
          var last = try await miniapp.profile("person\(caller)")
          for round in 1..<40 {
            let answer = try await miniapp.profile("person\((caller + round) % 24)")
            if answer.status == 200 { last = answer }
          }
          return ("person\((caller + 39) % 24)", last)
        }
      }
      return try await group.reduce(into: [(String, TestServer.Answer)]()) { $0.append($1) }
    }
    killing.cancel()
    let killed = try await killing.value
    #expect(killed > 10, "\(killed) backends killed")

    let acknowledged = answers.map(\.1).filter { $0.status == 200 }
    #expect(acknowledged.count > 8, "\(answers.map(\.1.status))")
    for answer in acknowledged {
      #expect(try await miniapp.userinfo(answer.text("access_token")).status == 200)
      #expect(try await miniapp.refresh(answer.text("refresh_token")).status == 200)
    }
    for (_, answer) in answers where answer.status != 200 {
      #expect(answer.status == 503, "\(answer.text)")
    }
    let twice = try await database.administer(
      """
      SELECT openid FROM federated_identities GROUP BY openid HAVING count(DISTINCT user_id) > 1 OR count(*) > 1
      """)
    #expect(twice.isEmpty)
    let people = try await database.administer("SELECT count(*) FROM users")
    #expect(people[0][0].flatMap { Int($0) } ?? 99 <= 24)
    #expect(try await miniapp.profile("person1").status == 200)
  }
}
