import Foundation
import JSON
import TestSupport
import Testing

@testable import Simulator

/// Secrets, tokens and personal values are in clear neither in the database nor in a log.
@Suite("secrets stay secret")
struct SecrecyTests {
  @Test(
    "a dump of the database and the server's log hold no secret, token, key or personal value that must not be there")
  func nowhere() async throws {
    let database = try await TestDatabase.separate()
    let wechat = try await TestServer.start(on: database)
    var environment = wechat.environment()
    environment["QIAO_LOG_LEVEL"] = "trace"
    let program = try Program("qiao-server", environment: environment)
    let port = try await eventually("the server to listen", limit: .seconds(30)) { Self.port(program.log) }
    let server = wechat.reaching(port)
    let miniapp = try await TestMiniapp.make(on: server)
    let tenant = miniapp.tenant

    // Through everything that handles a secret, rightly and wrongly.
    let code = miniapp.loginCode("alice")
    let asked = try await miniapp.profile(code: code)
    let ticket = asked.text("bind_ticket")
    let phoneCode = miniapp.phoneCode("alice")
    let signedIn = try await miniapp.bind(
      ticket: ticket, #", "phone_code": "\#(phoneCode)", "profile": {"nickname": "Alice-Nickname-9"}"#)
    #expect(signedIn.status == 201, "\(signedIn.text)")
    let refreshed = try await miniapp.refresh(signedIn.text("refresh_token"))
    _ = try await miniapp.refresh(signedIn.text("refresh_token") + "x")
    _ = try await miniapp.userinfo(signedIn.text("access_token"))
    let key = try await tenant.send("POST", "api-keys", #"{"name":"K","scopes":["tenant:read"]}"#)
    let service = try await tenant.send(
      "POST", "oauth-clients", #"{"name":"S","identity_application_id":"\#(miniapp.applicationID)","type":"service"}"#,
      headers: [("Idempotency-Key", "once-and-only")])
    _ = try await tenant.send("PATCH", "users/\(signedIn.sub)", #"{"password":"Pass-Word-77"}"#)
    _ = try await miniapp.profile(code: "nonsense-code-12345")
    _ = try await server.send("GET", "/t/\(tenant.slug)/v1/users?x=\(key.text("key"))", key: "qk_wrong-key-12345")

    let inMemory = wechat.wechat.state.withLock {
      $0.sessionKeys[.init(person: "alice", appID: miniapp.app.id)]?.text
    }
    let secrets = [
      "AppSecret": miniapp.app.secret, "session_key": try #require(inMemory), "login code": code, "ticket": ticket,
      "phone code": phoneCode, "tenant key": tenant.key, "API key": key.text("key"),
      "client secret": service.text("client_secret"), "refresh token": signedIn.text("refresh_token"),
      "second refresh token": refreshed.text("refresh_token"), "access token": signedIn.text("access_token"),
      "ID token": signedIn.text("id_token"), "password": "Pass-Word-77", "wrong code": "nonsense-code-12345",
      "wrong key": "qk_wrong-key-12345", "operator token": TestServer.operatorToken,
      "master key": String(TestServer.masterKey.dropFirst(3)), "idempotency key": "once-and-only",
    ]
    let dump = try await Self.dump(database.adminURI)
    #expect(dump.contains("Alice-Nickname-9"), "the dump is one of this database")
    program.signal(SIGTERM)
    let log = try await program.ended().errors
    #expect(log.contains("\"message\":\"request\""), "the log is one of these requests")
    for (name, secret) in secrets {
      #expect(secret.count > 8, "\(name)")
      for form in Self.forms(secret) {
        #expect(!dump.contains(form), "\(name) in the database")
        #expect(!log.contains(form), "\(name) in the log")
      }
    }
    let phone = signedIn["user"]?.object?["phone_number"]?.string ?? ""
    #expect(phone.hasPrefix("+"))
    for personal in ["Alice-Nickname-9", phone, String(phone.dropFirst(3))] {
      #expect(!log.contains(personal), "\(personal) in the log")
    }
  }

  /// As it is, and as bytea is dumped.
  private static func forms(_ secret: String) -> [String] {
    let hex = secret.utf8.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    return [secret, hex]
  }

  private static func port(_ log: String) -> Int? {
    log.firstMatch(of: /"listening":"127\.0\.0\.1:(\d+)".*"what":"api"/).flatMap { Int($0.output.1) }
  }

  /// Every row of every table as text.
  private static func dump(_ uri: String) async throws -> String {
    let tables = try await TestDatabase.query(
      uri,
      """
      SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      """)
    var dump = ""
    for table in tables.compactMap({ $0[0] }) {
      for row in try await TestDatabase.query(uri, "SELECT t::text FROM \(table) t") { dump += (row[0] ?? "") + "\n" }
    }
    return dump
  }
}
