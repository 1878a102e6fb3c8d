import Foundation
import Simulator
import Testing

/// What is refused, how it is told, and what never leaves.
extension MiniappFederationTests {
  @Test("WeChat's failures have the statuses of the contract, with its number and both languages")
  func wechatFailures() async throws {
    let miniapp = try await TestMiniapp.make()
    let world = miniapp.server.wechat
    world.change(miniapp.app.id) { $0.secret = "changed" }
    let refused = try await miniapp.profile("quinn")
    #expect(refused.status == 502)
    #expect(refused.text("code") == "wechat_credentials_rejected")
    #expect(refused["wechat_errcode"]?.integer == 40125)
    #expect(!refused.text("detail_zh").isEmpty)
    world.change(miniapp.app.id) { $0.secret = miniapp.app.secret }
    world.register(
      {
        var person = Person(id: "risky-\(miniapp.app.id)"); person.isBlocked = true; return person
      }())
    let blocked = try await miniapp.profile("risky-\(miniapp.app.id)")
    #expect(blocked.status == 403)
    #expect(blocked.text("code") == "wechat_user_blocked")
    let nonsense = try await miniapp.profile(code: "nonsense")
    #expect(nonsense.status == 400)
    #expect(nonsense["wechat_errcode"]?.integer == 40029)
    #expect(try await miniapp.profile(code: "nonsense").text("code") == "wechat_code_invalid")
  }

  @Test("fields nobody asked for are refused, openid before all")
  func extraFields() async throws {
    let miniapp = try await TestMiniapp.make()
    let answer = try await miniapp.federation(
      "profile",
      "{\"client_id\": \"\(miniapp.clientID)\", \"code\": \"x\", \"openid\": \"o123\", \"access_token\": \"t\"}")
    #expect(answer.status == 422)
    #expect(Set(answer.pointers) == ["/openid", "/access_token"])
    #expect(miniapp.server.wechat.count(endpoint: "sns/jscode2session", appID: miniapp.app.id) == 0)
  }

  @Test("an unknown client, a disabled one and no id at all are one and the same 404")
  func unknownClient() async throws {
    let miniapp = try await TestMiniapp.make()
    let code = miniapp.loginCode("rita")
    let nonsense = try await miniapp.federation("profile", "{\"client_id\": \"nonsense\", \"code\": \"\(code)\"}")
    let unknown = try await miniapp.federation(
      "profile", "{\"client_id\": \"01a1fc5e-d2b1-7a7b-88f0-73ddbd6e9381\", \"code\": \"\(code)\"}")
    _ = try await miniapp.tenant.send("PATCH", "third-party-authz-clients/\(miniapp.clientID)", "{\"enabled\": false}")
    let disabled = try await miniapp.profile(code: code)
    #expect(nonsense.status == 404)
    #expect(nonsense.text("code") == "client_not_found")
    #expect(nonsense.comparable == unknown.comparable)
    #expect(nonsense.comparable == disabled.comparable)
  }

  @Test("session_key never leaves, and nothing secret lies in the database in clear")
  func nothingInClear() async throws {
    let miniapp = try await TestMiniapp.make()
    let asked = try await miniapp.profile("sara")
    let bound = try await miniapp.bind(ticket: asked.text("bind_ticket"))
    let key = try #require(miniapp.server.wechat.sessionKey("sara", appID: miniapp.app.id))
    #expect(!bound.text.contains(key))
    let tables = [
      "federated_identities", "federation_transactions", "sessions", "grants", "wechat_code_exchanges", "audit_events",
      "third_party_authz_clients", "wechat_app_tokens", "api_keys", "signing_keys",
    ]
    var dump = ""
    for table in tables {
      let rows = try await miniapp.server.database.administer(
        "SELECT row_to_json(t)::text FROM \(table) t WHERE tenant_id = '\(miniapp.tenant.id)'")
      dump += rows.map { $0[0] ?? "" }.joined(separator: "\n")
    }
    let secrets = [
      key, miniapp.app.secret, miniapp.tenant.key, bound.text("refresh_token"), asked.text("bind_ticket"),
      bound.text("access_token"),
    ]
    for secret in secrets {
      let hexadecimal = secret.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
      #expect(!dump.contains(secret))
      #expect(!dump.contains(hexadecimal))
    }
  }
}
