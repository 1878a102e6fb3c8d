import Foundation
import JSON
import TestSupport
import Testing

@Suite("rate limits and trusted proxies")
struct RateLimitTests {
  @Test(
    "beyond a limit the answer is 429 with Retry-After, and the others go on",
    arguments: ["OPERATOR", "TENANT", "CLIENT", "ADDRESS"])
  func limit(what: String) async throws {
    let plain = try await TestMiniapp.make()
    let other = try await TestMiniapp.make()
    // A second server over the same tenants, which allows two at once and then one in a hundred seconds.
    let server = try await TestServer.start(
      on: plain.server.database,
      more: [
        "QIAO_RATE_LIMIT_\(what)": "0.01", "QIAO_TRUSTED_PROXIES": "127.0.0.1",
        "QIAO_WECHAT_API_URL": plain.server.runtime.settings.wechatURL,
      ], refreshesTokens: false)
    func ask(_ miniapp: TestMiniapp, from address: String) async throws -> TestServer.Answer {
      let headers = [("X-Forwarded-For", address)]
      if what == "OPERATOR" {
        return try await server.send("GET", "/v1/tenants?limit=1", key: "wrong-token-of-nobody", headers: headers)
      }
      return try await server.send(
        "POST", "/t/\(miniapp.tenant.slug)/federation/wechat/miniapp/profile",
        #"{"client_id":"\#(miniapp.clientID)","code":"nonsense"}"#, headers: headers)
    }
    let first = try await ask(plain, from: "192.0.2.1")
    #expect(first.status == (what == "OPERATOR" ? 401 : 400), "\(first.text)")
    let second = try await ask(plain, from: "192.0.2.1")
    #expect(second.status == 429)
    #expect(second["code"]?.string == "rate_limited")
    #expect(second.headers["retry-after"].flatMap { Int($0) }.map { $0 > 10 } == true)
    // What is counted is the operator, the tenant, the client or the address, and nothing else.
    let elsewhere = try await ask(what == "ADDRESS" ? plain : other, from: "192.0.2.2")
    #expect(elsewhere.status == (what == "OPERATOR" ? 429 : 400))
    #expect(try await server.send("GET", "/livez").status == 200)
  }

  @Test("an address or request id that comes from anybody but a trusted proxy is not believed")
  func untrusted() async throws {
    let server = try await TestServer.start(
      on: TestDatabase.shared(), more: ["QIAO_RATE_LIMIT_ADDRESS": "0.01", "QIAO_TRUSTED_PROXIES": "10.0.0.0/8"],
      refreshesTokens: false)
    let first = try await server.send("GET", "/openapi.json", headers: [("X-Forwarded-For", "192.0.2.1")])
    let second = try await server.send(
      "GET", "/openapi.json", headers: [("X-Forwarded-For", "192.0.2.2"), ("X-Request-Id", "mine")])
    #expect(first.status == 200 && second.status == 429)
    #expect(second.headers["x-request-id"] != "mine")
  }
}
