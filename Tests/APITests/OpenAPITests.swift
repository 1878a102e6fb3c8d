import Foundation
import JSON
import Testing

@testable import API

@Suite("the API document")
struct OpenAPITests {
  @Test("has exactly the operations of the router")
  func equal() async throws {
    let server = try await TestServer.shared()
    let documented = Set(try await EveryOperation(server).all.map(\.description))
    let routed = Set(
      server.runtime.services.router().routes.filter { ![.head, .options].contains($0.method) }.map { route in
        "\(route.method.rawValue) /\(route.path.description.drop { $0 == "/" })"
      })
    #expect(documented.subtracting(routed) == [])
    #expect(routed.subtracting(documented) == [])
    #expect(documented.count > 45)
  }

  @Test("every resource has exactly the members that its schema names")
  func members() async throws {
    let miniapp = try await TestMiniapp.make()
    let (tenant, server) = (miniapp.tenant, miniapp.server)
    let user = try await miniapp.register("alice").sub
    _ = try await tenant.send(
      "POST", "oauth-clients",
      #"{"name":"S","identity_application_id":"\#(miniapp.applicationID)","type":"service"}"#)
    let run = try await tenant.send(
      "POST", "reconciliations", #"{"identity_application_id":"\#(miniapp.applicationID)","mode":"report"}"#
    ).text("id")
    _ = try await tenant.send("POST", "reconciliations/\(run)/cancel")
    try await server.database.administer(
      """
      INSERT INTO reconciliation_items (tenant_id, reconciliation_id, situation, identity_id, user_id)
      VALUES ('\(tenant.id)', '\(run)', 'CONFIRMED', '\(user)', '\(user)')
      """)
    let document = try await server.send("GET", "/openapi.json")
    var checked = 0
    for operation in try await EveryOperation(server).all where operation.method == "GET" {
      let values = ["tenant": tenant.slug, "slug": tenant.slug, "id": user, "application": miniapp.applicationSlug]
      guard let page = answer(operation)?["properties"]?.object?["items"]?.object?["items"]?.object,
        let name = page["$ref"]?.string?.split(separator: "/").last
      else { continue }
      let path = operation.filled(
        values.merging([
          "id": operation.path.contains("/users") && operation.path.contains("identity-applications")
            ? miniapp.applicationID : operation.path.contains("reconciliations") ? run : user
        ]) { $1 })
      let key = operation.caller == "operator_token" ? TestServer.operatorToken : tenant.key
      let found = try await server.send("GET", path, key: key)
      let schema = document["components"]?.object?["schemas"]?.object?[String(name)]?.object
      let allowed = Set(schema?["properties"]?.object?.members.map(\.name) ?? [])
      let required = Set(schema?["required"]?.array?.compactMap(\.string) ?? [])
      let item = try #require(found.items.first, "\(operation): \(found.text)")
      let members = Set(item.members.map(\.name))
      #expect(required.subtracting(members) == [], "\(name)")
      #expect(members.subtracting(allowed) == [], "\(name)")
      checked += 1
    }
    #expect(checked == 12)
  }

  @Test("every operation has a summary, a name of its own and a description of its success")
  func complete() async throws {
    let operations = try await EveryOperation(TestServer.shared()).all
    let names = operations.compactMap { $0.details["operationId"]?.string }
    #expect(names.count == operations.count && Set(names).count == names.count)
    for operation in operations {
      #expect(operation.details["summary"]?.string?.isEmpty == false, "\(operation)")
      let success = operation.details["responses"]?.object?.members.first
      let isEmpty = ["202", "204"].contains(success?.name) || operation.path.hasSuffix("/revoke")
      #expect(isEmpty || answer(operation) != nil, "\(operation)")
    }
  }

  private func answer(_ operation: EveryOperation.Operation) -> JSONObject? {
    operation.details["responses"]?.object?.members.first?.value.object?["content"]?.object?.members.first?.value
      .object?[
        "schema"]?.object
  }
}
