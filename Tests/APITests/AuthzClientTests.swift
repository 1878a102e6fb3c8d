import Foundation
import JSON
import Testing

@Suite("third-party authz clients")
struct AuthzClientTests {
  @Test("a new client is unverified, due for its token, and shows no secret")
  func create() async throws {
    let tenant = try await TestServer.shared().tenant()
    let application = try await tenant.application()
    let made = try await tenant.send(
      "POST", "third-party-authz-clients",
      """
      {"name":"M","identity_application_id":"\(application)","provider":"wechat_miniapp","app_id":"wx1234567890",
       "app_secret":"very-secret","push_token":"pushtoken","push_encoding_aes_key":"\(String(repeating: "k", count: 43))"}
      """)
    #expect(made.status == 201)
    #expect(made["credential_status"]?.string == "unverified")
    #expect(made["credential_error"] == .null)
    #expect(made["enabled"]?.boolean == true)
    #expect(made["property_map"]?.array?.count == 8)
    #expect(made["app_secret"] == nil)
    #expect(!made.text.contains("very-secret") && !made.text.contains("kkkkk") && !made.text.contains("pushtoken\""))
    let id = try #require(made["id"]?.string)
    #expect(made["push_url"]?.string?.hasSuffix("/t/\(tenant.slug)/wechat/push/\(id)") == true)
    let due = try await tenant.server.database.administer(
      "SELECT count(*) = 1 FROM app_token_schedule WHERE client_id = '\(id)'")
    #expect(due == [["t"]])
    let stored = try await tenant.server.database.administer(
      "SELECT encode(app_secret_sealed, 'escape') FROM third_party_authz_clients WHERE id = '\(id)'")
    #expect(stored.count == 1)
    #expect(!(stored[0][0] ?? "").contains("very-secret"))
  }

  @Test("callback_url is the issuer's, for the clients that browsers come back to")
  func callback() async throws {
    let tenant = try await TestServer.shared().tenant()
    let application = try await tenant.application()
    let issuer = try await tenant.send("GET", "identity-applications/\(application)").text("issuer")
    for (provider, isForBrowsers) in [
      ("wechat_miniapp", false), ("wechat_mobile", false), ("wechat_web", true), ("wechat_official_account", true),
    ] {
      let made = try await tenant.send(
        "POST", "third-party-authz-clients",
        """
        {"name":"M","identity_application_id":"\(application)","provider":"\(provider)","app_id":"wx1","app_secret":"s"}
        """)
      let expected = "\(issuer)/wechat/callback/\(made.text("id"))"
      #expect(made["callback_url"] == (isForBrowsers ? .string(expected) : .null), "\(provider): \(made.text)")
    }
  }

  @Test("an application of another tenant is as unknown as one nobody has")
  func foreignApplication() async throws {
    let server = try await TestServer.shared()
    let (one, other) = (try await server.tenant(), try await server.tenant())
    func create(_ application: String) async throws -> TestServer.Answer {
      try await one.send(
        "POST", "third-party-authz-clients",
        """
        {"name":"M","identity_application_id":"\(application)","provider":"wechat_miniapp","app_id":"wx1","app_secret":"s"}
        """)
    }
    let foreign = try await create(try await other.application())
    let unknown = try await create(UUID().uuidString.lowercased())
    #expect(foreign.status == 422)
    #expect(foreign.pointers == ["/identity_application_id"])
    #expect(foreign.comparable == unknown.comparable)
  }

  @Test("property maps are checked rule by rule")
  func propertyMap() async throws {
    let tenant = try await TestServer.shared().tenant()
    let id = try await tenant.miniapp(of: try await tenant.application())
    let path = "third-party-authz-clients/\(id)"
    let good = try await tenant.send(
      "PATCH", path,
      #"{"property_map":[{"source":"unionid|openid","target":"username"},{"source":"sex","target":"attributes.sex","when":"if_empty"}]}"#
    )
    #expect(good["property_map"]?.array?.first?.object?["when"]?.string == "if_empty")
    let bad = try await tenant.send(
      "PATCH", path, #"{"property_map":[{"source":"shoe","target":"sub"},{"source":"sex","target":"name","if":1}]}"#)
    #expect(bad.status == 422)
    #expect(
      bad.pointers.sorted() == ["/property_map/0/source", "/property_map/0/target", "/property_map/1/if"])
  }

  @Test("a new secret makes the credentials unverified and due again")
  func newSecret() async throws {
    let tenant = try await TestServer.shared().tenant()
    let id = try await tenant.miniapp(of: try await tenant.application())
    try await tenant.server.database.administer(
      """
      UPDATE third_party_authz_clients SET credential_status = 'failing', credential_error = '{"errcode": 40013}' WHERE id = '\(id)';
      UPDATE app_token_schedule SET refresh_at = now() + interval '1 hour', fence = 7 WHERE client_id = '\(id)'
      """)
    let kept = try await tenant.send("PATCH", "third-party-authz-clients/\(id)", #"{"name":"N"}"#)
    #expect(kept["credential_status"]?.string == "failing")
    #expect(kept["credential_error"]?.object?["errcode"]?.integer == 40013)
    let changed = try await tenant.send("PATCH", "third-party-authz-clients/\(id)", #"{"app_secret":"new"}"#)
    #expect(changed["credential_status"]?.string == "unverified")
    #expect(changed["credential_error"] == .null)
    let due = try await tenant.server.database.administer(
      "SELECT fence >= 8 FROM app_token_schedule WHERE client_id = '\(id)'")
    #expect(due == [["t"]])
  }

  @Test("every change leaves its audit event with the key and the request")
  func audit() async throws {
    let tenant = try await TestServer.shared().tenant()
    let id = try await tenant.miniapp(of: try await tenant.application())
    let changed = try await tenant.send("PATCH", "third-party-authz-clients/\(id)", #"{"name":"N"}"#)
    #expect(try await tenant.send("DELETE", "third-party-authz-clients/\(id)").status == 204)
    let events = try await tenant.server.database.administer(
      "SELECT action, actor_type, request_id FROM audit_events WHERE target_id = '\(id)' AND actor_type <> 'worker' ORDER BY id"
    )
    #expect(events.map { $0[0] } == ["client.created", "client.updated", "client.deleted"])
    #expect(events.map { $0[1] } == ["api_key", "api_key", "api_key"])
    #expect(events[1][2] == changed.headers["x-request-id"])
  }
}
