import Foundation
import JSON
import Simulator
import TestSupport
import Testing

/// What a push deletes, and that none is forgotten (WeChat: user privacy events; contract section 10).
@Suite("duties of a push")
struct PushDutyTests {
  /// What is left of name, raw profile and phone number after a revoke.
  struct Revoke: Sendable, CustomTestStringConvertible {
    let info: String
    let keepsName: Bool
    let keepsPhone: Bool
    var testDescription: String { info.isEmpty ? "empty" : info }
  }

  @Test(
    "a revoke deletes what its RevokeInfo names, and everything when that is empty or unknown",
    arguments: [
      Revoke(info: "19", keepsName: false, keepsPhone: true), Revoke(info: "20", keepsName: false, keepsPhone: true),
      Revoke(info: "205", keepsName: false, keepsPhone: true), Revoke(info: "301", keepsName: false, keepsPhone: false),
      Revoke(info: "", keepsName: false, keepsPhone: false), Revoke(info: "1,13", keepsName: true, keepsPhone: true),
      Revoke(info: "8", keepsName: true, keepsPhone: false), Revoke(info: "6,8", keepsName: false, keepsPhone: false),
      Revoke(info: "1|4711", keepsName: false, keepsPhone: false),
    ])
  func numbers(_ revoke: Revoke) async throws {
    let app = try await PushedApp.make()
    let user = try await app.person("anna")
    try await app.revoke(revoke.info, of: user.openid)
    let left = try await app.userAfterAll(user.sub)
    #expect((left["name"] != .null) == revoke.keepsName)
    #expect((left["phone_number"] != .null) == revoke.keepsPhone)
  }

  @Test(
    "a revoke of a website's or a native app's authorisation means everything, whatever its number",
    arguments: ["1", "301"])
  func otherKinds(info: String) async throws {
    for kind in ["wechat_web", "wechat_mobile"] {
      let app = try await PushedApp.make()
      let user = try await app.person("bert")
      // The only difference between the kinds that a push sees.
      try await app.miniapp.server.database.administer(
        "UPDATE third_party_authz_clients SET provider = '\(kind)' WHERE id = '\(app.miniapp.clientID)'")
      try await app.revoke(info, of: user.openid)
      let left = try await app.userAfterAll(user.sub)
      #expect(left["name"] == .null && left["phone_number"] == .null, "\(kind)")
    }
  }

  @Test("a disabled client's pushes count: a person's cancellation does not wait for the tenant")
  func disabled() async throws {
    let app = try await PushedApp.make()
    let user = try await app.person("cora")
    try await app.set(#""enabled":false"#)
    let answer = try await app.push(PushMessage(event: "user_authorization_cancellation", openid: user.openid))
    #expect(answer.status == 200, "\(answer.body)")
    #expect(try await app.userAfterAll(user.sub)["name"] == .null)
    #expect(try await app.miniapp.tenant.send("GET", "users/\(user.sub)/identities").items.isEmpty)
  }

  @Test("a number that WeChat gave goes with its revoke although the user is the tenant's own")
  func linkedUser() async throws {
    let app = try await PushedApp.make()
    let user = try await app.person("dora")
    // As if the person had bound the WeChat identity to the account they had before.
    try await app.miniapp.server.database.administer(
      "UPDATE users SET origin = 'import' WHERE id = '\(user.sub)'")
    try await app.revoke("8", of: user.openid)
    let left = try await app.userAfterAll(user.sub)
    #expect(left["phone_number"] == .null && left["phone_number_verified"] == .boolean(false))
  }

  @Test("a number that the tenant set stays, also a shadow user's", arguments: ["8", "4711"])
  func tenantsNumber(info: String) async throws {
    let app = try await PushedApp.make()
    let user = try await app.person("ella", withPhone: false)
    let number = #"{"phone_number":"+4915112345678","phone_number_verified":true}"#
    #expect(try await app.miniapp.tenant.send("PATCH", "users/\(user.sub)", number).status == 200)
    try await app.revoke(info, of: user.openid)
    let left = try await app.userAfterAll(user.sub)
    #expect(left.text("phone_number") == "+4915112345678" && left["phone_number_verified"] == .boolean(true))
  }

  @Test("a number that the tenant put in place of WeChat's stays, the same one written again is still WeChat's")
  func replacedNumber() async throws {
    let app = try await PushedApp.make()
    let user = try await app.person("fritz")
    let path = "users/\(user.sub)"
    let given = try await app.miniapp.tenant.send("GET", path).text("phone_number")
    let same = #"{"phone_number":"\#(given)"}"#
    #expect(try await app.miniapp.tenant.send("PATCH", path, same).status == 200)
    try await app.revoke("8", of: user.openid)
    #expect(try await app.userAfterAll(user.sub)["phone_number"] == .null)
    let other = try await app.person("gerda")
    let number = #"{"phone_number":"+4915112345679"}"#
    #expect(try await app.miniapp.tenant.send("PATCH", "users/\(other.sub)", number).status == 200)
    try await app.revoke("8", of: other.openid)
    #expect(try await app.userAfterAll(other.sub).text("phone_number") == "+4915112345679")
  }

  @Test("for an hour after a change of Token or EncodingAESKey pushes under the old ones count, then not any more")
  func previousSettings() async throws {
    let app = try await PushedApp.make()
    let (token, key) = ("another-Token", String(repeating: "ABCDEFG", count: 6) + "A")
    try await app.set(#""push_token":"\#(token)","push_encoding_aes_key":"\#(key)""#)
    let user = try await app.person("jana")
    var message = PushMessage(event: "user_info_modified", openid: user.openid)
    #expect(try await app.push(message).status == 200)
    #expect(try await app.userAfterAll(user.sub)["name"] == .null)
    message.age = 10
    #expect(try await app.push(message, token: token, key: key).status == 200)
    // Halves of both do not go together.
    message.age = 20
    #expect(try await app.push(message, token: token, key: PushedApp.key).status == 403)
    #expect(try await app.push(message, token: "a third", key: key).status == 403)
    let old = PushMessage.verification(token: PushedApp.token, echo: "12345678", now: PushedApp.now)
    #expect(await PushedApp.sender.verify(old, at: app.url).status == 200)
    try await app.miniapp.server.database.administer(
      """
      UPDATE previous_push_settings SET expires_at = now() - interval '1 second'
      WHERE client_id = '\(app.miniapp.clientID)' AND expires_at > now() + interval '59 minutes'
      """)
    message.age = 30
    #expect(try await app.push(message).status == 403)
    #expect(await PushedApp.sender.verify(old, at: app.url).status == 403)
    #expect(try await app.push(message, token: token, key: key).status == 200)
  }

  @Test("a push waits no longer for a client that is deleted")
  func deletedClient() async throws {
    let app = try await PushedApp.make()
    _ = try await app.leave(dueAt: "now() + interval '1 hour'")
    #expect(try await app.due() == 1)
    let path = "third-party-authz-clients/\(app.miniapp.clientID)"
    #expect(try await app.miniapp.tenant.send("DELETE", path).status == 204)
    #expect(try await app.due() == 0)
  }

  @Test(
    "a push of 64 KiB and one byte, and one of 10 MB, is refused with 413 at once", arguments: [65_537, 10_000_000])
  func huge(bytes: Int) async throws {
    let app = try await PushedApp.make()
    let body = String(repeating: "x", count: bytes)
    let begun = ContinuousClock.now
    let answer = try await app.miniapp.server.send(
      "POST", app.path + "?signature=a&timestamp=1&nonce=2", body, headers: [("Content-Type", "text/xml")])
    #expect(answer.status == 413, "\(answer.status) \(answer.text)")
    #expect(begun.duration(to: .now) < .seconds(3))
    #expect(try await app.due() == 0)
  }
}
