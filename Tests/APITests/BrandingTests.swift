import Foundation
import JSON
import Testing

@Suite("branding of an identity application")
struct BrandingTests {
  @Test("is set, merged and cleared, and every page wears it")
  func pages() async throws {
    let party = try await TestRelyingParty.make(
      application: ##","branding":{"logo_uri":"https://cdn.test:8443/logo.png","primary_color":"#0A7f5a"}"##)
    func patch(_ body: String) async throws -> TestServer.Answer {
      try await party.tenant.send("PATCH", "identity-applications/\(party.applicationID)", #"{"branding":\#(body)}"#)
    }
    let browser = TestBrowser(party.server)
    let page = try await party.authorize(browser)
    #expect(page.text.contains("--brand:#0a7f5a") && page.text.contains("src=\"https://cdn.test:8443/logo.png\""))
    let policy = page.headers["content-security-policy"] ?? ""
    #expect(policy.contains("img-src data: https://cdn.test:8443;") && policy.contains("'sha256-"))
    let merged = try await patch(##"{"background_color":"#f5efe6","logo_uri":null}"##)
    #expect(
      merged["branding"]?.object
        == JSONObject([
          ("logo_uri", .null), ("primary_color", .string("#0A7f5a")), ("background_color", .string("#f5efe6")),
        ]))
    let changed = try await party.account(TestBrowser(party.server))
    #expect(changed.text.contains("--ground:#f5efe6") && !changed.text.contains("cdn.test"))
    #expect(changed.headers["content-security-policy"]?.contains("img-src data:;") == true)
    #expect(try await patch("null")["branding"] == .null)
    #expect(!(try await party.authorize(browser).text.contains("<style>")))
  }

  @Test(
    "what is no https address or no colour is refused by its field",
    arguments: [
      (#"{"logo_uri":"http://cdn.test/l.png"}"#, "/branding/logo_uri"),
      (#"{"logo_uri":"javascript:alert(1)"}"#, "/branding/logo_uri"),
      (#"{"logo_uri":"https://cdn.test/a b"}"#, "/branding/logo_uri"),
      (##"{"primary_color":"#12345"}"##, "/branding/primary_color"),
      (##"{"primary_color":"#12345g"}"##, "/branding/primary_color"),
      (#"{"background_color":"red;}*{x"}"#, "/branding/background_color"), (#"{"css":"x"}"#, "/branding/css"),
      ("[]", "/branding"),
    ])
  func faults(branding: String, pointer: String) async throws {
    let tenant = try await TestServer.shared().tenant()
    let id = try await tenant.application()
    let patched = try await tenant.send("PATCH", "identity-applications/\(id)", #"{"branding":\#(branding)}"#)
    #expect(patched.status == 422 && patched.pointers == [pointer], "\(patched.text)")
    let created = try await tenant.send(
      "POST", "identity-applications", #"{"name":"B","slug":"b","branding":\#(branding)}"#)
    #expect(created.status == 422 && created.pointers == [pointer])
    #expect(try await tenant.send("GET", "identity-applications/\(id)")["branding"] == .null)
  }
}
