import Foundation
import TestSupport
import Testing

/// What one node answers about a tenant that another one suspended, and other answers that must not depend on the order in which
/// faults are found.
@Suite struct LateTenantTests {
  @Test("a tenant suspended elsewhere answers that it is, also to a request that is refused before any statement")
  func suspendedElsewhere() async throws {
    let server = try await TestServer.shared()
    let miniapp = try await TestMiniapp.make()
    #expect(try await miniapp.federation("profile", "{").status == 400)
    try await server.database.administer("UPDATE tenants SET status = 'suspended' WHERE id = '\(miniapp.tenant.id)'")
    // What was asked less than a second ago is not asked again.
    _ = try await eventually("the suspension to be seen", limit: .seconds(5)) {
      try await miniapp.federation("profile", "{").status == 403 ? true : nil
    }
    #expect(try await miniapp.federation("profile", "{\"x\": 1}").text("code") == "tenant_suspended")
    #expect(try await miniapp.sixProfile(code: "").sixCode == "tenant_suspended")
  }

  @Test("an operation without a body refuses one, but for {}")
  func noBody() async throws {
    let miniapp = try await TestMiniapp.make()
    let path = "third-party-authz-clients/\(miniapp.clientID)/verify"
    #expect(try await miniapp.tenant.send("POST", path).status != 422)
    #expect(try await miniapp.tenant.send("POST", path, "{}").status != 422)
    let refused = try await miniapp.tenant.send("POST", path, "{\"app_secret\": \"x\"}")
    #expect(refused.status == 422)
    #expect(refused.pointers == ["/app_secret"])
    #expect(try await miniapp.tenant.send("POST", path, "nonsense").status == 400)
  }

  @Test("bindUser takes only an http or https address as avatar")
  func avatar() async throws {
    let miniapp = try await TestMiniapp.make()
    let ticket = try await miniapp.profile("xena").text("bind_ticket")
    for wrong in ["wxfile://tmp_1.jpg", "javascript:alert(1)", "picture.png"] {
      let answer = try await miniapp.bind(ticket: ticket, ", \"profile\": {\"avatar_url\": \"\(wrong)\"}")
      #expect(answer.status == 422)
      #expect(answer.pointers == ["/profile/avatar_url"])
    }
    let bound = try await miniapp.bind(
      ticket: ticket, ", \"profile\": {\"avatar_url\": \"https://cdn.example/x.png\"}")
    #expect(bound.status == 201, "\(bound.text)")
    #expect(bound["user"]?.object?["picture"]?.string == "https://cdn.example/x.png")
  }

  @Test("a nickname of many families is cut where the column ends, not inside a family")
  func families() async throws {
    let miniapp = try await TestMiniapp.make()
    let mapped = try await miniapp.tenant.send(
      "PATCH", "third-party-authz-clients/\(miniapp.clientID)",
      #"{"property_map":[{"source":"nickname","target":"username","when":"always"}]}"#)
    #expect(mapped.status == 200, "\(mapped.text)")
    let family = "👨‍👩‍👧‍👦"
    let nickname = String(repeating: family, count: 70)
    let bound = try await miniapp.register("yves", ", \"profile\": {\"nickname\": \"\(nickname)\"}")
    #expect(bound.status == 201, "\(bound.text)")
    let name = bound["user"]?.object?["username"]?.string ?? ""
    #expect(name == String(repeating: family, count: 200 / family.unicodeScalars.count))
  }
}
