import FoundationEssentials
import Query
import Tenancy

/// The answers kept for the operator's keys.
public struct OperatorAnswers: IdempotentAnswers {
  private let database: Database

  /// The answers in `database`.
  public init(_ database: Database) { self.database = database }

  /// The nil UUID.
  public var tenant: UUID { UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)) }

  /// Takes the key, or tells who has it.
  public func begin(_ place: IdempotencyPlace) async throws(ManagementRefusal) -> IdempotencyState {
    try await run(BeginOperatorAnswer(place: place)).first ?? .inFlight
  }

  /// Keeps the answer.
  public func keep(_ place: IdempotencyPlace, _ status: Int, _ sealed: [UInt8]) async throws(ManagementRefusal) {
    _ = try await run(KeepOperatorAnswer(place: place, status: status, sealed: sealed), repeatable: true)
  }

  /// Gives the key back.
  public func forget(_ place: IdempotencyPlace) async throws(ManagementRefusal) {
    _ = try await run(ForgetOperatorAnswer(place: place), repeatable: true)
  }

  private func run<S: SystemStatement>(
    _ statement: S, repeatable: Bool = false
  ) async throws(ManagementRefusal) -> [S.Output] {
    do {
      return try await database.run(statement, repeatable: repeatable)
    } catch {
      throw ManagementRefusal(error)
    }
  }
}

struct BeginOperatorAnswer: SystemStatement {
  static let sql: SQL = """
    WITH begun AS (
      INSERT INTO operator_idempotency_keys AS k (key_hash, request_hash) VALUES ($1, $2)
      ON CONFLICT ON CONSTRAINT operator_idempotency_keys_pkey DO UPDATE
      SET request_hash = $2, begun_at = now(), status = NULL, response_sealed = NULL
      WHERE k.begun_at < now() - interval '24 hours'
        OR (k.status IS NULL AND k.begun_at < now() - interval '60 seconds')
      RETURNING k.key_hash
    )
    SELECT EXISTS (SELECT FROM begun), k.request_hash = $2, k.status, k.response_sealed
    FROM (SELECT) AS one LEFT JOIN operator_idempotency_keys k ON k.key_hash = $1
    """
  let place: IdempotencyPlace

  func bind(to binder: inout Binder) {
    binder.bind(place.key)
    binder.bind(place.request)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> IdempotencyState { try IdempotencyState(&row) }
}

struct KeepOperatorAnswer: SystemStatement {
  static let sql: SQL = """
    UPDATE operator_idempotency_keys SET status = $3, response_sealed = $4
    WHERE key_hash = $1 AND request_hash = $2
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

struct ForgetOperatorAnswer: SystemStatement {
  static let sql: SQL = """
    DELETE FROM operator_idempotency_keys
    WHERE key_hash = $1 AND request_hash = $2 AND status IS NULL
    """
  let place: IdempotencyPlace

  func bind(to binder: inout Binder) {
    binder.bind(place.key)
    binder.bind(place.request)
  }
}
