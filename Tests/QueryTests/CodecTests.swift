import FoundationEssentials
import Query
import Testing

/// Encodes and decodes.
private func again<Value: ColumnValue>(_ value: Value) -> Value? {
  var bytes: [UInt8] = []
  value.encode(into: &bytes)
  return bytes.withUnsafeBytes { Value(binary: $0) }
}

private func bytes<Value: ColumnValue>(_ value: Value) -> [UInt8] {
  var bytes: [UInt8] = []
  value.encode(into: &bytes)
  return bytes
}

private func decode<Value: ColumnValue>(_ type: Value.Type, _ bytes: [UInt8]) -> Value? {
  bytes.withUnsafeBytes { Value(binary: $0) }
}

struct CodecTests {
  @Test("numbers are in network order")
  func numbers() {
    #expect(bytes(1) == [0, 0, 0, 0, 0, 0, 0, 1])
    #expect(bytes(-2) == [255, 255, 255, 255, 255, 255, 255, 254])
    #expect(bytes(Int32(258)) == [0, 0, 1, 2])
    #expect(bytes(1.0) == [0x3F, 0xF0, 0, 0, 0, 0, 0, 0])
    for number in [Int.min, -1, 0, 1, .max] { #expect(again(number) == number) }
    for number in [Int32.min, 0, .max] { #expect(again(number) == number) }
    for number in [-0.1, .infinity, .greatestFiniteMagnitude] as [Double] { #expect(again(number) == number) }
  }

  @Test("a bigint is also read from an integer and a smallint")
  func widths() {
    #expect(decode(Int.self, [255, 255, 255, 255]) == -1)
    #expect(decode(Int.self, [1, 0]) == 256)
    #expect(decode(Int.self, [1, 0, 0]) == nil)
    #expect(decode(Int32.self, [0, 0, 0, 0, 0, 0, 0, 1]) == nil)
  }

  @Test("times keep their microseconds")
  func times() throws {
    #expect(bytes(Date(timeIntervalSince1970: 946_684_800)) == [0, 0, 0, 0, 0, 0, 0, 0])
    #expect(bytes(Date(timeIntervalSince1970: 946_684_801.000_001)) == [0, 0, 0, 0, 0, 0x0F, 0x42, 0x41])
    for _ in 0..<1000 {
      let microseconds = Int64.random(in: -1_000_000_000_000_000...2_000_000_000_000_000)
      var wire: [UInt8] = []
      withUnsafeBytes(of: microseconds.bigEndian) { wire.append(contentsOf: $0) }
      #expect(bytes(try #require(decode(Date.self, wire))) == wire)
    }
  }

  @Test("a time beyond what PostgreSQL knows becomes infinity instead of stopping the process")
  func extremeTimes() {
    #expect(bytes(Date(timeIntervalSince1970: .infinity)) == [0x7F] + Array(repeating: 0xFF, count: 7))
    #expect(bytes(Date(timeIntervalSince1970: -.infinity)) == [0x80] + Array(repeating: 0, count: 7))
  }

  @Test("a UUID is its 16 bytes")
  func uuids() throws {
    let id = try #require(UUID(uuidString: "00112233-4455-6677-8899-AABBCCDDEEFF"))
    #expect(bytes(id) == [0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF])
    #expect(again(id) == id)
    #expect(decode(UUID.self, [1, 2, 3]) == nil)
  }

  @Test("jsonb carries its version byte, and no other version is read")
  func json() {
    #expect(bytes(JSONText("{}")) == [1, 0x7B, 0x7D])
    #expect(again(JSONText("[1]")) == JSONText("[1]"))
    #expect(decode(JSONText.self, [2, 0x7B, 0x7D]) == nil)
    #expect(decode(JSONText.self, []) == nil)
  }

  @Test("text and bytes may be empty")
  func empty() {
    #expect(again("") == "")
    #expect(again([UInt8]()) == [])
    #expect(again("喬 🌉") == "喬 🌉")
    #expect(again(true) == true)
    #expect(decode(Bool.self, []) == nil)
  }

  @Test("arrays keep their elements, empty ones too")
  func arrays() {
    #expect(again(ColumnArray(["a", "", "喬"]))?.elements == ["a", "", "喬"])
    #expect(again(ColumnArray([Int]()))?.elements == [])
    #expect(again(ColumnArray([[1, 2], []] as [[UInt8]]))?.elements == [[1, 2], []])
    let ids = (0..<3).map { _ in UUID() }
    #expect(again(ColumnArray(ids))?.elements == ids)
    #expect(
      bytes(ColumnArray([7])) == [
        0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 7,
      ])
  }

  @Test("an array that is cut off, has a NULL or two dimensions is not read")
  func brokenArrays() {
    let whole = bytes(ColumnArray(["abc", "d"]))
    for length in 0..<whole.count { #expect(decode(ColumnArray<String>.self, Array(whole.prefix(length))) == nil) }
    let null: [UInt8] = [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 25, 0, 0, 0, 1, 0, 0, 0, 1, 255, 255, 255, 255]
    #expect(decode(ColumnArray<String>.self, null) == nil)
    var twoDimensions = whole
    twoDimensions[3] = 2
    #expect(decode(ColumnArray<String>.self, twoDimensions) == nil)
    // A count of elements that no message could hold must not be believed.
    var huge = whole
    huge.replaceSubrange(12..<16, with: [0x7F, 255, 255, 255])
    #expect(decode(ColumnArray<String>.self, huge) == nil)
  }
}
