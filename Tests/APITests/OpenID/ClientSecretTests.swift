import Foundation
import Testing

/// F04, F05, F06, F08 and module `oidcc-server-client-secret-post`: how the token endpoint is asked.
@Suite("OpenID provider, client secrets and the token endpoint")
struct ClientSecretTests {
  private static let post = #""require_consent":false,"token_endpoint_auth_method":"client_secret_post""#

  private func code(_ party: TestRelyingParty) async throws -> String {
    try await party.signIn(TestBrowser(party.server)).redirect.parameters["code"] ?? ""
  }

  private func redemption(_ code: String) -> [(String, String)] {
    [
      ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", TestRelyingParty.callback),
      ("code_verifier", TestRelyingParty.verifier),
    ]
  }

  @Test("oidcc-server-client-secret-post: code, refresh, introspection and revocation with the secret in the body")
  func secretPost() async throws {
    let party = try await TestRelyingParty.make(settings: Self.post)
    let own = [("client_id", party.clientID), ("client_secret", party.secret)]
    let tokens = try await party.form("token", redemption(code(party)) + own)
    #expect(tokens.status == 200 && tokens.headers["cache-control"] == "no-store", "\(tokens.text)")
    #expect(tokens.claims("id_token")["aud"]?.string == party.clientID)
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens.text("refresh_token"))]
    let again = try await party.form("token", refresh + own)
    #expect(again.status == 200, "\(again.text)")
    let token = [("token", again.text("access_token"))]
    #expect(try await party.form("introspect", token + own)["active"] == .boolean(true))
    #expect(try await party.form("revoke", token + own).status == 200)
    #expect(try await party.userinfo(again.text("access_token")).status == 401)
  }

  @Test("a client of one method is refused with the other, with the right secret too, and its code is not lost by it")
  func otherMethod() async throws {
    let basic = try await TestRelyingParty.make()
    let posting = try await basic.client(settings: Self.post)
    let first = try await code(basic)
    let inBody = [("client_id", basic.clientID), ("client_secret", basic.secret)]
    let wrongly = try await basic.form("token", redemption(first) + inBody)
    #expect(wrongly.status == 401 && wrongly.text("error") == "invalid_client", "\(wrongly.text)")
    #expect(try await basic.redeem(first).status == 200)
    let second = try await code(posting)
    let inHeader = try await posting.form("token", redemption(second), headers: [posting.basic()])
    #expect(inHeader.status == 401 && inHeader.text("error") == "invalid_client", "\(inHeader.text)")
    #expect(inHeader.headers["www-authenticate"]?.hasPrefix("Basic realm=") == true, "F07")
    let own = [("client_id", posting.clientID), ("client_secret", posting.secret)]
    for wrong in [posting.secret + "x", String(posting.secret.dropLast()), "", basic.secret] {
      let fields = redemption(second) + [("client_id", posting.clientID), ("client_secret", wrong)]
      #expect(try await posting.form("token", fields).text("error") == "invalid_client", "\(wrong.count)")
    }
    #expect(try await posting.form("token", redemption(second) + own).status == 200)
  }

  @Test(
    "F05: Basic and a secret in the body together are invalid_request, and a client_id beside Basic must be the same")
  func twoWays() async throws {
    let party = try await TestRelyingParty.make()
    let given = try await code(party)
    for fields in [
      [("client_secret", party.secret)], [("client_id", party.clientID), ("client_secret", party.secret)],
    ] {
      let answer = try await party.form("token", redemption(given) + fields, headers: [party.basic()])
      #expect(answer.status == 400 && answer.text("error") == "invalid_request", "\(answer.text)")
    }
    let other = try await party.form(
      "token", redemption(given) + [("client_id", party.userID)], headers: [party.basic()])
    #expect(other.text("error") == "invalid_request")
    let same = try await party.form(
      "token", redemption(given) + [("client_id", party.clientID)], headers: [party.basic()])
    #expect(same.status == 200, "\(same.text)")
  }

  @Test("F06: both halves of Basic are form-decoded: colon, percent, plus, space and letters beyond ASCII")
  func decoded() async throws {
    let miniapp = try await TestMiniapp.make()
    let (id, secret) = try await miniapp.serviceClient()
    #expect([":", "%", "+", " ", "ü"].allSatisfy { secret.contains($0) })
    func status(_ name: String, _ text: String) async throws -> Int {
      let header = "Basic \(Data("\(name):\(text)".utf8).base64EncodedString())"
      return try await miniapp.form("token", "grant_type=client_credentials", headers: [("Authorization", header)])
        .status
    }
    let encoded = secret.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    #expect(try await status(id, encoded) == 200)
    #expect(try await status(id, encoded.replacing("%20", with: "+")) == 200, "a space may be a plus")
    #expect(try await status(id, encoded.replacing("%3A", with: ":")) == 200, "the first colon parts the halves")
    #expect(try await status(id.replacing("-", with: "%2D"), encoded) == 200, "the name too")
    #expect(try await status(id, secret) == 401, "as it is it means something else")
    #expect(try await status(id, encoded.replacing("%25", with: "%")) == 401)
    #expect(try await status(id, encoded + "%FF") == 401)
    for header in ["Basic", "Basic !!", "Basic \(Data(id.utf8).base64EncodedString())", "Bearer \(id)"] {
      let answer = try await miniapp.form(
        "token", "grant_type=client_credentials", headers: [("Authorization", header)])
      #expect(answer.status == 401 && answer.text("error") == "invalid_client", "\(header)")
    }
  }

  @Test("F04: the token endpoint takes POST only, and nothing from its address")
  func postOnly() async throws {
    let party = try await TestRelyingParty.make()
    let given = try await code(party)
    let query = TestBrowser.form(redemption(given))
    for endpoint in ["token", "introspect", "revoke", "par", "device_authorization"] {
      for method in ["GET", "PUT", "DELETE", "PATCH"] {
        let answer = try await party.server.send(
          method, "\(party.issuerPath)/\(endpoint)?\(query)", headers: [party.basic()])
        #expect(answer.status == 405, "\(method) \(endpoint)")
        let allowed = answer.headers["allow"]?.split(separator: ",").map { $0.filter { $0 != " " } } ?? []
        #expect(allowed.contains("POST") && !allowed.contains(method), "\(method) \(endpoint): \(allowed)")
      }
    }
    let empty = try await party.form("token?\(query)", [], headers: [party.basic()])
    #expect(empty.status == 400 && empty.text("error") == "invalid_request", "\(empty.text)")
    let secret = TestBrowser.form([("client_id", party.clientID), ("client_secret", party.secret)])
    let posting = try await party.client(settings: Self.post)
    let own = TestBrowser.form([("client_id", posting.clientID), ("client_secret", posting.secret)])
    for credentials in [secret, own] {
      let answer = try await party.form(
        "token?\(credentials)", [("grant_type", "refresh_token"), ("refresh_token", "x")])
      #expect(answer.status == 401 || answer.text("error") == "invalid_grant", "\(answer.text)")
    }
    #expect(try await party.redeem(given).status == 200, "nothing of it was taken")
  }

  @Test("F08, F09: what holds a token, a secret or a code is not stored, and an error is JSON of the fixed list")
  func unstored() async throws {
    let party = try await TestRelyingParty.make()
    let browser = TestBrowser(party.server)
    let back = try await party.signIn(browser)
    let tokens = try await party.redeem(back.redirect.parameters["code"] ?? "")
    let refreshed = try await party.token([
      "grant_type": "refresh_token", "refresh_token": tokens.text("refresh_token"),
    ])
    for answer in [tokens, refreshed] {
      #expect(answer.status == 200 && answer.headers["pragma"] == "no-cache")
    }
    let access = refreshed.text("access_token")
    let client = """
      {"name":"C","identity_application_id":"\(party.applicationID)","type":"web","redirect_uris":["https://a.example/"]}
      """
    let answers = [
      back, tokens, refreshed, try await party.userinfo(access), try await party.post("introspect", ["token": access]),
      try await party.push(), try await party.tenant.send("POST", "oauth-clients", client),
      try await party.tenant.send("POST", "api-keys", #"{"name":"K","scopes":["tenant:read"]}"#),
      try await party.authorize(browser, ["response_mode": "form_post"]),
      try await party.post("revoke", ["token": access]),
    ]
    for answer in answers {
      #expect((200..<400).contains(answer.status), "\(answer.text)")
      #expect(answer.headers["cache-control"] == "no-store", "\(answer.text)")
    }
    let errors = [
      try await party.redeem("x"), try await party.token([:]), try await party.token(["grant_type": "password"]),
      try await party.form("token", [("grant_type", "client_credentials")]), try await party.userinfo("x"),
      try await party.post("introspect", [:]), try await party.push(["scope": ""]),
    ]
    let known: Set = [
      "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
      "invalid_scope", "invalid_token",
    ]
    for answer in errors {
      #expect((400...401).contains(answer.status) && known.contains(answer.text("error")), "\(answer.text)")
      #expect(answer.headers["cache-control"] == "no-store" && answer.headers["content-type"] == "application/json")
      let text = answer.text("error_description")
      #expect(text.wholeMatch(of: /[\x20\x21\x23-\x5B\x5D-\x7E]*/) != nil, "C11: \(text)")
      #expect(answer["code"] == nil && answer["access_token"] == nil)
    }
  }
}
