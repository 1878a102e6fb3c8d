import Foundation
import JSON
import Secrets

/// A client of an identity application with a user who has a password: a small relying party of the tests.
struct TestRelyingParty: Sendable {
  static let callback = "https://rp.test/cb?dummy1=lorem"
  static let password = "correct horse battery"
  /// scrypt of the password at N = 2^10: hashes of full cost, one after the other, would outlast the tests' patience.
  private static let passwordHash = "$scrypt$10$8$1$AAECAwQFBgcICQoLDA0ODw$hKGWL22WtdGfIbxEPAZ06BS2bWyYKuZIKvypfAlYOWk"
  static let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

  let tenant: TestTenant
  let applicationID: String
  let issuerPath: String
  let clientID: String
  let secret: String
  let username: String
  let userID: String

  var server: TestServer { tenant.server }
  var issuer: String { "http://127.0.0.1:1\(issuerPath)" }

  /// A new application with user and client, in a tenant of its own unless one is given; `settings` are further members of the client,
  /// `algorithm` is what the issuer signs with.
  static func make(
    type: String = "web", settings: String = #""require_consent":false"#, application: String = "",
    signing algorithm: String = "ES256", in given: TestTenant? = nil, on server: TestServer? = nil
  ) async throws -> TestRelyingParty {
    let some = if let server { server } else { try await TestServer.shared() }
    let tenant = if let given { given } else { try await some.tenant() }
    let id = try await tenant.application(#","signing_alg":"\#(algorithm)"\#(application)"#)
    let username = "user-\(UUID().uuidString.prefix(8))"
    let user = try await tenant.user(
      of: id,
      """
      "username":"\(username)","name":"Buffy","email":"\(username)@host.test","email_verified":true,
      "phone_number":"+8613800138000","phone_number_verified":true,"attributes":{"address":{"country":"CN"}}
      """)
    _ = try await tenant.server.database.administer(
      "UPDATE users SET password_hash = '\(passwordHash)' WHERE tenant_id = '\(tenant.id)' AND id = '\(user)'")
    let slug = try await tenant.send("GET", "identity-applications/\(id)").text("slug")
    let party = TestRelyingParty(
      tenant: tenant, applicationID: id, issuerPath: "/t/\(tenant.slug)/i/\(slug)", clientID: "", secret: "",
      username: username, userID: user)
    return try await party.client(type: type, settings: settings)
  }

  /// Another client of the same application.
  func client(
    type: String = "web", settings: String = #""require_consent":false"#, redirectURI: String = callback
  ) async throws -> TestRelyingParty {
    let made = try await tenant.send(
      "POST", "oauth-clients",
      """
      {"name":"RP <b>","identity_application_id":"\(applicationID)","type":"\(type)","redirect_uris":["\(redirectURI)"],
      "scopes":["openid","profile","email","phone","address"],\(settings)}
      """)
    guard made.status == 201 else { throw TestFailure(description: "no client: \(made.text)") }
    return TestRelyingParty(
      tenant: tenant, applicationID: applicationID, issuerPath: issuerPath, clientID: made.text("id"),
      secret: made.text("client_secret"), username: username, userID: userID)
  }

  /// The parameters of a usual request, with changes; an empty value takes a parameter out.
  func request(_ changes: [String: String] = [:]) -> [(String, String)] {
    let challenge = Base64URL.string(Digest.sha256(Self.verifier.utf8))
    let usual = [
      "client_id": clientID, "redirect_uri": Self.callback, "response_type": "code", "scope": "openid",
      "state": "s t&a",
      "nonce": "n-0S6", "code_challenge": challenge, "code_challenge_method": "S256",
    ]
    return usual.merging(changes) { $1 }.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }
  }

  /// Asks the authorization endpoint and follows its redirects to a page of ours or back to the client.
  func authorize(_ browser: TestBrowser, _ changes: [String: String] = [:]) async throws -> TestServer.Answer {
    let query = TestBrowser.form(request(changes))
    return try await browser.follow(browser.get("\(issuerPath)/authorize?\(query)"))
  }

  /// The same with a sign-in, to the redirect back to the client.
  func signIn(_ browser: TestBrowser, _ changes: [String: String] = [:]) async throws -> TestServer.Answer {
    let page = try await authorize(browser, changes)
    return try await browser.follow(browser.signIn(page, username, Self.password))
  }

  /// Turns a code into tokens with `client_secret_basic`, or as a public client.
  func redeem(_ code: String, _ changes: [String: String] = [:]) async throws -> TestServer.Answer {
    let usual = [
      "grant_type": "authorization_code", "code": code, "redirect_uri": Self.callback, "code_verifier": Self.verifier,
    ]
    return try await token(usual.merging(changes) { $1 })
  }

  func token(_ fields: [String: String]) async throws -> TestServer.Answer { try await post("token", fields) }

  /// Asks an OAuth endpoint of an issuer, authenticated as registered; without `issuer` of its own.
  func post(
    at issuer: String? = nil, _ endpoint: String, _ fields: [String: String], headers more: [(String, String)] = []
  ) async throws -> TestServer.Answer {
    var fields = fields
    var headers = [("Content-Type", "application/x-www-form-urlencoded")] + more
    if secret.isEmpty {
      fields["client_id"] = clientID
    } else {
      headers.append(("Authorization", "Basic \(Data("\(clientID):\(secret)".utf8).base64EncodedString())"))
    }
    let body = TestBrowser.form(fields.filter { !$0.value.isEmpty }.map { ($0.key, $0.value) })
    return try await server.send("POST", "\(issuer ?? issuerPath)/\(endpoint)", body, headers: headers)
  }

  /// Sends a form to an endpoint of the issuer, as nobody.
  func form(
    _ endpoint: String, _ fields: [(String, String)], headers: [(String, String)] = []
  ) async throws -> TestServer.Answer {
    try await server.send(
      "POST", "\(issuerPath)/\(endpoint)", TestBrowser.form(fields),
      headers: [("Content-Type", "application/x-www-form-urlencoded")] + headers)
  }

  func userinfo(_ token: String) async throws -> TestServer.Answer {
    try await server.send("GET", "\(issuerPath)/userinfo", key: token)
  }
}
