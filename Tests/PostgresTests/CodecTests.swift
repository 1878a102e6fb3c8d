import FoundationEssentials
import Query
import Testing

@testable import Postgres

/// One value there and back, told by the server as text too.
private struct RoundTrip<Value: ColumnValue>: Statement {
  static var sql: SQL { "SELECT $1, $1 IS NULL" }
  let value: Value?
  func bind(to binder: inout Binder) { binder.bind(value) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> (value: Value?, isNull: Bool) {
    (try row.next(), try row.next())
  }
}

/// A value as the server prints it.
private struct Printed<Value: ColumnValue>: Statement {
  static var sql: SQL { "SELECT $1::text" }
  let value: Value
  func bind(to binder: inout Binder) { binder.bind(value) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> String { try row.next() }
}

/// The binary formats as PostgreSQL reads and writes them.
@Suite(.cluster, .timeLimit(.minutes(3)))
struct CodecTests {
  private func check<Value: ColumnValue & Equatable>(_ pool: PostgresPool, _ values: Value...) async throws {
    for value in values {
      let rows = try await pool.run(RoundTrip(value: value))
      #expect(rows.count == 1)
      #expect(rows.first?.value == value)
      #expect(rows.first?.isNull == false)
    }
    let null = try await pool.run(RoundTrip<Value>(value: nil))
    #expect(null.first?.value == nil)
    #expect(null.first?.isNull == true)
  }

  private func check<Element: ArrayElement & Equatable>(_ pool: PostgresPool, arrays: [Element]...) async throws {
    for elements in arrays {
      #expect(try await pool.run(RoundTrip(value: ColumnArray(elements))).first?.value?.elements == elements)
    }
    #expect(try await pool.run(RoundTrip<ColumnArray<Element>>(value: nil)).first?.isNull == true)
  }

  @Test("every type comes back as it went, NULL and empty ones too")
  func roundTrips() async throws {
    try await withPool { pool in
      try await check(pool, true, false)
      try await check(pool, 0, -1, Int.max, Int.min)
      try await check(pool, Int32.min, 0, Int32.max)
      try await check(pool, -0.5, 1e300, Double.infinity)
      try await check(pool, "", "plain", "喬 🌉 '\"\\", String(repeating: "x", count: 100_000))
      try await check(pool, [UInt8](), [0, 255, 39], [UInt8](repeating: 7, count: 100_000))
      try await check(pool, UUID(), UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)))
      try await check(pool, JSONText("{\"a\": [1, null]}"), JSONText("null"))
      try await check(
        pool, Date(timeIntervalSince1970: 946_684_800), Date(timeIntervalSince1970: -5_000_000_000.25),
        Date(timeIntervalSince1970: 1_800_000_000.5))
      try await check(pool, arrays: [String](), ["a", "", "喬"])
      try await check(pool, arrays: [UUID](), [UUID(), UUID()])
      try await check(pool, arrays: [Int](), [1, -2, .max])
      try await check(pool, arrays: [[UInt8]](), [[], [0, 1]])
    }
  }

  @Test("large values both ways over one connection do not block each other")
  func large() async throws {
    try await withPool(connections: 1) { pool in
      await withTaskGroup { group in
        for number in 0..<12 {
          group.addTask {
            let bytes = [UInt8](repeating: UInt8(number), count: 3_000_000)
            let rows = try? await pool.run(RoundTrip(value: bytes))
            #expect(rows?.first?.value == bytes)
          }
        }
      }
    }
  }

  @Test("the server understands them as we do")
  func printed() async throws {
    try await withPool { pool in
      try await pool.expect(Printed(value: true), ["true"])
      try await pool.expect(Printed(value: -42), ["-42"])
      try await pool.expect(Printed(value: Int32(7)), ["7"])
      try await pool.expect(Printed(value: 0.25), ["0.25"])
      try await pool.expect(Printed(value: [UInt8]([1, 255])), ["\\x01ff"])
      try await pool.expect(Printed(value: JSONText("{\"b\":1}")), ["{\"b\": 1}"])
      let moment = Date(timeIntervalSince1970: 1_700_000_000.123456)
      try await pool.expect(Printed(value: moment), ["2023-11-14 22:13:20.123456+00"])
      try await pool.expect(Printed(value: Date(timeIntervalSince1970: .infinity)), ["infinity"])
      try await pool.expect(Printed(value: ColumnArray(["a b", ""])), ["{\"a b\",\"\"}"])
      try await pool.expect(Printed(value: ColumnArray([Int]())), ["{}"])
      try await pool.expect(Printed(value: ColumnArray([3, 4])), ["{3,4}"])
      let id = UUID()
      try await pool.expect(Printed(value: id), [id.uuidString.lowercased()])
    }
  }
}
