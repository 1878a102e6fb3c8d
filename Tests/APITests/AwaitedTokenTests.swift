import Foundation
import Identity
import Jobs
import Runtime
import Simulator
import TestSupport
import Testing

/// What the server does while there is no app access token: it asks the refresher, waits a little, and never asks WeChat.
@Suite("awaited app access tokens")
struct AwaitedTokenTests {
  @Test("who waits for a token goes on when the refresher stores it; a refresh nobody waits for notifies nobody")
  func stored() async throws {
    let server = try await TestServer.start(on: TestDatabase.separate(), refreshesTokens: false)
    let miniapp = try await TestMiniapp.make(on: server)
    server.wechat.register(Person(id: "mia", phoneNumber: "13900003333"))
    let heard = Signal<String>()
    let listening = Task {
      for await notification in server.runtime.pool.notifications(AppTokenArrivals.channel) {
        if case .payload(let client) = notification { heard.send(client) } else { heard.send("listening") }
      }
    }
    defer { listening.cancel() }
    _ = try await heard.next("it to listen") { $0 == "listening" }
    let ticket = try await miniapp.profile("mia").text("bind_ticket")
    async let bound = miniapp.bind(ticket: ticket, ", \"phone_code\": \"\(miniapp.phoneCode("mia"))\"")
    _ = try await eventually("somebody to wait") { try await Self.awaited(server) == [["1"]] ? true : nil }
    #expect(server.wechat.count(endpoint: "cgi-bin/stable_token") == 0)
    try await Self.refresh(server)
    let answer = try await bound
    #expect(answer.text("access_token").isEmpty == false, "\(answer.status) \(answer.text)")
    #expect(try await heard.next("a notification") == miniapp.clientID)
    #expect(server.wechat.count(endpoint: "cgi-bin/stable_token") == 1)

    let other = try await TestMiniapp.make(on: server)
    try await Self.refresh(server)
    #expect(server.wechat.count(endpoint: "cgi-bin/stable_token", appID: other.app.id) == 1)
    try await server.database.administer("NOTIFY \(AppTokenArrivals.channel), 'last'")
    #expect(try await heard.next("the next notification") == "last")
  }

  @Test("who wants a token does not undo the pause after a failure, and is told to come again")
  func pausing() async throws {
    let server = try await TestServer.start(on: TestDatabase.separate(), refreshesTokens: false)
    let miniapp = try await TestMiniapp.make(on: server)
    // As a failed attempt leaves it.
    try await server.database.administer(
      "UPDATE app_token_schedule SET attempts = 3, refresh_at = now() + interval '100 seconds'")
    let ticket = try await miniapp.profile("noa").text("bind_ticket")
    let answer = try await miniapp.bind(ticket: ticket, ", \"phone_code\": \"\(miniapp.phoneCode("noa"))\"")
    #expect(answer.status == 503, "\(answer.text)")
    #expect(answer.headers.contains { $0.key.lowercased() == "retry-after" }, "\(answer.headers)")
    let pause = try await server.database.administer(
      "SELECT refresh_at > now() + interval '50 seconds' FROM app_token_schedule")
    #expect(pause == [["t"]])
    #expect(server.wechat.count(endpoint: "cgi-bin/stable_token") == 0)
  }

  @Test("a refresh that ended in a fault of ours is done again when its lease is over, though its worker lives on")
  func fault() async throws {
    let server = try await TestServer.start(on: TestDatabase.separate(), refreshesTokens: false)
    let runtime = server.runtime
    let miniapp = try await TestMiniapp.make(on: server)
    // A secret that does not open; unnoticed by the trigger that makes a refresh due.
    try await server.database.administer(
      """
      SET session_replication_role = replica;
      CREATE TABLE kept AS SELECT id, app_secret_sealed FROM third_party_authz_clients;
      UPDATE third_party_authz_clients SET app_secret_sealed = '\\x00'
      """)
    let database = runtime.services.database
    let work = AppTokenRefresh(database: database, heartbeat: database, fetch: runtime.services.appTokenFetch)
    let worker = Task {
      try await WorkerLoop(
        work, pool: runtime.pool, metrics: runtime.metrics, logger: runtime.logger, leaseSeconds: 0.9,
        interval: .milliseconds(50)
      ).run()
    }
    defer { worker.cancel() }
    _ = try await eventually("it to fail") {
      let failed = #"qiao_worker_failed_total{kind="wechat_token_refresh"} 0"#
      return runtime.metrics.exposition().contains(failed) ? nil : true
    }
    try await server.database.administer(
      """
      SET session_replication_role = replica;
      UPDATE third_party_authz_clients c SET app_secret_sealed = k.app_secret_sealed FROM kept k WHERE k.id = c.id
      """)
    _ = try await AppTokenTests.token(of: miniapp)
  }

  private static func awaited(_ server: TestServer) async throws -> [[String?]] {
    try await server.database.administer("SELECT count(*) FROM app_token_schedule WHERE awaited_until > now()")
  }

  /// What a refresher does with `--once`.
  private static func refresh(_ server: TestServer) async throws {
    let runtime = server.runtime
    let database = runtime.services.database
    let work = AppTokenRefresh(database: database, heartbeat: database, fetch: runtime.services.appTokenFetch)
    _ = try await WorkerLoop(work, pool: runtime.pool, metrics: runtime.metrics, logger: runtime.logger).drain()
  }
}
