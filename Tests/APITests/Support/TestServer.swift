import API
import EventLoop
import Foundation
import Identity
import JSON
import Jobs
import Logging
import Observability
import Outbound
import Runtime
import ServiceLifecycle
import Simulator
import TestSupport

/// The API of this process' tests: a real server on a port of its own, over the shared database.
struct TestServer: Sendable {
  static let operatorToken = "operator-token-of-the-tests"

  let port: Int
  let database: TestDatabase
  let runtime: Runtime
  /// The WeChat that this server asks.
  let wechat: World
  private let client: HTTPClient

  static func shared() async throws -> TestServer { try await started.value }

  private static let started = Task { try await start(on: TestDatabase.shared()) }

  static let masterKey = "t1:\(Data(repeating: 7, count: 32).base64EncodedString())"

  /// A server of its own, with a WeChat of its own.
  static func start(
    on database: TestDatabase, masterKeys: String = masterKey, more: [String: String] = [:],
    refreshesTokens: Bool = true
  ) async throws -> TestServer {
    let (wechatPorts, wechatListening) = AsyncStream.makeStream(of: Int.self)
    let simulator = SimulatorServer(port: 0, logger: Logger(label: "simulator") { _ in SwiftLogNoOpLogHandler() }) {
      wechatListening.yield($0)
    }
    // Both servers run until the process of the tests ends, like the database they stand on.
    let simulating = Task { try await simulator.run() }
    let wechatPort = try await waitFor("the simulator to listen") {
      for await port in wechatPorts { return port }
      throw CancellationError()
    }
    _ = simulating
    let settings = try Settings(
      [
        "QIAO_DATABASE_URL": database.appURI, "QIAO_LISTEN": "127.0.0.1:0", "QIAO_METRICS_LISTEN": "127.0.0.1:0",
        "QIAO_PUBLIC_URL": "http://127.0.0.1:1", "QIAO_OPERATOR_TOKEN": operatorToken,
        "QIAO_MASTER_KEYS": masterKeys,
        "QIAO_WECHAT_API_URL": "http://127.0.0.1:\(wechatPort)",
        "QIAO_WECHAT_OPEN_URL": "http://127.0.0.1:\(wechatPort)", "QIAO_LOG_LEVEL": "critical",
      ].merging(more) { $1 })
    let runtime = Runtime(settings: settings, label: "api-tests")
    let (ports, listening) = AsyncStream.makeStream(of: Int.self)
    let server = runtime.apiServer { listening.yield($0) }
    let service = Task { try await server.run() }
    let port = try await waitFor("the server to listen") {
      for await port in ports { return port }
      throw CancellationError()
    }
    _ = service
    let listener = Task { try await runtime.arrivalListener.run() }
    _ = listener
    // The server asks the hub, never WeChat: somebody has to fill the hub.
    let refresher = Task {
      guard refreshesTokens else { return }
      let (heartbeat, _) = runtime.connection(named: "heartbeat")
      let services = runtime.services
      let refresh = AppTokenRefresh(database: services.database, heartbeat: heartbeat, fetch: services.appTokenFetch)
      let pushes = PushWork(database: services.database, heartbeat: heartbeat, ring: services.ring)
      async let refreshing: Void = WorkerLoop(
        refresh, pool: runtime.pool, metrics: runtime.metrics, logger: runtime.logger, interval: .milliseconds(100)
      ).run()
      async let applying: Void = WorkerLoop(
        pushes, pool: runtime.pool, metrics: runtime.metrics, logger: runtime.logger, interval: .milliseconds(100)
      ).run()
      _ = try await (refreshing, applying)
    }
    _ = refresher
    return TestServer(
      port: port, database: database, runtime: runtime, wechat: simulator.world,
      client: HTTPClient(loop: EventLoop(name: "api-tests")))
  }

  /// What came back, with its body read.
  struct Answer: Sendable {
    let status: Int
    let headers: [String: String]
    let text: String

    /// The body as a JSON object; empty when it is none.
    var json: JSONObject { (try? JSONValue(parsing: Array(text.utf8)))?.object ?? JSONObject() }
    /// A member of the body.
    subscript(_ name: String) -> JSONValue? { json[name] }
    /// The elements of a list answer.
    var items: [JSONObject] { json["items"]?.array?.compactMap(\.object) ?? [] }
    /// The pointers of the field faults.
    var pointers: [String] { json["errors"]?.array?.compactMap { $0.object?["pointer"]?.string } ?? [] }
    /// The body without the id of the request.
    var comparable: String { text.replacing(json["request_id"]?.string ?? "-", with: "") }
  }

  /// Sends a request; `body` is JSON text.
  func send(
    _ method: String, _ path: String, key: String? = nil, _ body: String? = nil, headers: [(String, String)] = []
  ) async throws -> Answer {
    var all = headers.map { (name: $0.0, value: $0.1) }
    if let key { all.append(("Authorization", "Bearer \(key)")) }
    if body != nil, !headers.contains(where: { $0.0.lowercased() == "content-type" }) {
      all.append(("Content-Type", "application/json"))
    }
    let request = HTTPRequest(
      method, Secret("http://127.0.0.1:\(port)\(path)"), headers: all, body: body.map { Array($0.utf8) })
    let response = try await client.send(request, deadline: .seconds(30))
    return Answer(
      status: response.status, headers: response.headers, text: String(decoding: response.body, as: UTF8.self))
  }

  /// Opens an address of somebody else.
  func visit(
    _ method: String, _ url: String, _ body: String? = nil, type: String = "application/x-www-form-urlencoded"
  ) async throws -> Answer {
    let headers = body == nil ? [] : [(name: "Content-Type", value: type)]
    let request = HTTPRequest(method, Secret(url), headers: headers, body: body.map { Array($0.utf8) })
    let response = try await client.send(request, deadline: .seconds(10))
    return Answer(
      status: response.status, headers: response.headers, text: String(decoding: response.body, as: UTF8.self))
  }

  /// The same database and WeChat behind another process' port.
  func reaching(_ port: Int) -> TestServer {
    TestServer(port: port, database: database, runtime: runtime, wechat: wechat, client: client)
  }

  /// The settings an executable needs to work on the same things.
  func environment(masterKeys: String = masterKey) -> [String: String] {
    [
      "QIAO_DATABASE_URL": database.appURI, "QIAO_MASTER_KEYS": masterKeys, "QIAO_OPERATOR_TOKEN": Self.operatorToken,
      "QIAO_LISTEN": "127.0.0.1:0", "QIAO_METRICS_LISTEN": "127.0.0.1:0",
      "QIAO_WECHAT_API_URL": runtime.settings.wechatURL,
    ]
  }

  /// A tenant of its own for one test.
  func tenant() async throws -> TestTenant {
    let slug = "t" + UUID().uuidString.lowercased().filter { $0 != "-" }.prefix(20)
    let answer = try await send(
      "POST", "/v1/tenants", key: Self.operatorToken, #"{"slug":"\#(slug)","name":"Test"}"#)
    guard answer.status == 201, let key = answer["api_key"]?.object?["key"]?.string, let id = answer["id"]?.string
    else {
      throw TestFailure(description: "no tenant: \(answer.text)")
    }
    return TestTenant(server: self, id: id, slug: slug, key: key)
  }
}

/// A tenant and its first key.
struct TestTenant: Sendable {
  let server: TestServer
  let id: String
  let slug: String
  let key: String

  /// Sends a request below `/t/{tenant}/v1/` with the first key.
  func send(
    _ method: String, _ path: String, _ body: String? = nil, headers: [(String, String)] = []
  ) async throws -> TestServer.Answer {
    try await server.send(method, "/t/\(slug)/v1/\(path)", key: key, body, headers: headers)
  }
}

/// A test could not get as far as its rule.
struct TestFailure: Error, CustomStringConvertible {
  let description: String
}

extension TestTenant {
  /// A new identity application.
  func application(_ more: String = "") async throws -> String {
    let slug = "a" + UUID().uuidString.lowercased().filter { $0 != "-" }.prefix(12)
    return try await id(of: send("POST", "identity-applications", #"{"slug":"\#(slug)","name":"A"\#(more)}"#))
  }

  /// A new miniapp client of an application.
  func miniapp(of application: String) async throws -> String {
    let body = #"""
      {"name":"M","identity_application_id":"\#(application)","provider":"wechat_miniapp","app_id":"wx1","app_secret":"s"}
      """#
    return try await id(of: send("POST", "third-party-authz-clients", body))
  }

  /// A new user of an application; `fields` is JSON without braces.
  func user(of application: String, _ fields: String = #""name":"U""#) async throws -> String {
    try await id(of: send("POST", "identity-applications/\(application)/users", "{\(fields)}"))
  }

  private func id(of answer: TestServer.Answer) throws -> String {
    guard answer.status == 201, let id = answer["id"]?.string else {
      throw TestFailure(description: "not created: \(answer.status) \(answer.text)")
    }
    return id
  }
}
