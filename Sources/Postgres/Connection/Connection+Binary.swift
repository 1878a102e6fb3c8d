import CLibpq
import Query

/// Parameters and rows in PostgreSQL's binary format, in and out of libpq without a copy of ours.
extension Connection {
  /// Most parameters of one statement: the protocol counts them with 16 bits.
  static let mostParameters = 65535

  func prepare(_ slot: any Slot, as name: StatementName) -> Bool {
    let types = slot.binder.parameters.map(\.type)
    return slot.sql.utf8Start.withMemoryRebound(to: CChar.self, capacity: 1) { sql in
      PQsendPrepare(handle, name.text, sql, Int32(types.count), types) == 1
    }
  }

  func execute(_ slot: any Slot, as name: StatementName) -> Bool {
    let parameters = slot.binder.parameters
    let count = parameters.count
    return slot.binder.bytes.withUnsafeBytes { bytes in
      withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: count) { values in
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: 2 * count) { numbers in
          let lengths = UnsafeMutableBufferPointer(rebasing: numbers[..<count])
          let formats = UnsafeMutableBufferPointer(rebasing: numbers[count...])
          // An empty value needs an address all the same: NULL is a nil pointer.
          let start = bytes.baseAddress ?? UnsafeRawPointer(values.baseAddress)
          for (index, parameter) in parameters.enumerated() {
            let value = parameter.range.flatMap { range in start.map { $0 + range.lowerBound } }
            values.initializeElement(at: index, to: value?.assumingMemoryBound(to: CChar.self))
            lengths.initializeElement(at: index, to: Int32(parameter.range?.count ?? 0))
            formats.initializeElement(at: index, to: 1)
          }
          return PQsendQueryPrepared(
            handle, name.text, Int32(count), values.baseAddress, lengths.baseAddress, formats.baseAddress, 1) == 1
        }
      }
    }
  }
}

extension Slot {
  /// Reads all rows out of libpq's memory.
  ///
  /// - Returns: what was wrong with one of them.
  func decodeRows(of result: OpaquePointer?) -> DatabaseError? {
    let columns = PQnfields(result)
    return withUnsafeTemporaryAllocation(of: Row.Cell.self, capacity: Int(columns)) { cells in
      for row in 0..<PQntuples(result) {
        for column in 0..<columns {
          let start = PQgetisnull(result, row, column) == 1 ? nil : PQgetvalue(result, row, column)
          let bytes = UnsafeRawPointer(start)?.assumingMemoryBound(to: UInt8.self)
          let cell = Row.Cell(start: bytes, count: Int(PQgetlength(result, row, column)))
          cells.initializeElement(at: Int(column), to: cell)
        }
        var reader = Row(cells: UnsafeBufferPointer(cells))
        do {
          try decode(&reader)
        } catch {
          return .decoding("\(type(of: self)): \(error)")
        }
      }
      return nil
    }
  }
}
