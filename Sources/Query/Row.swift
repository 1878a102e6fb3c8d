/// One row of a result, read from left to right.
///
/// The cells point into the memory of the driver and are valid only while `decode` runs; what a statement keeps it copies.
public struct Row {
  /// The bytes of one column, or NULL when `start` is `nil`.
  public struct Cell {
    let start: UnsafePointer<UInt8>?
    let count: Int

    /// A cell over `count` bytes at `start`; `nil` is NULL.
    public init(start: UnsafePointer<UInt8>?, count: Int) {
      self.start = start
      self.count = count
    }
  }

  private let cells: UnsafeBufferPointer<Cell>
  private var column = 0

  /// A row over cells owned by the caller, who keeps them alive while the row is read.
  public init(cells: UnsafeBufferPointer<Cell>) {
    self.cells = cells
  }

  /// The value of the next column.
  /// - Throws: `DecodingFault` when there is no further column, it is NULL, or its bytes are not of this type.
  public mutating func next<Value: ColumnValue>(_ type: Value.Type = Value.self) throws(DecodingFault) -> Value {
    guard let value = try next(Value?.self) else { throw DecodingFault(column: column - 1, reason: "is NULL") }
    return value
  }

  /// The value of the next column, `nil` for NULL.
  /// - Throws: `DecodingFault` when there is no further column or its bytes are not of this type.
  public mutating func next<Value: ColumnValue>(_ type: Value?.Type = Value?.self) throws(DecodingFault) -> Value? {
    guard column < cells.count else { throw DecodingFault(column: column, reason: "does not exist") }
    let cell = cells[column]
    column += 1
    guard let start = cell.start else { return nil }
    guard let value = Value(binary: UnsafeRawBufferPointer(start: start, count: cell.count)) else {
      throw DecodingFault(column: column - 1, reason: "is not a \(Value.self)")
    }
    return value
  }
}

/// A column that is not what the statement asked for: a fault of ours, never of a caller.
public struct DecodingFault: Error, Sendable, CustomStringConvertible {
  /// The column, from 0.
  public let column: Int
  /// What is wrong with it; never the value.
  public let reason: String

  /// A fault at `column`.
  public init(column: Int, reason: String) {
    self.column = column
    self.reason = reason
  }

  /// For a log.
  public var description: String { "column \(column) \(reason)" }
}
