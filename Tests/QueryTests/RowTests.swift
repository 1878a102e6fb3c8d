import Query
import Testing

/// A row over these cells, `nil` for NULL.
private func withRow(_ cells: [[UInt8]?], _ body: (inout Row) throws -> Void) throws {
  var storage: [UInt8] = []
  for cell in cells { storage += cell ?? [] }
  storage.append(0)
  try storage.withUnsafeBufferPointer { bytes in
    var offset = 0
    var list: [Row.Cell] = []
    for cell in cells {
      let start: UnsafePointer<UInt8>? = cell == nil ? nil : bytes.baseAddress.map { $0 + offset }
      list.append(Row.Cell(start: start, count: cell?.count ?? 0))
      offset += cell?.count ?? 0
    }
    try list.withUnsafeBufferPointer { list in
      var row = Row(cells: list)
      try body(&row)
    }
  }
}

/// What is wrong with reading a row.
private func fault(_ cells: [[UInt8]?], _ read: (inout Row) throws -> Void) -> String? {
  do {
    try withRow(cells, read)
    return nil
  } catch {
    return "\(error)"
  }
}

struct RowTests {
  @Test("columns are read from left to right")
  func order() throws {
    try withRow([Array("a".utf8), nil, [1], []]) { row throws in
      #expect(try row.next(String.self) == "a")
      #expect(try row.next(String?.self) == nil)
      #expect(try row.next(Bool?.self) == true)
      #expect(try row.next(String.self) == "")
    }
  }

  @Test("NULL, a wrong type and a missing column are told with their number, never with the value")
  func faults() {
    #expect(fault([nil]) { row in _ = try row.next(String.self) } == "column 0 is NULL")
    #expect(fault([[9, 9]]) { row in _ = try row.next(Bool.self) } == "column 0 is not a Bool")
    #expect(fault([]) { row in _ = try row.next(Bool.self) } == "column 0 does not exist")
    #expect(
      fault([[1], nil]) { row in
        _ = try row.next(Bool.self)
        _ = try row.next(Bool.self)
      } == "column 1 is NULL")
  }
}
