import EventLoop
import Observability
import Outbound
import RawServer
import Testing

/// One loop for all tests of the target.
let loop = EventLoop(name: "outbound-tests")

/// A URL with what must never be seen in it.
func secretURL(_ server: RawServer, _ path: String = "/sns/x") -> Secret<String> {
  Secret("\(server.url)\(path)?secret=S3CR3T")
}

/// How a request failed; `nil` when it did not.
func failure(
  of client: HTTPClient, _ request: HTTPRequest, deadline: Duration = .seconds(10)
) async -> HTTPFailure? {
  do {
    _ = try await client.send(request, deadline: deadline)
    return nil
  } catch {
    return error
  }
}

@Suite("The client for outgoing HTTP", .timeLimit(.minutes(1)))
struct ClientTests {
  @Test("method, path, header and body arrive as they were given, and the answer comes back whole")
  func roundTrip() async throws {
    let server = try RawServer(answering: answer(Array("{}".utf8), status: "201 Created", extra: ["X-Rid: 7"]))
    let client = HTTPClient(loop: loop)
    let request = HTTPRequest(
      "POST", secretURL(server), headers: [("Content-Type", "application/json"), ("X-Empty", "")],
      body: Array("ab\0c".utf8))
    let response = try await client.send(request, deadline: .seconds(10))
    #expect(response.status == 201)
    #expect(response.body == Array("{}".utf8))
    #expect(response.headers["x-rid"] == "7")
    var requests = server.requests.makeAsyncIterator()
    let arrived = try #require(await requests.next())
    #expect(arrived.requestLine == "POST /sns/x?secret=S3CR3T HTTP/1.1")
    #expect(arrived.body == Array("ab\0c".utf8))
    #expect(arrived.head.contains("Content-Type: application/json\r\n"))
    #expect(arrived.head.contains("X-Empty:\r\n"))
    #expect(!arrived.head.contains("Expect:"))
  }

  @Test("requests in turn use one connection")
  func keepAlive() async throws {
    let server = try RawServer(answering: answer([]))
    let client = HTTPClient(loop: loop)
    for _ in 0..<5 { _ = try await client.send(HTTPRequest("GET", secretURL(server)), deadline: .seconds(10)) }
    #expect(server.connections == 1)
  }

  @Test("a server that takes the request and says nothing is a timeout at the deadline")
  func hang() async throws {
    let server = try RawServer { _ in }
    let client = HTTPClient(loop: loop)
    let start = ContinuousClock.now
    let failed = await failure(of: client, HTTPRequest("GET", secretURL(server)), deadline: .milliseconds(300))
    let waited = start.duration(to: .now)
    #expect(failed == .timeout)
    #expect(waited >= .milliseconds(290) && waited < .seconds(3))
  }

  @Test("a deadline that has passed is a timeout and nothing is sent")
  func noTime() async throws {
    let server = try RawServer(answering: answer([]))
    #expect(
      await failure(of: HTTPClient(loop: loop), HTTPRequest("GET", secretURL(server)), deadline: .zero) == .timeout)
    #expect(server.connections == 0)
  }

  @Test("a body that trickles past the deadline is a timeout")
  func trickle() async throws {
    let server = try RawServer { $0.send(answer(Array("half".utf8), length: 100)) }
    let client = HTTPClient(loop: loop)
    #expect(await failure(of: client, HTTPRequest("GET", secretURL(server)), deadline: .milliseconds(300)) == .timeout)
  }

  @Test("a reset in the middle of the body is an interruption", arguments: [true, false])
  func reset(isReset: Bool) async throws {
    let server = try RawServer { exchange in
      exchange.send(answer(Array("half".utf8), length: 100))
      if isReset { exchange.reset() } else { exchange.close() }
    }
    let failed = await failure(of: HTTPClient(loop: loop), HTTPRequest("GET", secretURL(server)))
    guard case .interrupted = failed else {
      Issue.record("\(String(describing: failed))")
      return
    }
  }

  @Test(
    "a port where nobody listens is no connection, guarded or not",
    arguments: [HTTPClient.Reach.anywhere, .publicOrLoopback])
  func refused(reach: HTTPClient.Reach) async throws {
    let client = HTTPClient(loop: loop, reach: reach)
    let failed = await failure(of: client, HTTPRequest("GET", Secret("http://127.0.0.1:1/?secret=S3CR3T")))
    guard case .notConnected = failed else {
      Issue.record("\(String(describing: failed))")
      return
    }
  }

  @Test("an answer over the limit is refused, whether it says its length or not", arguments: [true, false])
  func tooLarge(saysLength: Bool) async throws {
    let body = [UInt8](repeating: 0x61, count: 70_000)
    let server = try RawServer { exchange in
      if saysLength { return exchange.send(answer(body)) }
      exchange.send(Array("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".utf8) + body)
      exchange.close()
    }
    let client = HTTPClient(loop: loop, mostBytes: 65_536)
    #expect(await failure(of: client, HTTPRequest("GET", secretURL(server))) == .tooLarge)
  }

  @Test("a header without end is refused")
  func largeHeader() async throws {
    let lines = (0..<2000).map { "X-Line-\($0): \(String(repeating: "a", count: 60))" }
    let server = try RawServer(answering: answer([], extra: lines))
    #expect(await failure(of: HTTPClient(loop: loop), HTTPRequest("GET", secretURL(server))) == .tooLarge)
  }

  @Test("a redirect is an answer and is not followed")
  func redirect() async throws {
    let other = try RawServer(answering: answer([]))
    let server = try RawServer(answering: answer([], status: "302 Found", extra: ["Location: \(other.url)/"]))
    let response = try await HTTPClient(loop: loop).send(HTTPRequest("GET", secretURL(server)), deadline: .seconds(10))
    #expect(response.status == 302)
    #expect(other.connections == 0)
  }

  @Test("cancelling the task ends the transfer and closes its connection")
  func cancellation() async throws {
    let server = try RawServer { _ in }
    let client = HTTPClient(loop: loop)
    let task = Task { await failure(of: client, HTTPRequest("GET", secretURL(server)), deadline: .seconds(50)) }
    var requests = server.requests.makeAsyncIterator()
    _ = await requests.next()
    task.cancel()
    #expect(await task.value == .cancelled)
    var closures = server.closures.makeAsyncIterator()
    #expect(await closures.next() == 1)
  }

  @Test("a task that was cancelled before it asks sends nothing")
  func cancelledBefore() async throws {
    let server = try RawServer(answering: answer([]))
    let client = HTTPClient(loop: loop)
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return await failure(of: client, HTTPRequest("GET", secretURL(server)))
    }
    #expect(await task.value == .cancelled)
    #expect(server.connections == 0)
  }

  @Test("closing the client ends what is under way")
  func closing() async throws {
    let server = try RawServer { _ in }
    let client = HTTPClient(loop: loop)
    let task = Task { await failure(of: client, HTTPRequest("GET", secretURL(server)), deadline: .seconds(50)) }
    var requests = server.requests.makeAsyncIterator()
    _ = await requests.next()
    client.close()
    #expect(await task.value == .interrupted("the client was closed"))
    #expect(await failure(of: client, HTTPRequest("GET", secretURL(server))) == .notConnected("the client is closed"))
  }

  @Test("a request after the loop's end fails instead of waiting for ever")
  func endedLoop() async throws {
    let own = EventLoop(name: "ended")
    let client = HTTPClient(loop: own)
    own.shutdown()
    let failed = await failure(of: client, HTTPRequest("GET", Secret("http://127.0.0.1:1/")))
    #expect(failed == .notConnected("the client is closed"))
  }

  @Test("what cannot be put on the wire safely is refused unsent")
  func malformed() async throws {
    let server = try RawServer(answering: answer([]))
    let client = HTTPClient(loop: loop)
    let url = secretURL(server)
    #expect(await failure(of: client, HTTPRequest("GET", url, headers: [("X", "a\r\nY: b")])) == .invalidRequest)
    #expect(await failure(of: client, HTTPRequest("GET", url, headers: [("X:Y", "a")])) == .invalidRequest)
    #expect(await failure(of: client, HTTPRequest("GET /x", url)) == .invalidRequest)
    #expect(await failure(of: client, HTTPRequest("GET", Secret("\(server.url)/\0x"))) == .invalidURL)
    for other in ["file:///etc/hostname", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "http://", "nonsense://x"] {
      #expect(await failure(of: client, HTTPRequest("GET", Secret(other))) == .invalidURL, "\(other)")
    }
    #expect(server.connections == 0)
  }
}
