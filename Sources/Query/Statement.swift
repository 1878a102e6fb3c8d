/// One prepared statement: its text, how its parameters are bound and how a row of its result is read.
///
/// A statement is a value: it can be built, compared and tested without a connection. Prepared once per connection
/// under a name made from its type, so one type must always carry the same text.
///
/// ```swift
/// struct FindUser: TenantStatement {
///   static let sql: SQL = "SELECT id, name FROM users WHERE tenant_id = current_tenant() AND id = $1"
///   let id: ID<User>
///   func bind(to binder: inout Binder) { binder.bind(id) }
///   static func decode(_ row: inout Row) throws(DecodingFault) -> User { User(id: try row.next(), name: try row.next()) }
/// }
/// ```
public protocol Statement: Sendable {
  /// What one row of the result becomes.
  associatedtype Output: Sendable

  /// The text.
  static var sql: SQL { get }

  /// The parameter types, in the order of `bind`; must not depend on the values.
  func bind(to binder: inout Binder)

  /// Reads one row, columns in the order of the SELECT or RETURNING list.
  /// - Throws: `DecodingFault` when a column is NULL or of another type than asked for.
  static func decode(_ row: inout Row) throws(DecodingFault) -> Output
}

extension Statement where Output == Void {
  /// A statement without rows of interest.
  public static func decode(_ row: inout Row) throws(DecodingFault) {}
}

extension Statement {
  /// A statement without parameters.
  public func bind(to binder: inout Binder) {}
}
