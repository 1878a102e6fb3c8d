import Foundation
import JSON
import Simulator
import Testing

/// SiX IDaaS' wire form of `profile` and `bindUser` (contract section 8).
@Suite struct SixWireFormTests {
  @Test("a person is asked to bind, binds with a phone number, and is recognised by its masked digits")
  func wholeWay() async throws {
    let miniapp = try await TestMiniapp.make()
    let person = "six-\(miniapp.tenant.slug)"
    miniapp.server.wechat.register(Person(id: person, phoneNumber: "13812345678"))
    let asked = try await miniapp.sixProfile(code: miniapp.loginCode(person))
    #expect(asked.status == 200)
    #expect(asked.federateIdentity?["federateCodeType"]?.string == "UserBind")
    #expect(asked.federateIdentity?["user"] == nil)
    #expect(
      asked["data"]?.object?["openid"]?.string == miniapp.server.wechat.openid(person, appID: miniapp.app.id))
    let ticket = try #require(asked.federateIdentity?["federateCode"]?.string)
    let bound = try await miniapp.sixBind(ticket, phone: miniapp.phoneCode(person))
    #expect(bound.status == 200, "\(bound.text)")
    #expect(bound["data"]?.object?["username"]?.string == "138****5678")
    let known = try await miniapp.sixProfile(code: miniapp.loginCode(person))
    #expect(known.federateIdentity?["federateCodeType"]?.string == "Token")
    #expect(known.federateIdentity?["user"]?.object?["username"]?.string == "138****5678")
    let spent = try await miniapp.sixBind(ticket, phone: nil)
    #expect(spent.status == 400)
    #expect(spent.sixCode == "bind_ticket_invalid")
  }

  @Test("closed enrolment refuses a newcomer, and automatic enrolment makes one known at once")
  func enrolment() async throws {
    let closed = try await TestMiniapp.make(settings: "{\"enrollment\": \"closed\"}")
    let refused = try await closed.sixProfile(code: closed.loginCode("ines"))
    #expect(refused.status == 403)
    #expect(refused.sixCode == "enrollment_closed")
    let automatic = try await TestMiniapp.make(settings: "{\"enrollment\": \"automatic\"}")
    let code = automatic.loginCode("ines")
    let made = try await automatic.sixProfile(code: code)
    #expect(made.status == 200, "\(made.text)")
    #expect(made.federateIdentity?["federateCodeType"]?.string == "Token")
    #expect(try await automatic.sixProfile(code: code).text == made.text)
    let assertion = try #require(made.federateIdentity?["federateCode"]?.string)
    let grant = "urn:ietf:params:oauth:grant-type:federation:six-wechat-miniapp"
    let tokens = try await automatic.server.send(
      "POST", "/t/\(automatic.tenant.slug)/oauth2/token", "grant_type=\(grant)&assertion=\(assertion)",
      headers: [("Content-Type", "application/x-www-form-urlencoded")])
    #expect(tokens.status == 200, "\(tokens.text)")
  }

  @Test("what is refused before the call begins has SiX's form too")
  func refusedEarly() async throws {
    let miniapp = try await TestMiniapp.make()
    let path = "federation/wechat/miniapp"
    let nobody = try await miniapp.server.send(
      "GET", "/t/nobody-\(UUID().uuidString.prefix(8).lowercased())/\(path)/profile?clientPrimaryId=x&code=y")
    #expect(nobody.status == 404)
    #expect(nobody.sixCode == "not_found")
    let bare = try await miniapp.server.send("GET", "/t/\(miniapp.tenant.slug)/\(path)/profile")
    #expect(bare.status == 400)
    #expect(bare.sixCode == "invalid_request")
    _ = try await miniapp.server.send(
      "PATCH", "/v1/tenants/\(miniapp.tenant.slug)", key: TestServer.operatorToken, #"{"status":"suspended"}"#)
    let suspended = try await miniapp.sixProfile(code: "x")
    #expect(suspended.status == 403)
    #expect(suspended.sixCode == "tenant_suspended")
    let form = try await miniapp.sixBind("x", phone: nil)
    #expect(form.sixCode == "tenant_suspended")
    let native = try await miniapp.profile(code: "x")
    #expect(native.text("code") == "tenant_suspended")
  }
}

extension TestMiniapp {
  /// SiX's `profile`.
  func sixProfile(code: String, method: String = "GET") async throws -> TestServer.Answer {
    try await server.send(
      method, "/t/\(tenant.slug)/federation/wechat/miniapp/profile?clientPrimaryId=\(clientID)&code=\(code)")
  }

  /// SiX's `bindUser`.
  func sixBind(_ ticket: String, phone: String?) async throws -> TestServer.Answer {
    try await server.send(
      "POST", "/t/\(tenant.slug)/federation/wechat/miniapp/bindUser",
      "clientPrimaryId=\(clientID)&federateCode=\(ticket)" + (phone.map { "&code=\($0)" } ?? ""),
      headers: [("Content-Type", "application/x-www-form-urlencoded")])
  }

  /// `bindUser` with a code in place of a ticket; `members` are further members of the body.
  func bind(code: String, _ members: String = "") async throws -> TestServer.Answer {
    try await federation("bindUser", "{\"client_id\": \"\(clientID)\", \"code\": \"\(code)\"\(members)}")
  }
}

extension TestServer.Answer {
  /// The one element of `federateIdentities`.
  var federateIdentity: JSONObject? {
    self["data"]?.object?["federateIdentities"]?.array?.first?.object
  }
  /// The code of the first of SiX's `errors`.
  var sixCode: String? { self["errors"]?.array?.first?.object?["code"]?.string }
}
