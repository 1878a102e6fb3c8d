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
  /// 200 when the database answers a question about our own tables within a second and can be written to, else 503.
  func readiness() async throws -> Response {
    let isWritable: Bool?
    do {
      isWritable = try await database.run(CheckDatabase(), deadline: .seconds(1), repeatable: true).first
    } catch {
      throw Problem.unavailable()
    }
    guard isWritable == true else { throw Problem.unavailable() }
    return .json { $0.member("status", "ok") }
  }
}

/// True when the database has what the newest migration brings and is no standby. It fails where the migrations have not come so
/// far: the newest thing that a statement of ours needs is named here.
struct CheckDatabase: SystemStatement {
  static let sql: SQL = """
    SELECT current_setting('transaction_read_only') = 'off' AND to_regprocedure('erase_tenant_rows(integer)') IS NOT NULL
      AND (SELECT count(*) >= 0 FROM (SELECT FROM tenants LIMIT 1) AS any_tenant)
    """

  static func decode(_ row: inout Row) throws(DecodingFault) -> Bool { try row.next() }
}
