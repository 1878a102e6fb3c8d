import Foundation
import JSON
import Testing

@Suite("audit events")
struct AuditEventTests {
  @Test("a registration tells of the user and the identity, and a refused change of nothing")
  func registration() async throws {
    let miniapp = try await TestMiniapp.make()
    let user = try await miniapp.register("alice").sub
    let events = try await miniapp.tenant.send("GET", "audit-events?target=\(user)").items
    #expect(events.map { $0["action"]?.string } == ["user.created"])
    #expect(events.first?["actor"]?.object?["type"]?.string == "user")
    let before = try await miniapp.tenant.send("GET", "audit-events?limit=200").items.count
    #expect(try await miniapp.tenant.send("PATCH", "users/\(user)", #"{"nickname":"x"}"#).status == 422)
    #expect(
      try await miniapp.tenant.send("PATCH", "users/\(user)", #"{"name":"x"}"#, headers: [("If-Match", "\"99\"")])
        .status
        == 412)
    #expect(try await miniapp.tenant.send("GET", "audit-events?limit=200").items.count == before)
  }

  @Test("filters by action, actor, target and time fit together, and an event is found by its id")
  func filters() async throws {
    let miniapp = try await TestMiniapp.make()
    let start = Date().addingTimeInterval(-60).ISO8601Format()
    let key = try await miniapp.tenant.send("GET", "api-keys").items.first?["id"]?.string ?? ""
    let user = try await miniapp.tenant.user(of: miniapp.applicationID)
    _ = try await miniapp.tenant.send("PATCH", "users/\(user)", #"{"name":"New"}"#)
    let all = try await miniapp.tenant.send("GET", "audit-events?target=\(user)&actor=\(key)&since=\(start)").items
    #expect(all.map { $0["action"]?.string } == ["user.updated", "user.created"])
    #expect(all.first?["details"]?.object?["fields"]?.array == [.string("name")])
    let one = try await miniapp.tenant.send("GET", "audit-events?target=\(user)&action=user.created").items
    #expect(one.count == 1)
    #expect(try await miniapp.tenant.send("GET", "audit-events?target=\(user)&until=\(start)").items.isEmpty)
    let id = one.first?["id"]?.string ?? ""
    let found = try await miniapp.tenant.send("GET", "audit-events/\(id)")
    #expect(found.text("action") == "user.created")
    #expect(found.text("request_id") == one.first?["request_id"]?.string)
  }

  @Test("pages of one event each give every event once, newest first")
  func pages() async throws {
    let miniapp = try await TestMiniapp.make()
    for _ in 0..<5 { _ = try await miniapp.tenant.user(of: miniapp.applicationID) }
    let all = try await miniapp.tenant.send("GET", "audit-events?action=user.created").items.map { $0["id"]?.string }
    var paged: [String?] = []
    var cursor = ""
    repeat {
      let page = try await miniapp.tenant.send("GET", "audit-events?action=user.created&limit=1\(cursor)")
      paged += page.items.map { $0["id"]?.string }
      cursor = page["next_cursor"]?.string.map { "&cursor=\($0)" } ?? ""
    } while !cursor.isEmpty
    #expect(paged == all && all.count == 5)
    #expect(all.compactMap { $0 }.sorted(by: >) == all.compactMap { $0 })
  }
}
