import Foundation
import JSON
import TestSupport
import Testing

/// Rules of all management operations, in the order of the API document, so that a new one is met by itself.
@Suite struct EveryWriteTests {
  @Test("every operation needs its scope: all the others together open nothing")
  func scopes() async throws {
    let tenant = try await TestServer.shared().tenant()
    let nothing = UUID().uuidString.lowercased()
    let all = [
      "tenant:read", "tenant:write", "users:read", "users:write", "wechat-tokens:read", "keys:write", "audit:read",
      "jobs:write",
    ]
    func key(_ scopes: [String]) async throws -> String {
      let list = scopes.map { "\"\($0)\"" }.joined(separator: ",")
      return try await tenant.send("POST", "api-keys", #"{"name":"k","scopes":[\#(list)]}"#).text("key")
    }
    var only: [String: String] = [:]
    var allBut: [String: String] = [:]
    for scope in all {
      only[scope] = try await key([scope])
      allBut[scope] = try await key(all.filter { $0 != scope })
    }
    var seen: Set<String> = []
    for operation in try await EveryOperation(tenant.server).all where operation.caller == "api_key" {
      let match = operation.details["description"]?.string?.firstMatch(of: /scope `([a-z:-]+)`/)
      let scope = try #require(match.map { String($0.1) }, "\(operation)")
      seen.insert(scope)
      let path = operation.filled(["tenant": tenant.slug, "id": nothing, "identity_id": nothing, "session_id": nothing])
      let body = operation.bodyType == nil ? nil : "{\"nonsense\": 1}"
      let headers = operation.bodyType.map { [("Content-Type", $0)] } ?? []
      let without = try await tenant.server.send(
        operation.method, path, key: allBut[scope], body, headers: headers)
      #expect(without.status == 403 && without.text("code") == "insufficient_scope", "\(operation): \(without.text)")
      let with = try await tenant.server.send(operation.method, path, key: only[scope], body, headers: headers)
      #expect([200, 404, 422].contains(with.status), "\(operation): \(with.text)")
    }
    #expect(seen == Set(all))
  }

  @Test("every change by a key is written to the audit log, with the key and the request")
  func audit() async throws {
    let miniapp = try await TestMiniapp.make()
    let tenant = miniapp.tenant
    let application = miniapp.applicationID
    let person = try await miniapp.register("zoe").sub
    let second = try await miniapp.client(
      miniapp.server.wechat.register(.init(openPlatformAccount: "open")), label: "open")
    _ = try await second.profile("zoe")
    func id(_ path: String, _ body: String) async throws -> String {
      try await tenant.send("POST", path, body).text("id")
    }
    let user = try await tenant.user(of: application, #""username":"zed","password":"correct horse battery""#)
    let key = try await id("api-keys", #"{"name":"K","scopes":["tenant:read"]}"#)
    let client = try await id(
      "oauth-clients", #"{"name":"S","identity_application_id":"\#(application)","type":"service"}"#)
    let spare = try await tenant.application()
    let run = try await id("reconciliations", #"{"identity_application_id":"\#(spare)","mode":"report"}"#)
    let identity = try await tenant.send("GET", "users/\(person)/identities").items.first?["id"]?.string ?? ""
    let session = try await tenant.send("GET", "users/\(person)/sessions").items.first?["id"]?.string ?? ""
    let miniappBody =
      #"{"name":"M","identity_application_id":"\#(application)","provider":"wechat_miniapp","app_id":"wx1","app_secret":"s"}"#
    /// By operation: the path below the tenant and the body. Each is called once, what deletes comes behind what changes.
    let calls: [(operation: String, path: String, body: String?)] = [
      ("create_api_key", "api-keys", #"{"name":"L","scopes":["tenant:read"]}"#),
      ("update_api_key", "api-keys/\(key)", #"{"name":"N"}"#), ("delete_api_key", "api-keys/\(key)", nil),
      ("create_identity_application", "identity-applications", #"{"name":"B","slug":"b"}"#),
      ("update_identity_application", "identity-applications/\(spare)", #"{"name":"C"}"#),
      ("rotate_signing_key", "identity-applications/\(spare)/rotate-signing-key", nil),
      ("create_third_party_authz_client", "third-party-authz-clients", miniappBody),
      ("update_third_party_authz_client", "third-party-authz-clients/\(second.clientID)", #"{"name":"O"}"#),
      (
        "create_oauth_client", "oauth-clients",
        #"{"name":"T","identity_application_id":"\#(application)","type":"service"}"#
      ),
      ("update_oauth_client", "oauth-clients/\(client)", #"{"name":"P"}"#),
      ("delete_oauth_client", "oauth-clients/\(client)", nil),
      ("create_user", "identity-applications/\(application)/users", #"{"username":"y"}"#),
      ("update_user", "users/\(user)", #"{"name":"Q"}"#),
      ("unlink_user_identity", "users/\(person)/identities/\(identity)", nil),
      ("end_user_session", "users/\(person)/sessions/\(session)", nil), ("delete_user", "users/\(user)", nil),
      ("create_reconciliation", "reconciliations", #"{"identity_application_id":"\#(spare)","mode":"report"}"#),
      ("cancel_reconciliation", "reconciliations/\(run)/cancel", nil),
      ("run_job", "jobs/\(second.clientID)/run", nil),
      ("delete_third_party_authz_client", "third-party-authz-clients/\(second.clientID)", nil),
      ("delete_identity_application", "identity-applications/\(spare)?force=true", nil),
    ]
    // They ask WeChat, or tell of a token; what they change is written where the answer of WeChat is.
    let silent: Set<String> = [
      "verify_third_party_authz_client", "invalidate_wechat_access_token",
      // It needs an authenticator; its own tests look for its event.
      "reset_user_mfa",
    ]
    let operations = try await EveryOperation(miniapp.server).all.filter {
      $0.caller == "api_key" && $0.method != "GET"
    }
    let names = Set(operations.compactMap { $0.details["operationId"]?.string })
    #expect(names.subtracting(silent) == Set(calls.map(\.operation)))
    for call in calls {
      let operation = try #require(operations.first { $0.details["operationId"]?.string == call.operation })
      let answer = try await tenant.send(
        operation.method, call.path, call.body, headers: operation.bodyType.map { [("Content-Type", $0)] } ?? [])
      #expect((200..<300).contains(answer.status), "\(operation): \(answer.text)")
      let request = try #require(answer.headers["x-request-id"])
      let events = try await miniapp.server.database.administer(
        "SELECT actor_type FROM audit_events WHERE tenant_id = '\(tenant.id)' AND request_id = '\(request)'")
      #expect(!events.isEmpty && events.allSatisfy { $0[0] == "api_key" }, "\(call.operation)")
    }
  }

  @Test("a resource has a strong tag that If-None-Match and If-Match are held against")
  func tags() async throws {
    let miniapp = try await TestMiniapp.make()
    let tenant = miniapp.tenant
    let key = try await tenant.send("POST", "api-keys", #"{"name":"K","scopes":["tenant:read"]}"#).text("id")
    let user = try await tenant.user(of: miniapp.applicationID)
    let spare = try await tenant.application()
    let client = try await tenant.miniapp(of: spare)
    for path in [
      "api-keys/\(key)", "users/\(user)", "third-party-authz-clients/\(client)", "identity-applications/\(spare)",
    ] {
      let tag = try #require(try await tenant.send("GET", path).headers["etag"])
      #expect(tag.hasPrefix("\""))
      let same = try await tenant.send("GET", path, headers: [("If-None-Match", tag)])
      #expect(same.status == 304 && same.text.isEmpty)
      let changed = try await tenant.send("PATCH", path, #"{"name":"New"}"#, headers: [("If-Match", tag)])
      #expect(changed.status == 200, "\(changed.text)")
      let fresh = try #require(changed.headers["etag"])
      #expect(fresh != tag)
      #expect(try await tenant.send("GET", path, headers: [("If-None-Match", tag)]).status == 200)
      #expect(try await tenant.send("PATCH", path, #"{"name":"Late"}"#, headers: [("If-Match", tag)]).status == 412)
      #expect(try await tenant.send("DELETE", path, headers: [("If-Match", tag)]).status == 412)
      #expect(try await tenant.send("GET", path).text("name") == "New")
      #expect(try await tenant.send("DELETE", path, headers: [("If-Match", fresh)]).status == 204)
    }
  }

  @Test("an id of another tenant in a filter finds nothing")
  func filters() async throws {
    let (theirs, mine) = (try await TestMiniapp.make(), try await TestMiniapp.make())
    let user = try await theirs.register("amy").sub
    _ = try await theirs.tenant.send(
      "POST", "reconciliations", #"{"identity_application_id":"\#(theirs.applicationID)","mode":"report"}"#)
    let key = try await theirs.tenant.send("GET", "api-keys").items.first?["id"]?.string ?? ""
    let openid = theirs.server.wechat.openid("amy", appID: theirs.app.id)
    for (path, own) in [
      ("audit-events?target=\(user)", 1), ("audit-events?actor=\(key)", 1), ("jobs?target=\(theirs.clientID)", 1),
      ("third-party-authz-clients?identity_application_id=\(theirs.applicationID)", 1),
      ("oauth-clients?identity_application_id=\(theirs.applicationID)", 0),
      ("reconciliations?identity_application_id=\(theirs.applicationID)", 1),
    ] {
      let answer = try await mine.tenant.send("GET", path)
      #expect(answer.status == 200 && answer.items.isEmpty, "\(path): \(answer.text)")
      #expect(try await theirs.tenant.send("GET", path).items.count >= own, "\(path)")
    }
    let users = try await mine.tenant.send("GET", "identity-applications/\(mine.applicationID)/users?openid=\(openid)")
    #expect(users.items.isEmpty)
    #expect(try await mine.tenant.send("GET", "identity-applications/\(theirs.applicationID)/users").status == 404)
  }

  @Test("an idempotency key is taken while its first request runs, and free again after a day")
  func idempotency() async throws {
    let world = try await TestServer.start(on: TestDatabase.separate(), refreshesTokens: false)
    let miniapp = try await TestMiniapp.make(on: world)
    let path = "third-party-authz-clients/\(miniapp.clientID)/verify"
    world.wechat.inject(.init(.delay, times: 1, delay: 1500), at: "cgi-bin/stable_token")
    let headers = [("Idempotency-Key", "one")]
    async let first = miniapp.tenant.send("POST", path, headers: headers)
    _ = try await eventually("the call to WeChat") {
      world.wechat.count(endpoint: "cgi-bin/stable_token", appID: miniapp.app.id) > 0 ? true : nil
    }
    let second = try await miniapp.tenant.send("POST", path, headers: headers)
    #expect(second.status == 409 && second.text("code") == "idempotency_key_in_flight")
    #expect(second.headers["retry-after"] != nil)
    let answer = try await first
    #expect(answer.status == 200)
    #expect(try await miniapp.tenant.send("POST", path, headers: headers).text == answer.text)
    let body = #"{"name":"K","scopes":["tenant:read"]}"#
    #expect(try await miniapp.tenant.send("POST", "api-keys", body, headers: headers).status == 409)
    try await world.database.administer(
      "UPDATE idempotency_keys SET begun_at = now() - interval '25 hours' WHERE tenant_id = '\(miniapp.tenant.id)'")
    #expect(try await miniapp.tenant.send("POST", "api-keys", body, headers: headers).status == 201)
  }

  @Test("a trusted proxy's request id is in the answer and in the audit event, if it is harmless")
  func requestID() async throws {
    let server = try await TestServer.start(
      on: TestDatabase.shared(), more: ["QIAO_TRUSTED_PROXIES": "127.0.0.1"], refreshesTokens: false)
    let tenant = try await server.tenant()
    let body = #"{"name":"K","scopes":["tenant:read"]}"#
    let mine = "trace-\(tenant.slug)"
    let made = try await tenant.send("POST", "api-keys", body, headers: [("X-Request-Id", mine)])
    #expect(made.headers["x-request-id"] == mine)
    let events = try await tenant.send("GET", "audit-events?target=\(made.text("id"))")
    #expect(events.items.first?["request_id"]?.string == mine)
    for harmful in ["a b", "<script>", String(repeating: "x", count: 65)] {
      let answer = try await tenant.send("GET", "api-keys", headers: [("X-Request-Id", harmful)])
      #expect(answer.headers["x-request-id"] != harmful)
    }
  }
}
