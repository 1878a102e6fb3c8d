import Foundation
import TestSupport
import Testing

/// `qiao` as an operator runs it.
@Suite struct CommandLineTests {
  @Test("qiao migrate brings an empty database up to date, a second time does nothing, and an edited file is refused")
  func migrate() async throws {
    let uri = try await TestDatabase.empty()
    let folder = FileManager.default.temporaryDirectory.appending(path: "qiao-sql-\(UUID().uuidString)")
    try FileManager.default.copyItem(at: URL(filePath: TestDatabase.sqlFolder), to: folder)
    defer { try? FileManager.default.removeItem(at: folder) }
    func run(_ environment: [String: String]) async throws -> Program.Ended {
      try await Program("qiao", ["migrate", "--sql", folder.path(), "--verbose"], environment: environment).ended(
        limit: .seconds(60))
    }
    let without = try await run([:])
    #expect(without.status == 1 && without.errors.contains("QIAO_ADMIN_DATABASE_URL"))
    let nowhere = try await run(["QIAO_ADMIN_DATABASE_URL": "postgresql://127.0.0.1:1/x?connect_timeout=2"])
    #expect(nowhere.status == 1 && nowhere.errors.split(separator: "\n").count == 1, "\(nowhere.errors)")
    let environment = ["QIAO_ADMIN_DATABASE_URL": uri]
    let first = try await run(environment)
    #expect(first.status == 0, "\(first.errors)")
    #expect(first.output.contains("0001_tenants") && first.output.contains("Applied "))
    let second = try await run(environment)
    #expect(second.status == 0 && second.output.contains("up to date"))
    let file = folder.appending(path: "migrations/0001_tenants.sql")
    try Data((String(contentsOf: file, encoding: .utf8) + "\n-- edited\n").utf8).write(to: file)
    let edited = try await run(environment)
    #expect(edited.status == 1 && edited.errors.contains("0001_tenants"), "\(edited.errors)")
  }

  @Test("qiao verify accepts a token of the issuer and refuses an altered one and another's")
  func verify() async throws {
    // A server whose public address is its own, as a relying party sees it.
    let shared = try await TestServer.shared()
    let miniapp = try await TestMiniapp.make()
    let probe = try RawClient.freePort()
    var environment = shared.environment()
    environment["QIAO_LISTEN"] = "127.0.0.1:\(probe)"
    environment["QIAO_PUBLIC_URL"] = "http://127.0.0.1:\(probe)"
    let program = try Program("qiao-server", environment: environment)
    defer { program.signal(SIGKILL) }
    _ = try await eventually("the server to listen", limit: .seconds(30)) {
      program.log.contains("\"what\":\"api\"") ? true : nil
    }
    let server = shared.reaching(probe)
    let issuer = "http://127.0.0.1:\(probe)\(miniapp.issuerPath)"
    func signIn() async throws -> TestServer.Answer {
      try await server.send(
        "POST", "/t/\(miniapp.tenant.slug)/federation/wechat/miniapp/bindUser",
        #"{"client_id":"\#(miniapp.clientID)","code":"\#(miniapp.loginCode("vic"))"}"#)
    }
    func verify(_ token: String, issuer: String) async throws -> Program.Ended {
      try await Program("qiao", ["verify", "--issuer", issuer], input: token + "\n").ended()
    }
    let answer = try await signIn()
    for name in ["id_token", "access_token"] {
      let good = try await verify(answer.text(name), issuer: issuer)
      #expect(good.status == 0, "\(good.errors)")
      #expect(good.output.contains(answer.sub))
    }
    let token = answer.text("id_token")
    let parts = token.split(separator: ".").map(String.init)
    let altered = "\(parts[0]).\(parts[1]).\(parts[2].hasPrefix("A") ? "B" : "A")\(parts[2].dropFirst())"
    for wrong in [altered, "nonsense", ""] {
      let refused = try await verify(wrong, issuer: issuer)
      #expect(refused.status == 1 && refused.output.isEmpty, "\(wrong)")
    }
    let other = try await TestMiniapp.make()
    let foreign = try await verify(token, issuer: "http://127.0.0.1:\(probe)\(other.issuerPath)")
    #expect(foreign.status == 1 && foreign.output.isEmpty)
  }
}
