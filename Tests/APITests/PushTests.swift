import Foundation
import Identity
import JSON
import Jobs
import Simulator
import TestSupport
import Testing

/// WeChat's message push: what it may do, and what it must not (contract section 10).
@Suite("WeChat's message push")
struct PushTests {
  private static let sender = PushedApp.sender
  private static let token = PushedApp.token
  private static let key = PushedApp.key
  private static var now: Int { PushedApp.now }

  @Test("the URL is verified with the bytes of echostr, and with nothing else")
  func verification() async throws {
    let app = try await PushedApp.make()
    let query = PushMessage.verification(token: Self.token, echo: "4375120948345356249", now: Self.now)
    let good = await Self.sender.verify(query, at: app.url)
    #expect(good.status == 200 && good.body == "4375120948345356249")
    let wrong = PushMessage.verification(token: "another", echo: "437", now: Self.now)
    #expect(await Self.sender.verify(wrong, at: app.url).status == 403)
    #expect(try await app.miniapp.server.send("GET", app.path).status == 403)
  }

  @Test("a revoke deletes what it names, in either notation", arguments: PushMessage.Format.allCases)
  func revoke(format: PushMessage.Format) async throws {
    let app = try await PushedApp.make()
    let user = try await app.person("alice")
    var message = PushMessage(event: "user_authorization_revoke", openid: user.openid)
    message.format = format
    message.revokeInfo = "6"
    #expect(try await app.push(message).body == "success")
    let stripped = try await app.user(user.sub) { $0["name"] == .null }
    #expect(stripped["picture"] == .null)
    #expect(stripped["attributes"]?.object?["headimgurl"] == nil)
    #expect(stripped["phone_number"]?.string?.hasPrefix("+") == true)
    message.revokeInfo = "8"
    #expect(try await app.push(message).status == 200)
    let silent = try await app.user(user.sub) { $0["phone_number"] == .null }
    #expect(silent["phone_number_verified"] == .boolean(false))
    #expect(try await app.miniapp.profile("alice").sub == user.sub)
    let events = try await app.miniapp.tenant.send("GET", "audit-events?action=wechat.user_authorization_revoke").items
    #expect(events.count == 2)
    #expect(events[0]["actor"]?.object?["type"]?.string == "wechat")
  }

  @Test("an unknown RevokeInfo deletes everything that came from WeChat")
  func unknownRevoke() async throws {
    let app = try await PushedApp.make()
    let user = try await app.person("bob")
    var message = PushMessage(event: "USER_AUTHORIZATION_REVOKE", openid: user.openid)
    message.revokeInfo = "4711"
    _ = try await app.push(message)
    let stripped = try await app.user(user.sub) { $0["name"] == .null }
    #expect(stripped["phone_number"] == .null)
    let keys = try await app.miniapp.server.database.administer(
      "SELECT session_key_sealed IS NULL FROM federated_identities WHERE user_id = '\(user.sub)'")
    #expect(keys == [["t"]])
  }

  @Test("a cancelled WeChat user is unlinked and signed out")
  func cancellation() async throws {
    let app = try await PushedApp.make()
    let user = try await app.person("carol")
    #expect(try await app.miniapp.userinfo(user.accessToken).status == 200)
    _ = try await app.push(PushMessage(event: "user_authorization_cancellation", openid: user.openid))
    _ = try await app.user(user.sub) { $0["name"] == .null }
    #expect(try await app.miniapp.userinfo(user.accessToken).status == 401)
    #expect(try await app.miniapp.refresh(user.refreshToken).text("error") == "invalid_grant")
    #expect(try await app.miniapp.tenant.send("GET", "users/\(user.sub)/identities").items.isEmpty)
    #expect(try await app.miniapp.tenant.send("GET", "users/\(user.sub)/sessions").items.isEmpty)
    #expect(try await app.miniapp.tenant.send("GET", "audit-events?action=identity.unlinked").items.count == 1)
    #expect(try await app.miniapp.profile("carol").text("outcome") == "registration_required")
  }

  @Test("a modified profile clears nickname and picture")
  func modified() async throws {
    let app = try await PushedApp.make()
    let user = try await app.person("dave")
    _ = try await app.push(PushMessage(event: "user_info_modified", openid: user.openid))
    let stripped = try await app.user(user.sub) { $0["name"] == .null }
    #expect(stripped["picture"] == .null && stripped["phone_number"] != .null)
  }

  @Test(
    "a flawed push gets a 4xx and changes nothing", arguments: PushMessage.Flaw.allCases, PushMessage.Format.allCases)
  func flawed(flaw: PushMessage.Flaw, format: PushMessage.Format) async throws {
    let app = try await PushedApp.make()
    let user = try await app.person("erin")
    let before = try await app.miniapp.tenant.send("GET", "users/\(user.sub)").text
    var message = PushMessage(event: "user_authorization_cancellation", openid: user.openid)
    message.flaw = flaw
    message.format = format
    let answer = try await app.push(message)
    #expect((400..<500).contains(answer.status), "\(answer.status)")
    #expect(try await app.due() == 0)
    #expect(try await app.miniapp.tenant.send("GET", "users/\(user.sub)").text == before)
    #expect(try await app.miniapp.userinfo(user.accessToken).status == 200)
  }

  @Test("WeChat's own oddities are overlooked", arguments: PushMessage.Quirk.allCases)
  func quirks(quirk: PushMessage.Quirk) async throws {
    let app = try await PushedApp.make()
    let user = try await app.person("ivan")
    var message = PushMessage(event: "user_info_modified", openid: user.openid)
    message.format = .json
    message.quirk = quirk
    #expect(try await app.push(message).status == 200)
    _ = try await app.user(user.sub) { $0["name"] == .null }
  }

  @Test("in compatible mode the encrypted half counts", arguments: PushMessage.Format.allCases)
  func compatible(format: PushMessage.Format) async throws {
    let app = try await PushedApp.make()
    let user = try await app.person("judy")
    var message = PushMessage(event: "user_info_modified", openid: user.openid)
    message.mode = .compatible
    message.format = format
    message.flaw = .tampered
    #expect(try await app.push(message).status == 403)
    #expect(try await app.due() == 0)
    message.flaw = nil
    #expect(try await app.push(message).body == "success")
    _ = try await app.user(user.sub) { $0["name"] == .null }
  }

  @Test("an earlier event that arrives after a later one, within five minutes, counts too")
  func outOfOrder() async throws {
    let app = try await PushedApp.make()
    let user = try await app.person("karl")
    var message = PushMessage(event: "user_authorization_revoke", openid: user.openid)
    message.revokeInfo = "8"
    #expect(try await app.push(message).status == 200)
    _ = try await app.user(user.sub) { $0["phone_number"] == .null }
    message.revokeInfo = "6"
    message.age = 240
    #expect(try await app.push(message).status == 200)
    _ = try await app.user(user.sub) { $0["name"] == .null }
    message.age = 301
    #expect(try await app.push(message).status == 403)
  }

  @Test("a privacy event in plain mode has no effect and leaves one audit event")
  func plain() async throws {
    let app = try await PushedApp.make()
    let user = try await app.person("frank")
    var message = PushMessage(event: "user_authorization_cancellation", openid: user.openid)
    message.mode = .plain
    let answer = try await app.push(message)
    #expect(answer.status == 400 && answer.body.contains("push_not_encrypted") && answer.attempts == 3)
    #expect(try await app.due() == 0)
    #expect(try await app.miniapp.userinfo(user.accessToken).status == 200)
    let events = try await app.miniapp.tenant.send("GET", "audit-events?action=wechat.push.refused").items
    #expect(events.count == 1)
    // The same event encrypted counts.
    message.mode = .safe
    #expect(try await app.push(message).status == 200)
    _ = try await app.user(user.sub) { $0["name"] == .null }
  }

  @Test("the same push ten times at once is one event")
  func replay() async throws {
    let app = try await PushedApp.make()
    let user = try await app.person("grace")
    var message = PushMessage(event: "user_authorization_revoke", openid: user.openid)
    message.revokeInfo = "6"
    let (query, body) = try message.sealed(appID: app.miniapp.app.id, token: Self.token, key: Self.key, now: Self.now)
    let statuses = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<10 {
        group.addTask { await Self.sender.send(query, body: body, format: .xml, to: app.url).status }
      }
      return await group.reduce(into: Set<Int>()) { $0.insert($1) }
    }
    #expect(statuses == [200])
    _ = try await app.user(user.sub) { $0["name"] == .null }
    #expect(try await app.miniapp.tenant.send("PATCH", "users/\(user.sub)", #"{"name":"New"}"#).status == 200)
    _ = await Self.sender.send(query, body: body, format: .xml, to: app.url)
    #expect(try await app.due() == 0)
    #expect(try await app.miniapp.tenant.send("GET", "users/\(user.sub)").text("name") == "New")
    let events = try await app.miniapp.tenant.send("GET", "audit-events?action=wechat.user_authorization_revoke").items
    #expect(events.count == 1)
  }

  @Test("a push for another tenant's client, or one without push settings, finds nothing")
  func foreign() async throws {
    let (app, other) = (try await PushedApp.make(), try await TestMiniapp.make())
    let user = try await app.person("heidi")
    let message = PushMessage(event: "user_authorization_cancellation", openid: user.openid)
    let (query, body) = try message.sealed(appID: app.miniapp.app.id, token: Self.token, key: Self.key, now: Self.now)
    let base = "http://127.0.0.1:\(app.miniapp.server.port)/t"
    for url in [
      "\(base)/\(other.tenant.slug)/wechat/push/\(app.miniapp.clientID)",
      "\(base)/\(other.tenant.slug)/wechat/push/\(other.clientID)",
    ] {
      #expect(await Self.sender.send(query, body: body, format: .xml, to: url).status == 404)
    }
  }

  @Test("what a suspended tenant left behind is not late")
  func suspendedLag() async throws {
    let miniapp = try await TestMiniapp.make()
    let server = miniapp.server
    _ = try await PushedApp(miniapp: miniapp).leave(dueAt: "now() - interval '9 years'")
    let path = "/v1/tenants/\(miniapp.tenant.slug)"
    let suspended = try await server.send("PATCH", path, key: TestServer.operatorToken, #"{"status":"suspended"}"#)
    #expect(suspended.status == 200)
    let services = server.runtime.services
    let work = PushWork(database: services.database, heartbeat: services.database, ring: services.ring)
    let year = 31_536_000.0
    #expect(try await work.lag() < year)
  }
}
