import Foundation
import JSON
import Simulator
import TestSupport
import Testing

/// The hub of WeChat app access tokens and its refresher (contract sections 7 and 10).
@Suite("WeChat app access tokens")
struct AppTokenTests {
  @Test("a new client has its token within moments, with one call to WeChat, and the job says so")
  func fresh() async throws {
    let miniapp = try await TestMiniapp.make()
    let token = try await Self.token(of: miniapp)
    #expect(token.text("access_token").count > 20)
    #expect((token["expires_in"]?.integer ?? 0) > 7000)
    #expect(miniapp.server.wechat.count(endpoint: "cgi-bin/stable_token", appID: miniapp.app.id, errcode: 0) == 1)
    let job = try await miniapp.tenant.send("GET", "jobs/\(miniapp.clientID)")
    #expect(job.text("kind") == "wechat_token_refresh" && job.text("status") == "scheduled")
    #expect(job["target"]?.object?["id"]?.string == miniapp.clientID)
    // Between 50 and 90 % of what WeChat said.
    let rest = try await miniapp.server.database.administer(
      """
      SELECT extract(epoch FROM s.refresh_at - t.obtained_at) / extract(epoch FROM t.expires_at - t.obtained_at)
      FROM app_token_schedule s JOIN wechat_app_tokens t USING (tenant_id, client_id) WHERE client_id = '\(miniapp.clientID)'
      """)
    let share = try #require(rest[0][0].flatMap { Double($0) })
    #expect((0.49...0.91).contains(share))
    let events = try await miniapp.tenant.send("GET", "audit-events?action=wechat.token.refreshed").items
    #expect(events.count == 1)
    #expect(events[0]["actor"]?.object?["type"]?.string == "worker")
  }

  @Test("a key without the scope does not see it, and a foreign client is not there")
  func scope() async throws {
    let miniapp = try await TestMiniapp.make()
    let key = try await miniapp.tenant.send(
      "POST", "api-keys", #"{"name":"K","scopes":["tenant:read","tenant:write"]}"#)
    let path = "/t/\(miniapp.tenant.slug)/v1/third-party-authz-clients/\(miniapp.clientID)/access-token"
    #expect(try await miniapp.server.send("GET", path, key: key.text("key")).status == 403)
  }

  @Test("a reported token is refreshed within five seconds if it is still the stored one, another one is ignored")
  func invalidate() async throws {
    let miniapp = try await TestMiniapp.make()
    let path = "third-party-authz-clients/\(miniapp.clientID)/access-token"
    let first = try await Self.token(of: miniapp).text("access_token")
    let other = try await miniapp.tenant.send("POST", "\(path)/invalidate", #"{"access_token":"another"}"#)
    #expect(other.status == 202)
    miniapp.server.wechat.expireTokens(miniapp.app.id)
    let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<20 {
        group.addTask {
          try await miniapp.tenant.send("POST", "\(path)/invalidate", #"{"access_token":"\#(first)"}"#).status
        }
      }
      return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
    }
    #expect(statuses == [202])
    let second = try await eventually("another token", limit: .seconds(5)) {
      let token = try await miniapp.tenant.send("GET", path).text("access_token")
      return token == first ? nil : token
    }
    #expect(second != first)
    #expect(miniapp.server.wechat.count(endpoint: "cgi-bin/stable_token", appID: miniapp.app.id, errcode: 0) == 2)
    // The old one again: it is not the stored one any more.
    _ = try await miniapp.tenant.send("POST", "\(path)/invalidate", #"{"access_token":"\#(first)"}"#)
    #expect(try await miniapp.tenant.send("GET", path).text("access_token") == second)
    #expect(miniapp.server.wechat.count(endpoint: "cgi-bin/stable_token", appID: miniapp.app.id, errcode: 0) == 2)
  }

  @Test("refused credentials fail the client, say what to do, stop the calls, and recover after a PATCH")
  func refused() async throws {
    let miniapp = try await TestMiniapp.make()
    _ = try await Self.token(of: miniapp)
    let path = "third-party-authz-clients/\(miniapp.clientID)"
    _ = try await miniapp.tenant.send("PATCH", path, #"{"app_secret":"wrong"}"#)
    let failing = try await Self.client(miniapp, "failing")
    #expect(failing["credential_error"]?.object?["errcode"]?.integer == 40125)
    #expect(failing["credential_error"]?.object?["action"]?.string?.isEmpty == false)
    #expect(failing["credential_error"]?.object?["meaning_zh"]?.string?.isEmpty == false)
    let token = try await miniapp.tenant.send("GET", "\(path)/access-token")
    #expect(token.status == 409 && token.text("code") == "credential_failing")
    let job = try await miniapp.tenant.send("GET", "jobs/\(miniapp.clientID)")
    #expect(job.text("status") == "failed" && job.text("last_error").contains("40125"))
    let pause = try await miniapp.server.database.administer(
      "SELECT extract(epoch FROM refresh_at - now()) > 500 FROM app_token_schedule WHERE client_id = '\(miniapp.clientID)'"
    )
    #expect(pause == [["t"]])
    let events = try await miniapp.tenant.send("GET", "audit-events?action=client.credential_failing").items
    #expect(events.count == 1)
    _ = try await miniapp.tenant.send("PATCH", path, #"{"app_secret":"\#(miniapp.app.secret)"}"#)
    _ = try await Self.client(miniapp, "ok")
    #expect(try await miniapp.tenant.send("GET", "\(path)/access-token").status == 200)
  }

  @Test("40164 shows the address that WeChat wants on its list")
  func whitelist() async throws {
    let miniapp = try await TestMiniapp.make()
    miniapp.server.wechat.change(miniapp.app.id) { $0.ipWhitelist = ["192.0.2.1"] }
    _ = try await miniapp.tenant.send("POST", "jobs/\(miniapp.clientID)/run")
    let failing = try await Self.client(miniapp, "failing")
    #expect(failing["credential_error"]?.object?["errcode"]?.integer == 40164)
    #expect(failing["credential_error"]?.object?["action"]?.string?.contains("127.0.0.1") == true)
    miniapp.server.wechat.change(miniapp.app.id) { $0.ipWhitelist = [] }
    let run = try await miniapp.tenant.send("POST", "jobs/\(miniapp.clientID)/run")
    #expect(run.status == 200)
    _ = try await Self.client(miniapp, "ok")
  }

  @Test("a passing fault is tried again with a pause, the old token stays, and the client is not blamed")
  func transient() async throws {
    let miniapp = try await TestMiniapp.make()
    let first = try await Self.token(of: miniapp).text("access_token")
    // The fault is the endpoint's, and other tests use it: it lasts for one call of whoever comes.
    for _ in 0..<3 { miniapp.server.wechat.inject(Fault(.errcode, times: 1, errcode: -1), at: "cgi-bin/stable_token") }
    _ = try await miniapp.tenant.send("POST", "jobs/\(miniapp.clientID)/run")
    let calls = try await eventually("more calls") {
      let calls = miniapp.server.wechat.count(endpoint: "cgi-bin/stable_token", appID: miniapp.app.id, errcode: 0)
      return calls >= 2 ? calls : nil
    }
    #expect(calls == 2)
    #expect(
      try await miniapp.tenant.send("GET", "third-party-authz-clients/\(miniapp.clientID)")
        .text("credential_status") == "ok")
    #expect(try await Self.token(of: miniapp).text("access_token") == first)
  }

  @Test("a disabled client is not refreshed, an enabled one again at once")
  func disabled() async throws {
    let miniapp = try await TestMiniapp.make()
    _ = try await Self.token(of: miniapp)
    let path = "third-party-authz-clients/\(miniapp.clientID)"
    _ = try await miniapp.tenant.send("PATCH", path, #"{"enabled":false}"#)
    #expect(try await miniapp.tenant.send("GET", "jobs?kind=wechat_token_refresh").items.isEmpty)
    #expect(try await miniapp.tenant.send("GET", "\(path)/access-token").status == 404)
    _ = try await miniapp.tenant.send("PATCH", path, #"{"enabled":true}"#)
    _ = try await Self.token(of: miniapp)
  }

  /// The token, as soon as there is one.
  static func token(of miniapp: TestMiniapp) async throws -> TestServer.Answer {
    try await eventually("a token", limit: .seconds(15)) {
      let answer = try await miniapp.tenant.send("GET", "third-party-authz-clients/\(miniapp.clientID)/access-token")
      return answer.status == 200 ? answer : nil
    }
  }

  private static func client(_ miniapp: TestMiniapp, _ status: String) async throws -> TestServer.Answer {
    try await eventually("credential_status \(status)") {
      let answer = try await miniapp.tenant.send("GET", "third-party-authz-clients/\(miniapp.clientID)")
      return answer.text("credential_status") == status ? answer : nil
    }
  }
}
