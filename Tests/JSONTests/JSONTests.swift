import JSON
import Testing

@Suite struct JSONTests {
  @Test(
    "what two readers could understand differently is refused",
    arguments: [
      "", " ", "{", "[1,", "{\"a\":1,}", "[1,]", "{\"a\":1 \"b\":2}", "{a:1}", "'a'", "01", "1.", ".5", "+1", "1e", "-",
      "NaN",
      "Infinity", "tru", "nulll", "{} {}", "\"\u{1}\"", "\"\\x\"", "\"\\u12\"", "\"\\u00é0\"", "\"\\ud800\"",
      "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\\u0000\"", "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "/**/1",
      "\u{FEFF}{}",
      "\"a",
    ])
  func refused(text: String) {
    #expect(throws: JSONFault.self) { try JSONValue(parsing: Array(text.utf8)) }
  }

  @Test(
    "invalid UTF-8 is refused in strings and outside",
    arguments: [
      [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0xFF], [0x22, 0xE4, 0xBD, 0x22],
    ] as [[UInt8]])
  func utf8(bytes: [UInt8]) {
    #expect(throws: JSONFault.self) { try JSONValue(parsing: bytes) }
  }

  @Test(
    "what is read is written back the same",
    arguments: [
      "null", "true", "[]", "{}", "-0.0e-12", "123456789012345678901234567890", "\"桥 \u{1F309}\"",
      #"{"b":[1,{"a":null}],"a":"\"\\\n\t\u0001"}"#,
    ])
  func roundTrip(text: String) throws {
    let value = try JSONValue(parsing: Array(text.utf8))
    #expect(try JSONValue(parsing: value.text) == value)
  }

  @Test("escapes and surrogate pairs are read")
  func escapes() throws {
    let text = #""\u6865\ud83c\udf09\/\b\f\n\r\t\"\\""#
    #expect(try JSONValue(parsing: Array(text.utf8)).string == "桥🌉/\u{8}\u{c}\n\r\t\"\\")
  }

  @Test("nesting is bounded, so that no text exhausts the stack")
  func depth() {
    let deep = String(repeating: "[", count: 200_000)
    #expect(throws: JSONFault.self) { try JSONValue(parsing: Array(deep.utf8)) }
    let fits = String(repeating: "[", count: 32) + String(repeating: "]", count: 32)
    #expect(throws: Never.self) { try JSONValue(parsing: Array(fits.utf8)) }
    #expect(throws: JSONFault.self) { try JSONValue(parsing: Array("[\(fits)]".utf8)) }
  }

  @Test("a fault names the byte and never the text")
  func faults() {
    #expect { try JSONValue(parsing: Array(#"{"secret":hunter2}"#.utf8)) } throws: { error in
      guard let fault = error as? JSONFault else { return false }
      return fault.offset == 10 && !fault.reason.contains("hunter2")
    }
  }
}
