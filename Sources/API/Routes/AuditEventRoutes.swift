import Hummingbird
import Identity
import JSON

/// `audit-events` of a tenant.
struct AuditEventRoutes: Sendable {
  let cursors: Cursors

  var endpoints: [Endpoint<ManagementContext>] {
    [
      .get("audit-events", "list_audit_events", .auditRead, query: ListRequest.schema(Self.filter)) {
        request, context in
        let list = try ListRequest(request, cursors, "audit-events", tenant: context.tenant.id.uuid, Self.filter)
        let events = try await AuditEvents(context.database).list(list.filter, list.slice)
        return list.response(events, id: \.id.uuid) { $0.writeMembers(to: &$1) }
      },
      .get("audit-events/{id}", "get_audit_event", .auditRead) { request, context in
        try QueryParameters.none(request)
        let event = try await AuditEvents(context.database).find(try context.id())
        return .resource(request, tag: EntityTag(version: 1)) { JSONWriter.object { event.writeMembers(to: &$0) } }
      },
    ]
  }

  private static func filter(_ fields: inout FieldReader) -> AuditFilter {
    var filter = AuditFilter()
    filter.action = fields.optional("action", .text(1...100))
    filter.actor = fields.optional("actor", .text(1...200))
    filter.target = fields.optional("target", .text(1...200))
    filter.since = fields.optional("since", .time)
    filter.until = fields.optional("until", .time)
    return filter
  }
}

extension AuditEvent {
  func writeMembers(to json: inout JSONWriter) {
    json.member("id", id.description)
    json.member("action", action)
    json.key("actor")
    json.beginObject()
    json.member("type", actorType)
    json.member("id", actorID)
    json.endObject()
    json.key("target")
    json.beginObject()
    json.member("type", targetType)
    json.member("id", targetID)
    json.endObject()
    json.member("at", at)
    json.member("request_id", requestID)
    json.member("details", raw: details.utf8)
    json.member("created_at", at)
    json.member("updated_at", at)
  }
}
