import Foundation
import TestSupport
import Testing

/// `/livez`, `/readyz` and `/metrics` of processes (contract sections 3, 4 and 10).
@Suite("health and metrics of the processes")
struct HealthTests {
  private static let names = [
    "qiao-server", "qiao-token-refresher", "qiao-profile-reconciler", "qiao-session-expirer",
  ]

  private static func start(_ name: String, _ server: TestServer) throws -> Program {
    var environment = server.environment()
    if name != "qiao-server" { environment["QIAO_DATABASE_URL"] = server.database.workerURI }
    return try Program(name, environment: environment)
  }

  /// The port on which a process serves `what`, `api` or `metrics`.
  private static func port(_ program: Program, _ what: String) async throws -> Int {
    try await eventually("it to listen", limit: .seconds(20)) {
      let pattern = try Regex(#""listening":"127\.0\.0\.1:([0-9]+)","what":"\#(what)""#)
      return program.log.firstMatch(of: pattern)?.output[1].substring.flatMap { Int($0) }
    }
  }

  @Test("without its database a process lives and is not ready, and is ready again when the database is back")
  func database() async throws {
    let server = try await TestServer.start(on: TestDatabase.separate(), refreshesTokens: false)
    let programs = try Self.names.map { try Self.start($0, server) }
    defer { for program in programs { program.signal(SIGKILL) } }
    var doors: [(name: String, server: TestServer)] = []
    for (name, program) in zip(Self.names, programs) {
      doors.append((name, server.reaching(try await Self.port(program, "metrics"))))
      if name == "qiao-server" { doors.append((name, server.reaching(try await Self.port(program, "api")))) }
    }
    for door in doors {
      #expect(try await door.server.send("GET", "/livez").status == 200, "\(door.name)")
      #expect(try await door.server.send("GET", "/readyz").status == 200, "\(door.name)")
    }
    try await server.database.cut()
    for door in doors {
      let ready = try await door.server.send("GET", "/readyz")
      #expect(ready.status == 503, "\(door.name): \(ready.text)")
      #expect(!ready.text.contains("postgres") && !ready.text.contains("127.0.0.1"), "\(ready.text)")
      #expect(try await door.server.send("GET", "/livez").status == 200, "\(door.name)")
    }
    try await server.database.mend()
    for door in doors {
      _ = try await eventually("\(door.name) to be ready", limit: .seconds(30)) {
        try await door.server.send("GET", "/readyz").status == 200 ? true : nil
      }
    }
    for (name, program) in zip(Self.names, programs) {
      program.signal(SIGTERM)
      let ended = try await program.ended(limit: .seconds(12))
      #expect(ended.status == 0, "\(name): \(ended.errors.suffix(500))")
    }
  }

  @Test("the server's metrics have the names and labels of the contract, and no tenant, user or path as a value")
  func metrics() async throws {
    let shared = try await TestServer.shared()
    let program = try Self.start("qiao-server", shared)
    defer { program.signal(SIGKILL) }
    let api = shared.reaching(try await Self.port(program, "api"))
    let miniapp = try await TestMiniapp.make(on: shared)
    let body = #"{"client_id":"\#(miniapp.clientID)","code":"\#(miniapp.loginCode("metrics"))"}"#
    let path = "/t/\(miniapp.tenant.slug)/federation/wechat/miniapp/profile"
    #expect(try await api.send("POST", path, body).status == 200)
    #expect(try await api.send("GET", "/no/such/\(miniapp.tenant.slug)").status == 404)
    #expect(try await api.send("GET", "\(miniapp.issuerPath)/jwks.json").status == 200)
    let answer = try await shared.reaching(try await Self.port(program, "metrics")).send("GET", "/metrics")
    #expect(answer.status == 200 && answer.headers["content-type"]?.hasPrefix("text/plain") == true)
    let lines = answer.text.split(separator: "\n").map(String.init)
    let labels: [String: [String]] = [
      "qiao_http_requests_total": ["route", "method", "status"],
      "qiao_http_request_duration_seconds_bucket": ["route", "le"],
      "qiao_http_request_duration_seconds_count": ["route"], "qiao_http_request_duration_seconds_sum": ["route"],
      "qiao_wechat_calls_total": ["endpoint", "errcode"], "qiao_db_pool_connections": ["state"],
      "qiao_db_pool_waiters": [],
    ]
    for (name, expected) in labels {
      let own = lines.filter { $0.hasPrefix("\(name){") || $0.hasPrefix("\(name) ") }
      #expect(!own.isEmpty, "\(name)")
      for line in own {
        let found = line.matches(of: /([a-z]+)="/).map { String($0.output.1) }
        #expect(found == expected, "\(line)")
      }
    }
    #expect(lines.contains { $0.hasPrefix(#"qiao_wechat_calls_total{endpoint="sns/jscode2session",errcode="0"} 1"#) })
    let profile = "/t/{tenant}/federation/wechat/miniapp/profile"
    #expect(lines.contains(#"qiao_http_requests_total{route="\#(profile)",method="POST",status="200"} 1"#))
    #expect(lines.contains(#"qiao_http_requests_total{route="none",method="GET",status="404"} 1"#))
    for state in ["idle", "busy", "connecting"] {
      #expect(lines.contains { $0.hasPrefix(#"qiao_db_pool_connections{state="\#(state)"} "#) })
    }
    for secret in [miniapp.tenant.slug, miniapp.tenant.id, miniapp.applicationSlug, miniapp.clientID, miniapp.app.id] {
      #expect(!answer.text.contains(secret))
    }
    program.signal(SIGTERM)
    #expect(try await program.ended(limit: .seconds(12)).status == 0)
  }
}
