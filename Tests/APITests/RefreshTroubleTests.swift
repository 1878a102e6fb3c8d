import Foundation
import Identity
import JSON
import Jobs
import Simulator
import TestSupport
import Testing

/// What WeChat can say to the refresher but a token: when it asks again, and whether the client is to blame.
@Suite("troubles of the token refresher")
struct RefreshTroubleTests {
  /// A misbehaviour, and what becomes of it.
  struct Trouble: Sendable {
    let fault: Fault
    let reason: String
    /// Seconds until the next call, at least.
    let pause: Double
    let fails: Bool
  }

  @Test(
    "a refresh that failed waits as long as WeChat says, blames the client only for a refusal, and then succeeds",
    arguments: [
      Trouble(fault: Fault(.errcode, errcode: 45009), reason: "rate_limited 45009", pause: 3600, fails: false),
      Trouble(fault: Fault(.errcode, errcode: 45011), reason: "rate_limited 45011", pause: 60, fails: false),
      Trouble(fault: Fault(.badGateway), reason: "wechat_unavailable", pause: 2, fails: false),
      Trouble(fault: Fault(.wrongJSON), reason: "wechat_unavailable", pause: 2, fails: false),
      Trouble(fault: Fault(.hangAfter), reason: "wechat_unavailable", pause: 2, fails: false),
      Trouble(
        fault: Fault(.errcode, errcode: 89503), reason: "wechat_credentials_rejected 89503", pause: 600, fails: true),
      Trouble(
        fault: Fault(.errcode, errcode: 89507), reason: "wechat_credentials_rejected 89507", pause: 3600, fails: true),
      Trouble(
        fault: Fault(.errcode, errcode: 89506), reason: "wechat_credentials_rejected 89506", pause: 86_400, fails: true),
    ])
  func trouble(_ trouble: Trouble) async throws {
    let server = try await TestServer.start(on: TestDatabase.separate(), refreshesTokens: false)
    let miniapp = try await TestMiniapp.make(on: server)
    let services = server.runtime.services
    let work = AppTokenRefresh(
      database: services.database, heartbeat: services.database, fetch: services.appTokenFetch)
    server.wechat.inject(trouble.fault, at: "cgi-bin/stable_token")
    let claim = try #require(try await work.claim(Lease(), limit: 1).first)
    #expect(try await work.handle(claim) == .failed)
    let pause = try await server.database.administer(
      "SELECT extract(epoch FROM refresh_at - now()), lease_owner IS NULL FROM app_token_schedule")
    // A second for the way here.
    #expect((Double((pause.first?[0] ?? nil) ?? "") ?? 0) > trouble.pause - 1 && pause.first?[1] == "t", "\(pause)")
    let job = try await miniapp.tenant.send("GET", "jobs/\(miniapp.clientID)")
    #expect(job.text("last_error") == trouble.reason)
    #expect(job.text("status") == (trouble.fails ? "failed" : "retrying"))
    let path = "third-party-authz-clients/\(miniapp.clientID)"
    let client = try await miniapp.tenant.send("GET", path)
    #expect(client.text("credential_status") == (trouble.fails ? "failing" : "unverified"))
    #expect((client["credential_error"] == .null) != trouble.fails)
    #expect(try await work.claim(Lease(), limit: 1).isEmpty)

    server.wechat.clearFaults()
    #expect(try await miniapp.tenant.send("POST", "jobs/\(miniapp.clientID)/run").status == 200)
    let again = try #require(try await work.claim(Lease(), limit: 1).first)
    #expect(try await work.handle(again) == .done(1))
    let good = try await miniapp.tenant.send("GET", path)
    #expect(good.text("credential_status") == "ok" && good["credential_error"] == .null)
    #expect(try await miniapp.tenant.send("GET", "\(path)/access-token").status == 200)
    #expect(try await miniapp.tenant.send("GET", "jobs/\(miniapp.clientID)")["last_error"] == .null)
  }
}
