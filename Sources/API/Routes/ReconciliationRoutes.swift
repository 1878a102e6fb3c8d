import FoundationEssentials
import HTTPTypes
import Hummingbird
import Identity
import JSON
import Secrets
import Tenancy

/// `reconciliations` of a tenant. Reading one needs `users:read`, because its items name users; starting and stopping one is work
/// for the workers and needs `jobs:write`.
struct ReconciliationRoutes: Sendable {
  let cursors: Cursors

  private struct New: Sendable {
    let application: ID<IdentityApplication>
    let mode: Reconciliation.Mode
    let user: ID<User>?

    init(_ fields: inout FieldReader) {
      application = fields.required("identity_application_id", .id())
      mode = fields.required("mode", .enumeration())
      user = fields.optional("user_id", .id())
    }
  }

  var endpoints: [Endpoint<ManagementContext>] {
    [
      .get("reconciliations", "list_reconciliations", .usersRead, query: ListRequest.schema(Self.filter)) {
        request, context in
        let list = try ListRequest(
          request, cursors, "reconciliations", tenant: context.tenant.id.uuid, Self.filter)
        let runs = try await Reconciliations(context.database).list(list.filter, list.slice)
        return list.response(runs, id: \.id.uuid) { $0.writeMembers(to: &$1) }
      },
      .post(
        "reconciliations", "create_reconciliation", .jobsWrite, body: FieldReader.schema(of: New.init),
        status: .accepted
      ) { request, context in
        try QueryParameters.none(request)
        let new = try await JSONBody.read(request, New.init)
        let run = try await Reconciliations(context.database).request(
          new.mode, application: new.application, user: new.user, author: context.author)
        let headers: HTTPFields = [.location: "/t/\(context.tenant.slug)/v1/reconciliations/\(run.id)"]
        return Self.answer(request, run, status: .accepted, headers: headers)
      },
      .get("reconciliations/{id}", "get_reconciliation", .usersRead) { request, context in
        try QueryParameters.none(request)
        return Self.answer(request, try await Reconciliations(context.database).find(try context.id()))
      },
      .get(
        "reconciliations/{id}/items", "list_reconciliation_items", .usersRead, query: ListRequest.schema(Self.situation)
      ) { request, context in
        let run: ID<Reconciliation> = try context.id()
        let list = try ListRequest(
          request, cursors, "reconciliation items \(run)", tenant: context.tenant.id.uuid, Self.situation)
        let items = try await Reconciliations(context.database).items(of: run, list.filter, list.slice)
        return list.response(items, id: \.identity) { $0.writeMembers(to: &$1) }
      },
      .post("reconciliations/{id}/cancel", "cancel_reconciliation", .jobsWrite, status: .ok) { request, context in
        try QueryParameters.none(request)
        let run = try await Reconciliations(context.database).cancel(try context.id(), author: context.author)
        return Self.answer(request, run)
      },
    ]
  }

  private static func filter(_ fields: inout FieldReader) -> Reconciliations.Filter {
    var filter = Reconciliations.Filter()
    filter.status = fields.optional("status", .enumeration())
    filter.application = fields.optional("identity_application_id", .id())
    return filter
  }

  private static func situation(_ fields: inout FieldReader) -> Reconciliation.Situation? {
    fields.optional("situation", .enumeration())
  }

  private static func answer(
    _ request: Request, _ run: Reconciliation, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
  ) -> Response {
    let moved = Int(run.updatedAt.timeIntervalSince1970 * 1_000_000)
    return .resource(request, status: status, tag: EntityTag(version: run.version, extra: moved), headers: headers) {
      JSONWriter.object { run.writeMembers(to: &$0) }
    }
  }
}

extension Reconciliation {
  func writeMembers(to json: inout JSONWriter) {
    json.member("id", id.description)
    json.member("identity_application_id", application.description)
    json.member("user_id", user?.description)
    json.member("mode", mode)
    json.member("status", status)
    json.key("progress")
    json.beginObject()
    json.member("done", done)
    json.member("total", total)
    json.endObject()
    json.member("situations", raw: situations.utf8)
    json.member("last_error", lastError)
    json.member("started_at", startedAt)
    json.member("finished_at", finishedAt)
    json.member("created_at", createdAt)
    json.member("updated_at", updatedAt)
  }
}

extension ReconciliationItem {
  func writeMembers(to json: inout JSONWriter) {
    json.member("id", identity.canonical)
    json.member("identity_id", identity.canonical)
    json.member("situation", situation)
    json.member("user_id", user.description)
    json.member("other_user_id", otherUser?.description)
    json.member("fields", fields)
    json.member("wechat_errcode", errcode)
    json.member("created_at", createdAt)
    json.member("updated_at", createdAt)
  }
}
