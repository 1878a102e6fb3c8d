import Query

/// One statement of a batch and the rows it yielded.
protocol Slot: AnyObject {
  /// The number of the statement's type, the same in the whole process.
  var number: Int { get }
  /// The text.
  var sql: SQL { get }
  /// The parameters.
  var binder: Binder { get }
  /// Takes a row.
  func decode(_ row: inout Row) throws(DecodingFault)
  /// Drops the rows.
  func reset()
}

/// A slot of statements of type `S`.
final class StatementSlot<S: Statement>: Slot {
  let number: Int
  let binder: Binder
  private(set) var rows: [S.Output] = []

  init(_ statement: S) {
    number = StatementNumbers.number(of: S.self)
    var binder = Binder()
    statement.bind(to: &binder)
    self.binder = binder
  }

  var sql: SQL { S.sql }

  func decode(_ row: inout Row) throws(DecodingFault) {
    rows.append(try S.decode(&row))
  }

  func reset() { rows.removeAll() }
}
