import FoundationEssentials
import Query
import Tenancy

/// Tenants in the order of their ids.
struct ListTenantsToReseal: SystemStatement {
  static let sql: SQL = "SELECT id FROM tenants WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT 100"
  let after: ID<Tenant>?

  func bind(to binder: inout Binder) { binder.bind(after) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> ID<Tenant> { try row.next() }
}

/// Makes the transaction a tenant's, suspended or not.
struct EnterTenantToReseal: SystemStatement {
  static let sql: SQL = "SELECT set_config('app.tenant_id', id::text, true) FROM tenants WHERE id = $1"
  let tenant: ID<Tenant>

  func bind(to binder: inout Binder) { binder.bind(tenant) }
  static func decode(_ row: inout Row) throws(DecodingFault) {}
}

/// A sealed value, the row it lies in, and the row in the place it was sealed for.
struct SealedValue: Sendable {
  let id: UUID
  let row: String
  let sealed: [UInt8]
}

/// A column with sealed values: how a part of it is found in key order, and how a part is written back.
///
/// `find` takes the id to go on after and a limit and gives `id, row, sealed`; `store` takes ids, the old bytes and the new
/// ones, and writes only where the old ones still are.
protocol SealedColumn {
  static var table: String { get }
  static var column: String { get }
  static var find: SQL { get }
  static var store: SQL { get }
}

/// A part of a column.
struct FindSealedValues<Column: SealedColumn>: SystemStatement {
  static var sql: SQL { Column.find }
  let after: UUID?
  let limit: Int

  func bind(to binder: inout Binder) {
    binder.bind(after)
    binder.bind(limit)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> SealedValue {
    SealedValue(id: try row.next(), row: try row.next(), sealed: try row.next())
  }
}

/// Replaces sealed values where they are still what was read.
struct StoreResealedValues<Column: SealedColumn>: SystemStatement {
  static var sql: SQL { Column.store }
  let values: [(old: SealedValue, new: [UInt8])]

  func bind(to binder: inout Binder) {
    binder.bind(ColumnArray(values.map(\.old.id)))
    binder.bind(ColumnArray(values.map(\.old.sealed)))
    binder.bind(ColumnArray(values.map(\.new)))
  }

  static func decode(_ row: inout Row) throws(DecodingFault) {}
}
