import Foundation
import JSON
import Simulator
import TestSupport

/// A miniapp whose pushes are set up, and people of it.
struct PushedApp: Sendable {
  static let sender = PushSender()
  static let token = "push-Token-1"
  static let key = String(repeating: "abcdefg", count: 6) + "A"
  static var now: Int { Int(Date().timeIntervalSince1970) }

  /// Somebody who is signed in.
  struct Signed {
    let sub: String
    let openid: String
    let accessToken: String
    let refreshToken: String
  }

  let miniapp: TestMiniapp
  var path: String { "/t/\(miniapp.tenant.slug)/wechat/push/\(miniapp.clientID)" }
  var url: String { "http://127.0.0.1:\(miniapp.server.port)\(path)" }

  /// A miniapp in a tenant of its own.
  static func make(on server: TestServer? = nil) async throws -> PushedApp {
    let app = PushedApp(miniapp: try await TestMiniapp.make(on: server))
    try await app.set(#""push_token":"\#(token)","push_encoding_aes_key":"\#(key)""#)
    return app
  }

  /// Changes the client.
  func set(_ fields: String) async throws {
    let patched = try await miniapp.tenant.send(
      "PATCH", "third-party-authz-clients/\(miniapp.clientID)", "{\(fields)}")
    guard patched.status == 200 else { throw TestFailure(description: patched.text) }
  }

  /// Somebody with name, picture and, unless it is left out, phone number.
  func person(_ name: String, withPhone: Bool = true) async throws -> Signed {
    let profile = #", "profile": {"nickname": "N \#(name)", "avatar_url": "https://a.example/\#(name)"}"#
    let phone = withPhone ? #", "phone_code": "\#(miniapp.phoneCode(name))""# : ""
    let made = try await miniapp.register(name, phone + profile)
    let openid = try await miniapp.tenant.send("GET", "users/\(made.sub)/identities").items.first?["openid"]?.string
    guard let openid, made.status == 201 else { throw TestFailure(description: made.text) }
    return Signed(
      sub: made.sub, openid: openid, accessToken: made.text("access_token"), refreshToken: made.text("refresh_token"))
  }

  /// Sends a message as WeChat does, with the settings the client has or others.
  func push(
    _ message: PushMessage, token: String = Self.token, key: String = Self.key
  ) async throws -> PushSender.Answer {
    let (query, body) = try message.sealed(appID: miniapp.app.id, token: token, key: key, now: Self.now)
    return await Self.sender.send(query, body: body, format: message.format, to: url)
  }

  /// Sends a revoke of what the text names.
  func revoke(_ info: String, of openid: String) async throws {
    var message = PushMessage(event: "user_authorization_revoke", openid: openid)
    message.revokeInfo = info
    let answer = try await push(message)
    guard answer.status == 200 else { throw TestFailure(description: "\(answer.status) \(answer.body)") }
  }

  /// The user, as soon as a worker has made them fit.
  func user(_ id: String, _ fits: @escaping @Sendable (TestServer.Answer) -> Bool) async throws -> TestServer.Answer {
    try await eventually("the push to be applied") {
      let user = try await miniapp.tenant.send("GET", "users/\(id)")
      return fits(user) ? user : nil
    }
  }

  /// The user, as soon as all pushes are applied.
  func userAfterAll(_ id: String) async throws -> TestServer.Answer {
    _ = try await eventually("the pushes to be applied") { try await due() == 0 ? true : nil }
    return try await miniapp.tenant.send("GET", "users/\(id)")
  }

  /// Leaves pushes that do not open, due at a time in SQL.
  /// - Returns: the id of one.
  @discardableResult
  func leave(_ count: Int = 1, dueAt: String = "now()") async throws -> String {
    let rows = try await miniapp.server.database.administer(
      """
      WITH stored AS (
        INSERT INTO wechat_pushes (tenant_id, id, client_id, identity_hash, event_sealed)
        SELECT '\(miniapp.tenant.id)', gen_random_uuid(), '\(miniapp.clientID)', uuid_send(gen_random_uuid()), 'x'
        FROM generate_series(1, \(count))
        RETURNING tenant_id, id
      )
      INSERT INTO push_schedule (tenant_id, push_id, run_at) SELECT tenant_id, id, \(dueAt) FROM stored RETURNING push_id
      """)
    guard let id = rows.first?[0] else { throw TestFailure(description: "no push") }
    return id
  }

  /// How many pushes are not applied.
  func due() async throws -> Int {
    let rows = try await miniapp.server.database.administer(
      "SELECT count(*) FROM push_schedule WHERE tenant_id = '\(miniapp.tenant.id)'")
    return Int((rows.first?[0] ?? nil) ?? "") ?? -1
  }
}
