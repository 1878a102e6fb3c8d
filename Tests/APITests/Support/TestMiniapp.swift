import Foundation
import JSON
import Secrets
import Simulator

/// A tenant with an identity application and a miniapp that WeChat knows.
struct TestMiniapp: Sendable {
  let tenant: TestTenant
  let app: App
  let applicationID: String
  let applicationSlug: String
  let clientID: String

  var server: TestServer { tenant.server }
  var issuerPath: String { "/t/\(tenant.slug)/i/\(applicationSlug)" }

  /// A new tenant with all of it.
  static func make(
    on server: TestServer? = nil, settings: String = "{}", openPlatformAccount: String? = "open",
    label: String? = "open"
  ) async throws -> TestMiniapp {
    let some = if let server { server } else { try await TestServer.shared() }
    let tenant = try await some.tenant()
    return try await make(in: tenant, settings: settings, openPlatformAccount: openPlatformAccount, label: label)
  }

  /// All of it in a tenant that is there.
  static func make(
    in tenant: TestTenant, settings: String = "{}", openPlatformAccount: String? = "open", label: String? = "open"
  ) async throws -> TestMiniapp {
    let slug = "a" + UUID().uuidString.lowercased().prefix(8)
    var body = try JSONValue(parsing: Array(settings.utf8)).object ?? JSONObject()
    body["name"] = .string("App")
    body["slug"] = .string(slug)
    let made = try await tenant.send(
      "POST", "identity-applications", String(decoding: JSONValue.object(body).text, as: UTF8.self))
    guard let id = made["id"]?.string else { throw TestFailure(description: "no application: \(made.text)") }
    let app = tenant.server.wechat.register(App(openPlatformAccount: openPlatformAccount))
    return try await TestMiniapp(tenant: tenant, app: app, applicationID: id, applicationSlug: slug, clientID: "")
      .client(app, label: label)
  }

  /// The same directory through another app of WeChat.
  func client(_ app: App, label: String?) async throws -> TestMiniapp {
    let account = label.map { "\"\($0)\"" } ?? "null"
    let made = try await tenant.send(
      "POST", "third-party-authz-clients",
      """
      {"name": "Miniapp", "identity_application_id": "\(applicationID)", "provider": "wechat_miniapp", "app_id": "\(app.id)",
      "app_secret": "\(app.secret)", "open_platform_account": \(account), "scopes": ["openid", "profile", "phone"]}
      """)
    guard let id = made["id"]?.string else { throw TestFailure(description: "no client: \(made.text)") }
    return TestMiniapp(
      tenant: tenant, app: app, applicationID: applicationID, applicationSlug: applicationSlug, clientID: id)
  }

  /// A code of `wx.login`.
  func loginCode(_ person: String) -> String { server.wechat.loginCode(app.id, person: person) }

  /// A code of the getPhoneNumber button.
  func phoneCode(_ person: String) -> String { server.wechat.phoneCode(app.id, person: person) }

  /// `profile` with a code.
  func profile(code: String) async throws -> TestServer.Answer {
    try await federation("profile", "{\"client_id\": \"\(clientID)\", \"code\": \"\(code)\"}")
  }

  /// `profile` with a new code of a person.
  func profile(_ person: String) async throws -> TestServer.Answer {
    try await profile(code: loginCode(person))
  }

  /// `bindUser`; `members` are further members of the body.
  func bind(ticket: String, _ members: String = "") async throws -> TestServer.Answer {
    try await federation("bindUser", "{\"client_id\": \"\(clientID)\", \"bind_ticket\": \"\(ticket)\"\(members)}")
  }

  /// Registers a person through a ticket.
  func register(_ person: String, _ members: String = "") async throws -> TestServer.Answer {
    let asked = try await profile(person)
    guard let ticket = asked["bind_ticket"]?.string else { throw TestFailure(description: "no ticket: \(asked.text)") }
    return try await bind(ticket: ticket, members)
  }

  /// A call below `federation/wechat/miniapp/`.
  func federation(_ path: String, _ body: String) async throws -> TestServer.Answer {
    try await server.send("POST", "/t/\(tenant.slug)/federation/wechat/miniapp/\(path)", body)
  }

  /// A form to an endpoint of the issuer.
  func form(_ path: String, _ body: String, headers: [(String, String)] = []) async throws -> TestServer.Answer {
    try await server.send(
      "POST", "\(issuerPath)/\(path)", body,
      headers: headers + [("Content-Type", "application/x-www-form-urlencoded")])
  }

  /// Refreshes as the miniapp.
  func refresh(_ token: String, _ members: String = "") async throws -> TestServer.Answer {
    try await form("token", "grant_type=refresh_token&client_id=\(clientID)&refresh_token=\(token)\(members)")
  }

  /// userinfo with an access token.
  func userinfo(_ token: String) async throws -> TestServer.Answer {
    try await server.send("GET", "\(issuerPath)/userinfo", key: token)
  }
}

extension TestServer.Answer {
  /// A string member.
  func text(_ name: String) -> String { self[name]?.string ?? "" }
  /// The `sub` of the user in a federation answer.
  var sub: String { self["user"]?.object?["sub"]?.string ?? "" }
  /// The claims of a JWT member.
  func claims(_ name: String) -> JSONObject {
    let parts = text(name).split(separator: ".")
    guard parts.count == 3, let bytes = Base64URL.decode(parts[1].utf8) else { return JSONObject() }
    return (try? JSONValue(parsing: bytes))?.object ?? JSONObject()
  }
}
