import Foundation
import JSON
import Simulator
import TestSupport
import Testing

/// `verify` of third-party authz clients, an access token that is not there, and the filters of jobs: over a database without a
/// refresher, so that only these tests ask WeChat.
@Suite("verification of WeChat's credentials")
struct ClientVerificationTests {
  private static let server = Task {
    try await TestServer.start(on: TestDatabase.separate(), refreshesTokens: false)
  }

  private func miniapp() async throws -> TestMiniapp { try await TestMiniapp.make(on: Self.server.value) }

  private func verify(_ miniapp: TestMiniapp) async throws -> TestServer.Answer {
    try await miniapp.tenant.send("POST", "third-party-authz-clients/\(miniapp.clientID)/verify")
  }

  private func calls(_ miniapp: TestMiniapp) -> Int {
    miniapp.server.wechat.count(endpoint: "cgi-bin/stable_token", appID: miniapp.app.id)
  }

  private func change(_ miniapp: TestMiniapp, _ patch: String) async throws {
    let answer = try await miniapp.tenant.send("PATCH", "third-party-authz-clients/\(miniapp.clientID)", patch)
    guard answer.status == 200 else { throw TestFailure(description: answer.text) }
  }

  /// As a refresher leaves the schedule while it asks.
  private func lease(_ miniapp: TestMiniapp, _ until: String) async throws {
    try await miniapp.server.database.administer(
      """
      UPDATE app_token_schedule SET lease_owner = gen_random_uuid(), lease_until = \(until), fence = fence + 1
      WHERE client_id = '\(miniapp.clientID)'
      """)
  }

  @Test("right credentials: WeChat is asked once, the client is ok, and its token is there")
  func good() async throws {
    let miniapp = try await miniapp()
    let path = "third-party-authz-clients/\(miniapp.clientID)"
    let none = try await miniapp.tenant.send("GET", "\(path)/access-token")
    #expect(none.status == 503 && none.text("code") == "wechat_token_unavailable", "\(none.text)")
    #expect((none.headers["retry-after"].flatMap { Int($0) } ?? 0) > 0)
    #expect(calls(miniapp) == 0, "the server itself never asks for a token")
    let verified = try await verify(miniapp)
    #expect(verified.status == 200 && verified.text("id") == miniapp.clientID, "\(verified.text)")
    #expect(verified.text("credential_status") == "ok" && verified["credential_error"] == .null)
    #expect(calls(miniapp) == 1)
    let token = try await miniapp.tenant.send("GET", "\(path)/access-token")
    #expect(token.status == 200 && !token.text("access_token").isEmpty && (token["expires_in"]?.integer ?? 0) > 0)
  }

  @Test("wrong credentials are 200 too: failing, WeChat's number, what it means and what to do; then ok again")
  func wrong() async throws {
    let miniapp = try await miniapp()
    try await change(miniapp, #"{"app_secret":"not-this-one"}"#)
    let failing = try await verify(miniapp)
    #expect(failing.status == 200 && failing.text("credential_status") == "failing", "\(failing.text)")
    let error = try #require(failing["credential_error"]?.object)
    #expect(error["errcode"]?.integer == 40125)
    for name in ["meaning", "meaning_zh", "action"] { #expect(error[name]?.string?.isEmpty == false, "\(name)") }
    #expect(!failing.text.contains("not-this-one"))
    let token = try await miniapp.tenant.send("GET", "third-party-authz-clients/\(miniapp.clientID)/access-token")
    #expect(token.status == 409 && token.text("code") == "credential_failing")
    try await change(miniapp, #"{"app_secret":"\#(miniapp.app.secret)"}"#)
    #expect(try await verify(miniapp).text("credential_status") == "ok")
  }

  @Test("a disabled client is 409 client_disabled, and WeChat is not asked")
  func disabled() async throws {
    let miniapp = try await miniapp()
    try await change(miniapp, #"{"enabled":false}"#)
    let refused = try await verify(miniapp)
    #expect(refused.status == 409 && refused.text("code") == "client_disabled", "\(refused.text)")
    #expect(calls(miniapp) == 0)
    try await change(miniapp, #"{"enabled":true}"#)
    #expect(try await verify(miniapp).text("credential_status") == "ok")
  }

  @Test("while a refresher asks it is 409 verification_in_progress, and afterwards it is done")
  func inProgress() async throws {
    let miniapp = try await miniapp()
    try await lease(miniapp, "now() + interval '1 hour'")
    let refused = try await verify(miniapp)
    #expect(refused.status == 409 && refused.text("code") == "verification_in_progress", "\(refused.text)")
    #expect(calls(miniapp) == 0)
    try await lease(miniapp, "now() - interval '1 second'")
    #expect(try await verify(miniapp).text("credential_status") == "ok")
  }

  @Test("a client of another tenant is as unknown as one nobody has, and a key needs tenant:write")
  func foreign() async throws {
    let (one, other) = (try await miniapp(), try await miniapp())
    let path = "third-party-authz-clients"
    let foreign = try await one.tenant.send("POST", "\(path)/\(other.clientID)/verify")
    let unknown = try await one.tenant.send("POST", "\(path)/01a1fc5e-d2b1-7a7b-88f0-73ddbd6e9381/verify")
    #expect(foreign.status == 404 && foreign.comparable == unknown.comparable)
    #expect(calls(other) == 0)
    let key = try await one.tenant.send("POST", "api-keys", #"{"name":"K","scopes":["tenant:read"]}"#).text("key")
    let narrow = try await one.server.send(
      "POST", "/t/\(one.tenant.slug)/v1/\(path)/\(one.clientID)/verify", key: key)
    #expect(narrow.status == 403 && calls(one) == 0)
  }

  @Test("jobs are found by status, by target and by both; an unknown status is 422")
  func jobs() async throws {
    let good = try await miniapp()
    #expect(try await verify(good).status == 200)
    let failing = try await good.client(good.server.wechat.register(App()), label: nil)
    try await change(failing, #"{"app_secret":"not-this-one"}"#)
    #expect(try await verify(failing).text("credential_status") == "failing")
    let running = try await good.client(good.server.wechat.register(App()), label: nil)
    try await lease(running, "now() + interval '1 hour'")
    func found(_ query: String) async throws -> Set<String> {
      let answer = try await good.tenant.send("GET", "jobs?kind=wechat_token_refresh&\(query)")
      guard answer.status == 200 else { throw TestFailure(description: answer.text) }
      return Set(answer.items.compactMap { $0["id"]?.string })
    }
    #expect(try await found("limit=200") == [good.clientID, failing.clientID, running.clientID])
    for (status, client) in [("scheduled", good), ("failed", failing), ("running", running)] {
      #expect(try await found("status=\(status)") == [client.clientID], "\(status)")
      #expect(try await found("target=\(client.clientID)") == [client.clientID])
      #expect(try await found("status=\(status)&target=\(client.clientID)") == [client.clientID])
    }
    #expect(try await found("status=scheduled&target=\(failing.clientID)").isEmpty)
    for status in ["retrying", "done"] { #expect(try await found("status=\(status)").isEmpty) }
    #expect(try await found("target=\(good.tenant.id)").isEmpty)
    let other = try await good.tenant.send("GET", "jobs?kind=session_expiry&target=\(good.applicationID)")
    #expect(other.items.map { $0["target"]?.object?["type"]?.string } == ["identity_application"])
    let unknown = try await good.tenant.send("GET", "jobs?status=asleep")
    #expect(unknown.status == 422 && unknown.text.contains("status"), "\(unknown.text)")
  }
}
