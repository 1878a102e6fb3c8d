import FoundationEssentials
import Query
import Tenancy

/// The answers kept for a tenant's keys.
public struct TenantAnswers: IdempotentAnswers {
  private let database: TenantDatabase

  /// The answers in `database`.
  public init(_ database: TenantDatabase) { self.database = database }

  /// The tenant.
  public var tenant: UUID { database.tenant.id.uuid }

  /// Takes the key, or tells who has it.
  public func begin(_ place: IdempotencyPlace) async throws(ManagementRefusal) -> IdempotencyState {
    try await database.managing(BeginTenantAnswer(place: place)).first ?? .inFlight
  }

  /// Keeps the answer.
  public func keep(_ place: IdempotencyPlace, _ status: Int, _ sealed: [UInt8]) async throws(ManagementRefusal) {
    _ = try await database.managing(KeepTenantAnswer(place: place, status: status, sealed: sealed), repeatable: true)
  }

  /// Gives the key back.
  public func forget(_ place: IdempotencyPlace) async throws(ManagementRefusal) {
    _ = try await database.managing(ForgetTenantAnswer(place: place), repeatable: true)
  }
}

struct BeginTenantAnswer: TenantStatement {
  static let sql: SQL = """
    WITH begun AS (
      INSERT INTO idempotency_keys AS k (tenant_id, key_hash, request_hash) VALUES (current_tenant(), $1, $2)
      ON CONFLICT ON CONSTRAINT idempotency_keys_pkey DO UPDATE
      SET request_hash = $2, begun_at = now(), status = NULL, response_sealed = NULL
      WHERE k.begun_at < now() - interval '24 hours'
        OR (k.status IS NULL AND k.begun_at < now() - interval '60 seconds')
      RETURNING k.key_hash
    )
    SELECT EXISTS (SELECT FROM begun), k.request_hash = $2, k.status, k.response_sealed
    FROM (SELECT) AS one LEFT JOIN idempotency_keys k ON k.tenant_id = current_tenant() AND k.key_hash = $1
    """
  let place: IdempotencyPlace

  func bind(to binder: inout Binder) {
    binder.bind(place.key)
    binder.bind(place.request)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> IdempotencyState { try IdempotencyState(&row) }
}

struct KeepTenantAnswer: TenantStatement {
  static let sql: SQL = """
    UPDATE idempotency_keys SET status = $3, response_sealed = $4
    WHERE tenant_id = current_tenant() AND key_hash = $1 AND request_hash = $2
    """
  let place: IdempotencyPlace
  let status: Int
  let sealed: [UInt8]

  func bind(to binder: inout Binder) {
    binder.bind(place.key)
    binder.bind(place.request)
    binder.bind(Int32(status))
    binder.bind(sealed)
  }
}

struct ForgetTenantAnswer: TenantStatement {
  static let sql: SQL = """
    DELETE FROM idempotency_keys
    WHERE tenant_id = current_tenant() AND key_hash = $1 AND request_hash = $2 AND status IS NULL
    """
  let place: IdempotencyPlace

  func bind(to binder: inout Binder) {
    binder.bind(place.key)
    binder.bind(place.request)
  }
}
