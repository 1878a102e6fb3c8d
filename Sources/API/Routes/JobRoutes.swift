import Hummingbird
import Identity
import JSON
import Tenancy

/// `jobs` of a tenant: what the workers do for it.
struct JobRoutes: Sendable {
  let cursors: Cursors

  var endpoints: [Endpoint<ManagementContext>] {
    [
      .get("jobs", "list_jobs", .tenantRead, query: ListRequest.schema(Self.filter)) { request, context in
        let list = try ListRequest(request, cursors, "jobs", tenant: context.tenant.id.uuid, Self.filter)
        let jobs = try await JobList(context.database).list(list.filter, list.slice)
        return list.response(jobs, id: \.id.uuid) { $0.writeMembers(to: &$1) }
      },
      .get("jobs/{id}", "get_job", .tenantRead) { request, context in
        try QueryParameters.none(request)
        return Self.answer(try await JobList(context.database).find(try context.id()))
      },
      .post("jobs/{id}/run", "run_job", .jobsWrite, status: .ok) { request, context in
        try QueryParameters.none(request)
        return Self.answer(try await JobList(context.database).runNow(try context.id(), author: context.author))
      },
    ]
  }

  private static func filter(_ fields: inout FieldReader) -> JobFilter {
    var filter = JobFilter()
    filter.kind = fields.optional("kind", .text(1...100))
    filter.status = fields.optional("status", .enumeration())
    filter.target = fields.optional("target", .text(1...100))
    return filter
  }

  /// Workers change a job at any moment, so it has no tag to hold against a change.
  private static func answer(_ job: Job) -> Response { .json { job.writeMembers(to: &$0) } }
}

extension Job {
  func writeMembers(to json: inout JSONWriter) {
    json.member("id", id.description)
    json.member("kind", kind)
    json.key("target")
    json.beginObject()
    json.member("type", target.type)
    json.member("id", target.id)
    json.endObject()
    json.member("status", status.rawValue)
    json.member("attempts", attempts)
    json.member("next_run_at", nextRunAt)
    json.member("last_error", lastError)
    json.member("created_at", createdAt)
    json.member("updated_at", updatedAt)
  }
}
