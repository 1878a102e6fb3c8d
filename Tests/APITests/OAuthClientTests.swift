import Foundation
import JSON
import Testing

@Suite("OAuth clients")
struct OAuthClientTests {
  @Test("a service gets a secret that is shown once and stored as a hash, and gets tokens with it")
  func service() async throws {
    let miniapp = try await TestMiniapp.make()
    let made = try await create(miniapp, #""type":"service""#)
    #expect(made.status == 201)
    #expect(made["grant_types"]?.array == [.string("client_credentials")])
    #expect(made["token_endpoint_auth_method"]?.string == "client_secret_basic")
    let secret = made.text("client_secret")
    #expect(secret.hasPrefix("qcs_"))
    let shown = try await miniapp.tenant.send("GET", "oauth-clients/\(made.text("id"))")
    #expect(shown["client_secret"] == nil && shown.headers["etag"] == made.headers["etag"])
    let stored = try await miniapp.server.database.administer(
      "SELECT encode(client_secret_hash, 'escape') FROM oauth_clients WHERE id = '\(made.text("id"))'")
    #expect(stored[0][0]?.contains(secret) == false)
    #expect(try await token(miniapp, made.text("id"), secret).status == 200)
    #expect(try await miniapp.tenant.send("DELETE", "oauth-clients/\(made.text("id"))").status == 204)
    #expect(try await token(miniapp, made.text("id"), secret).text("error") == "invalid_client")
  }

  @Test(
    "metadata that does not fit the type is refused with the field's name",
    arguments: [
      (#""type":"spa","redirect_uris":["http://app.example/cb"]"#, "/redirect_uris/0"),
      (#""type":"spa","redirect_uris":["https://app.example/cb#x"]"#, "/redirect_uris/0"),
      (#""type":"spa","redirect_uris":["com.example:/cb"]"#, "/redirect_uris/0"),
      (#""type":"native","redirect_uris":["javascript:alert(1)"]"#, "/redirect_uris/0"),
      (#""type":"spa","redirect_uris":[]"#, "/redirect_uris"),
      (
        #""type":"spa","redirect_uris":["https://a.example/"],"token_endpoint_auth_method":"client_secret_basic""#,
        "/token_endpoint_auth_method"
      ),
      (#""type":"service","token_endpoint_auth_method":"none""#, "/token_endpoint_auth_method"),
      (#""type":"service","grant_types":["authorization_code"]"#, "/grant_types"),
      (#""type":"service","redirect_uris":["https://a.example/"]"#, "/redirect_uris"),
      (#""type":"web","redirect_uris":["https://a.example/"],"token_endpoint_auth_method":"private_key_jwt""#, "/jwks"),
      (
        #""type":"service","token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[{"kty":"EC","d":"x"}]}"#,
        "/jwks"
      ),
      (
        #""type":"web","redirect_uris":["https://a.example/"],"backchannel_logout_uri":"http://a.example/out""#,
        "/backchannel_logout_uri"
      ),
      (#""type":"web","redirect_uris":["https://a.example/"],"jwks_uri":"ftp://a.example/""#, "/jwks_uri"),
      (#""type":"console""#, "/type"),
    ])
  func unfit(fields: String, pointer: String) async throws {
    let answer = try await create(TestMiniapp.make(), fields)
    #expect(answer.status == 422)
    #expect(answer.pointers.contains(pointer), "\(answer.text)")
  }

  @Test(
    "each type takes what suits it",
    arguments: [
      #""type":"spa","redirect_uris":["https://app.example/cb","http://localhost:3000/cb"]"#,
      #""type":"native","redirect_uris":["com.example.app:/cb","http://127.0.0.1/cb"]"#,
      #""type":"web","redirect_uris":["https://app.example/cb"],"backchannel_logout_uri":"http://127.0.0.1:9/out""#,
      #""type":"web","redirect_uris":["https://a.example/"],"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[{"kty":"EC","crv":"P-256","x":"a","y":"b"}]}"#,
    ])
  func fit(fields: String) async throws {
    let answer = try await create(TestMiniapp.make(), fields)
    #expect(answer.status == 201, "\(answer.text)")
  }

  @Test("a patch is checked against the whole, and a stale one is refused")
  func patch() async throws {
    let miniapp = try await TestMiniapp.make()
    let made = try await create(miniapp, #""type":"web","redirect_uris":["https://a.example/"]"#)
    let path = "oauth-clients/\(made.text("id"))"
    let unfit = try await miniapp.tenant.send("PATCH", path, #"{"redirect_uris":[]}"#)
    #expect(unfit.status == 422 && unfit.pointers == ["/redirect_uris"])
    let tag = made.headers["etag"] ?? ""
    let first = try await miniapp.tenant.send("PATCH", path, #"{"name":"New"}"#, headers: [("If-Match", tag)])
    #expect(first.status == 200 && first.text("name") == "New")
    #expect(
      try await miniapp.tenant.send("PATCH", path, #"{"name":"Late"}"#, headers: [("If-Match", tag)]).status == 412)
    #expect(try await miniapp.tenant.send("GET", path).text("name") == "New")
  }

  private func create(_ miniapp: TestMiniapp, _ fields: String) async throws -> TestServer.Answer {
    try await miniapp.tenant.send(
      "POST", "oauth-clients", #"{"name":"C","identity_application_id":"\#(miniapp.applicationID)",\#(fields)}"#)
  }

  private func token(_ miniapp: TestMiniapp, _ id: String, _ secret: String) async throws -> TestServer.Answer {
    let basic = Data("\(id):\(secret)".utf8).base64EncodedString()
    return try await miniapp.form(
      "token", "grant_type=client_credentials", headers: [("Authorization", "Basic \(basic)")])
  }
}
