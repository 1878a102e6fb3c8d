import HTTPTypes
import Hummingbird
import Identity
import JSON
import Tenancy

/// One operation of the operator or management API: how it is routed, what it needs, what it takes, and what it does.
///
/// Router and API document are made from the same list, so neither can have what the other has not; the scope is checked
/// where the route is added, so no handler can forget it.
struct Endpoint<Context: RequestContext>: Sendable {
  let method: HTTPRequest.Method
  /// Below the group of the endpoints, without a slash at the front.
  let path: String
  /// One line for the API document; also its `operationId` in snake case.
  let name: String
  /// The scope a key needs; `nil` for the operator.
  let scope: APIScope?
  /// The schema of the body.
  var body: JSONObject?
  /// The schema of the query.
  var query: JSONObject?
  /// The status of success.
  let status: HTTPResponse.Status
  let handle: @Sendable (Request, Context) async throws -> Response
}

extension Endpoint {
  /// A read.
  static func get(
    _ path: String, _ name: String, _ scope: APIScope?, query: JSONObject? = nil,
    _ handle: @escaping @Sendable (Request, Context) async throws -> Response
  ) -> Endpoint {
    Endpoint(method: .get, path: path, name: name, scope: scope, query: query, status: .ok, handle: handle)
  }

  /// A creation or an action.
  static func post(
    _ path: String, _ name: String, _ scope: APIScope?, body: JSONObject? = nil, status: HTTPResponse.Status = .created,
    _ handle: @escaping @Sendable (Request, Context) async throws -> Response
  ) -> Endpoint {
    Endpoint(method: .post, path: path, name: name, scope: scope, body: body, status: status, handle: handle)
  }

  /// A merge patch.
  static func patch(
    _ path: String, _ name: String, _ scope: APIScope?, body: JSONObject,
    _ handle: @escaping @Sendable (Request, Context) async throws -> Response
  ) -> Endpoint {
    Endpoint(method: .patch, path: path, name: name, scope: scope, body: body, status: .ok, handle: handle)
  }

  /// A deletion.
  static func delete(
    _ path: String, _ name: String, _ scope: APIScope?, query: JSONObject? = nil,
    status: HTTPResponse.Status = .noContent, _ handle: @escaping @Sendable (Request, Context) async throws -> Response
  ) -> Endpoint {
    Endpoint(method: .delete, path: path, name: name, scope: scope, query: query, status: status, handle: handle)
  }
}

extension RequestContext {
  /// The id in the path under `name`.
  /// - Throws: `Problem.notFound` for what is no id, as for an id nobody has.
  func id<Subject>(_ name: String = "id", _ subject: Subject.Type = Subject.self) throws -> ID<Subject> {
    guard let id = parameters.get(name).flatMap({ ID<Subject>($0) }) else { throw Problem.notFound }
    return id
  }
}
