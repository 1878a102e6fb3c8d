import Foundation
import Logging
import NIOCore
import Runtime
import Simulator
import TestSupport
import Testing

/// How an executable begins and ends (contract section 2).
@Suite struct StartAndStopTests {
  @Test(
    "what cannot be connected to or listened on stops the start with one line that names the setting",
    arguments: ["qiao-server", "qiao-token-refresher", "qiao-profile-reconciler", "qiao-session-expirer"])
  func wrong(program: String) async throws {
    let server = try await TestServer.shared()
    var wrong = [
      ("QIAO_DATABASE_URL", "nowhere"), ("QIAO_DATABASE_URL", "postgresql://a,b,c/x?port=1,2"),
      ("QIAO_METRICS_LISTEN", "127.0.0.1:\(server.port)"),
    ]
    if program == "qiao-server" {
      wrong += [("QIAO_LISTEN", "127.0.0.1:\(server.port)"), ("QIAO_LISTEN", "no-such-host.invalid:8080")]
    }
    for (name, value) in wrong {
      var environment = server.environment()
      environment[name] = value
      let ended = try await Program(program, environment: environment).ended()
      #expect(ended.status == 2, "\(name)=\(value)")
      let plain = ended.errors.split(separator: "\n").filter { !$0.hasPrefix("{") }
      #expect(plain.count == 1 && plain[0].contains(name), "\(ended.errors)")
    }
  }

  @Test("a setting can be the path of a file that holds it")
  func file() async throws {
    var environment = try await TestServer.shared().environment()
    let folder = FileManager.default.temporaryDirectory.appending(path: "qiao-settings-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, value) in environment {
      let file = folder.appending(path: name)
      try Data("\(value)\n".utf8).write(to: file)
      environment[name] = nil
      environment["\(name)_FILE"] = file.path()
    }
    let server = try Program("qiao-server", environment: environment)
    let port = try await Self.port(of: server)
    let answer = try await TestServer.shared().reaching(port).send(
      "GET", "/v1/tenants?limit=1", key: TestServer.operatorToken)
    #expect(answer.status == 200)
    server.signal(SIGTERM)
    #expect(try await server.ended().status == 0)
  }

  @Test("a request in flight is answered after SIGTERM, and then the server ends with 0")
  func inFlight() async throws {
    let world = try await TestServer.start(on: TestDatabase.shared(), refreshesTokens: false)
    let miniapp = try await TestMiniapp.make(on: world)
    let server = try Program("qiao-server", environment: world.environment())
    let port = try await Self.port(of: server)
    world.wechat.inject(Fault(.delay, times: 1, delay: 1500), at: "sns/jscode2session")
    let code = miniapp.loginCode("wanda")
    async let answer = world.reaching(port).send(
      "POST", "/t/\(miniapp.tenant.slug)/federation/wechat/miniapp/profile",
      #"{"client_id":"\#(miniapp.clientID)","code":"\#(code)"}"#)
    _ = try await eventually("the call to WeChat") {
      world.wechat.count(endpoint: "sns/jscode2session", appID: miniapp.app.id) > 0 ? true : nil
    }
    server.signal(SIGTERM)
    #expect(try await answer.text("outcome") == "registration_required")
    let ended = try await server.ended(limit: .seconds(10))
    #expect(ended.status == 0, "\(ended.errors)")
  }

  @Test("an upload that stalls holds a server that is told to stop for ten seconds at most")
  func stalled() async throws {
    let server = try Program("qiao-server", environment: try await TestServer.shared().environment())
    let client = try RawClient(port: try await Self.port(of: server))
    client.send(
      "POST /v1/tenants HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(TestServer.operatorToken)\r\n"
        + "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
    // The head has arrived when a later request on another connection is answered.
    let other = try RawClient(port: try await Self.port(of: server))
    other.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
    try await Self.wait("an answer") { other.text.contains("200") }
    server.signal(SIGTERM)
    let ended = try await server.ended(limit: .seconds(10))
    #expect(ended.status >= 0, "\(ended.status) \(ended.errors)")
  }

  @Test("a connection that does not say what it wants, or not to the end, is closed")
  func slow() async throws {
    let shared = try await TestServer.shared()
    let runtime = Runtime(
      settings: try Settings(shared.environment()), label: "slow",
      logger: Logger(label: "slow") { _ in SwiftLogNoOpLogHandler() })
    let listening = Signal<Int>()
    let patience = RequestDeadlines.Patience(head: .milliseconds(600), body: .milliseconds(300))
    let server = runtime.apiServer(patience: patience) { listening.send($0) }
    let running = Task { try await server.run() }
    defer { running.cancel() }
    let port = try await listening.next("the port")
    let head = "POST /v1/tenants HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
    for beginning in ["", "GET /liv", head, "\(head)\r\n{\"slug\":"] {
      let client = try RawClient(port: port)
      client.send(beginning)
      try await Self.wait("the end of \(beginning.debugDescription)") { client.isClosed() }
    }
    // One that goes on is not closed, however often it asks.
    let client = try RawClient(port: port)
    for count in 1...3 {
      client.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
      try await Self.wait("answer \(count)") { client.text.split(separator: "200 OK").count > count }
    }
    #expect(!client.isClosed())
    try await Self.wait("the end of an idle connection") { client.isClosed() }
  }

  /// Asks until `condition` holds; on this task, because a connection belongs to one.
  private static func wait(_ what: String, _ condition: () -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(10)
    while !condition() {
      guard ContinuousClock.now < deadline else { throw TestFailure(description: "waited for \(what)") }
      await Task.yield()
    }
  }

  private static func port(of server: Program) async throws -> Int {
    try await eventually("the server to listen", limit: .seconds(30)) {
      let line = server.log.split(separator: "\n").first { $0.contains("\"what\":\"api\"") }
      guard let line, let match = line.firstMatch(of: /"listening":"[^"]*:(\d+)"/) else { return nil }
      return Int(match.1)
    }
  }
}
