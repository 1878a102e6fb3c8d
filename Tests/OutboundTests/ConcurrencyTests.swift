import EventLoop
import FoundationEssentials
import Observability
import Outbound
import RawServer
import Synchronization
import Testing

@Suite("Many requests at once", .timeLimit(.minutes(1)))
struct ConcurrencyTests {
  @Test("500 requests wait for their answers at the same time without a thread each")
  func fiveHundred() async throws {
    // The server answers nobody before all have asked: only truly concurrent requests get an answer.
    let waiting = Mutex<[Exchange]>([])
    let threads = Mutex(0)
    let server = try RawServer { exchange in
      let all = waiting.withLock { waiting in
        waiting.append(exchange)
        return waiting.count == 500 ? waiting : []
      }
      guard !all.isEmpty else { return }
      threads.withLock { $0 = threadCount() }
      for exchange in all { exchange.send(answer(Array("ok".utf8))) }
    }
    let client = HTTPClient(loop: loop)
    let before = threadCount()
    let url = secretURL(server)
    let answered = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<500 {
        group.addTask { try await client.send(HTTPRequest("GET", url), deadline: .seconds(30)).status }
      }
      return try await group.reduce(into: 0) { count, status in count += status == 200 ? 1 : 0 }
    }
    #expect(answered == 500)
    #expect(threads.withLock { $0 } < before + 50)
  }

  @Test("a request that must not be repeated reaches the server once when its kept connection breaks")
  func sentOnce() async throws {
    let server = try RawServer { exchange in
      // The second request on a connection is swallowed: it may have been acted on.
      if exchange.requestLine.contains("/second") { return exchange.close() }
      exchange.send(answer([]))
    }
    let client = HTTPClient(loop: loop)
    _ = try await client.send(HTTPRequest("GET", secretURL(server, "/first")), deadline: .seconds(10))
    let failed = await failure(of: client, HTTPRequest("GET", secretURL(server, "/second"), isRepeatable: false))
    #expect(failed == .interrupted("the connection broke before an answer"))
    _ = try await client.send(HTTPRequest("GET", secretURL(server, "/third")), deadline: .seconds(10))
    var lines: [String] = []
    for await exchange in server.requests {
      lines.append(String(exchange.requestLine.split(separator: "?")[0]))
      if lines.last == "GET /third" { break }
    }
    #expect(lines == ["GET /first", "GET /second", "GET /third"])
  }

  @Test("a request that may be repeated survives a kept connection that was closed")
  func repeated() async throws {
    let seen = Mutex(0)
    let server = try RawServer { exchange in
      if exchange.requestLine.contains("/second"),
        seen.withLock({ seen in
          seen += 1; return seen
        }) == 1
      {
        return exchange.close()
      }
      exchange.send(answer([]))
    }
    let client = HTTPClient(loop: loop)
    _ = try await client.send(HTTPRequest("GET", secretURL(server, "/first")), deadline: .seconds(10))
    let response = try await client.send(HTTPRequest("GET", secretURL(server, "/second")), deadline: .seconds(10))
    #expect(response.status == 200)
    #expect(server.connections == 2)
  }
}

/// The threads of this process.
private func threadCount() -> Int {
  (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count) ?? 0
}
