import Federation
import JSON
import Observability
import RawServer
import Testing

@testable import WeChat

@Suite("Trouble of one AppID", .timeLimit(.minutes(1)))
struct WeChatTroubleTests {
  @Test("calls over the number wait in line, and are refused when their deadline comes")
  func line() async throws {
    // Two places, and nobody is answered: two calls time out, the third never reaches the server.
    let stage = try Stage(deadline: .milliseconds(500), callsPerApp: 2) { _ in }
    let codes = await withTaskGroup(of: String?.self) { group in
      for _ in 0..<3 {
        group.addTask {
          await failure { () async throws(ProviderFailure) in
            _ = try await stage.client.authenticate(code: "c", credentials: stage.credentials)
          }?.code
        }
      }
      return await group.reduce(into: [String]()) { codes, code in codes.append(code ?? "none") }
    }
    #expect(codes.sorted() == ["rate_limited", "wechat_unavailable", "wechat_unavailable"])
    #expect(stage.server.connections == 2)
  }

  @Test("an AppID whose calls fail is left alone for a while, and others are not")
  func breaker() async throws {
    let stage = try Stage { exchange in
      if exchange.requestLine.contains("appid=wx1&") { return exchange.send(answer([], status: "502 x")) }
      exchange.send(answer(Array(#"{"openid":"o1","session_key":"k"}"#.utf8)))
    }
    for _ in 0..<CircuitBreaker.threshold + 5 {
      let failed = await failure { () async throws(ProviderFailure) in
        _ = try await stage.client.authenticate(code: "c", credentials: stage.credentials)
      }
      #expect(failed?.code == "wechat_unavailable")
    }
    #expect(stage.calls.all.count == CircuitBreaker.threshold)
    let other = AppCredentials(appID: "wx2", secret: Secret("s"))
    #expect(try await stage.client.authenticate(code: "c", credentials: other).openid == "o1")
  }

  @Test("refusals are answers and never open the breaker")
  func refusals() async throws {
    let stage = try Stage(#"{"errcode":40029,"errmsg":"invalid code"}"#)
    for _ in 0..<CircuitBreaker.threshold + 5 {
      _ = await failure { () async throws(ProviderFailure) in
        _ = try await stage.client.authenticate(code: "c", credentials: stage.credentials)
      }
    }
    #expect(stage.calls.all.count == CircuitBreaker.threshold + 5)
  }
}
