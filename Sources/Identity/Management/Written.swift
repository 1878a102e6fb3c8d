import Query
import Tenancy

/// What a conditional write came to, told by the statement itself.
public enum Written<Value: Sendable>: Sendable {
  /// There is no such row.
  case missing
  /// The row has none of the versions that were asked for.
  case stale
  /// It is written.
  case done(Value)

  /// Reads the columns `found, written` and, when it is written, the rest by `decode`.
  init(_ row: inout Row, _ decode: (inout Row) throws(DecodingFault) -> Value) throws(DecodingFault) {
    let found: Bool = try row.next()
    let written: Bool = try row.next()
    self = written ? .done(try decode(&row)) : found ? .stale : .missing
  }

  /// The value.
  /// - Throws: `ManagementRefusal.notFound` or `.stale`.
  func get() throws(ManagementRefusal) -> Value {
    switch self {
    case .missing: throw .notFound
    case .stale: throw .stale
    case .done(let value): return value
    }
  }
}

extension TenantDatabase {
  /// Runs a statement of a management use case.
  func managing<S: TenantStatement>(
    _ statement: S, repeatable: Bool = false
  ) async throws(ManagementRefusal) -> [S.Output] {
    do {
      return try await run(statement, repeatable: repeatable)
    } catch {
      throw ManagementRefusal(error)
    }
  }

  /// Runs a statement that answers in one row whether it wrote.
  func writing<S: TenantStatement, Value: Sendable>(
    _ statement: S
  ) async throws(ManagementRefusal) -> Value where S.Output == Written<Value> {
    guard let written = try await managing(statement).first else { throw .notFound }
    return try written.get()
  }
}

extension Optional {
  /// The value.
  /// - Throws: `ManagementRefusal.notFound` for none.
  func orNotFound() throws(ManagementRefusal) -> Wrapped {
    guard let self else { throw .notFound }
    return self
  }
}
