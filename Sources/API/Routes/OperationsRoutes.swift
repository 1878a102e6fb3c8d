import HTTPTypes
import Hummingbird
import Query
import Tenancy

/// `/livez`, `/readyz` and `/openapi.json`.
struct OperationsRoutes: Sendable {
  let services: Services

  func add(to router: Router<QiaoRequestContext>) {
    router.get("livez") { _, _ in Response.json { $0.member("status", "ok") } }
    router.get("readyz") { _, _ in try await services.readiness() }
    let api = APIDocument(services.documentedOperations, publicURL: services.publicURL).document
    router.get("openapi.json") { request, _ in Response.document(api, request) }
  }
}

extension Services {
  /// 200 when the database answers a question about our own tables within a second, else 503.
  func readiness() async throws -> Response {
    do {
      _ = try await database.run(CheckDatabase(), deadline: .seconds(1), repeatable: true)
      return .json { $0.member("status", "ok") }
    } catch {
      throw Problem.unavailable()
    }
  }
}

/// A row when the database is reachable and migrated.
struct CheckDatabase: SystemStatement {
  static let sql: SQL = "SELECT count(*) FROM (SELECT FROM tenants LIMIT 1) AS any_tenant"

  static func decode(_ row: inout Row) throws(DecodingFault) -> Int { try row.next() }
}
