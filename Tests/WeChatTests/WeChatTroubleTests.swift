import Federation
import JSON
import Observability
import Outbound
import RawServer
import Testing

@testable import WeChat

@Suite("Trouble of one AppID", .timeLimit(.minutes(1)))
struct WeChatTroubleTests {
  @Test("every failure is told with its number and WeChat's id of the request, without a secret")
  func told() async throws {
    let server = try RawServer { exchange in
      let body =
        exchange.head.contains("js_code=first")
        ? #"{"errcode":40125,"errmsg":"invalid appsecret rid: 6123abcd-12ab34cd-56ef7890"}"# : "<html>"
      exchange.send(answer(Array(body.utf8), status: "200 OK", type: "text/plain"))
    }
    let told = Stage.Calls()
    let client = WeChatClient(
      http: HTTPClient(loop: loop), baseURL: server.url,
      onFailure: { endpoint, appID, failure in
        told.add("\(endpoint) \(appID) \(failure.errcode ?? 0) \(failure.requestID ?? "-") \(failure.code)")
      }, onCall: { _, _ in })
    for code in ["first", "second"] {
      _ = await failure { () async throws(ProviderFailure) in
        _ = try await client.authenticate(
          code: code, credentials: AppCredentials(appID: "wx1", secret: Secret("S3CR3T")))
      }
    }
    #expect(
      told.all == [
        "sns/jscode2session wx1 40125 6123abcd-12ab34cd-56ef7890 wechat_credentials_rejected",
        "sns/jscode2session wx1 0 - wechat_unavailable",
      ])
  }

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
