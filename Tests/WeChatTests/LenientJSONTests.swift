import JSON
import Testing

@testable import WeChat

@Suite("Reading what WeChat calls JSON")
struct LenientJSONTests {
  private func nickname(_ bytes: [UInt8]) -> String? {
    LenientJSON.object(Array(#"{"openid":"o1","nickname":""#.utf8) + bytes + Array(#"","sex":0}"#.utf8))?
      .looseString("nickname")
  }

  @Test(
    "a string with what JSON forbids is repaired",
    arguments: [
      (Array("张\u{7}三".utf8), "张三"), (Array("a\u{8}b\u{14}c".utf8), "abc"), (Array("a\nb".utf8), "ab"),
      (Array("a\\\nb".utf8), "ab"), ([0x61, 0xFF, 0xFE, 0x62], "a\u{FFFD}\u{FFFD}b"), ([0xE5, 0xBC], "\u{FFFD}"),
      (Array(#"a\u0000b"#.utf8), "ab"), (Array(#"a\ud83db"#.utf8), "a\u{FFFD}b"), (Array(#"\ude00"#.utf8), "\u{FFFD}"),
      (Array(#"\ud83d\ude00"#.utf8) + [7], "😀"), (Array(#"q\"\\"#.utf8) + [7], #"q"\"#),
      (Array(#"\u5f20"#.utf8) + [7], "张"), ([7], nil),
    ] as [([UInt8], String?)])
  func repaired(bytes: [UInt8], expected: String?) {
    #expect(nickname(bytes) == expected)
  }

  @Test("good JSON is left as it is, with escaped slashes, emoji and escapes")
  func good() {
    let object = LenientJSON.object(Array(#"{"u":"https:\/\/thirdwx.qlogo.cn\/a","n":"😀\u5f20\n"}"#.utf8))
    #expect(object?.looseString("u") == "https://thirdwx.qlogo.cn/a")
    #expect(object?.looseString("n") == "😀张\n")
  }

  @Test("a byte order mark does not matter")
  func mark() {
    #expect(LenientJSON.object([0xEF, 0xBB, 0xBF] + Array(#"{"errcode":0}"#.utf8)) != nil)
  }

  @Test(
    "what is not an object is nothing",
    arguments: [
      "", "<html>502</html>", "[]", "null", #""x""#, "{", #"{"a":"#, #"{"a":"b\"#, #"{"a":"\u12"#, "{}{}",
    ])
  func nothing(text: String) {
    #expect(LenientJSON.object(Array(text.utf8)) == nil)
  }

  @Test("every cut of an answer is nothing, and the whole of it an object")
  func cuts() {
    let bytes = Array(#"{"a":"\ud83d\ude00"#.utf8) + [7, 0xFF] + Array(#"\u0000x","errcode":"40029"}"#.utf8)
    for end in bytes.indices { #expect(LenientJSON.object(Array(bytes[..<end])) == nil, "\(end)") }
    #expect(LenientJSON.object(bytes)?.errcode == 40029)
  }

  @Test(
    "errcode is a number, a string, or absent",
    arguments: [
      (#"{}"#, 0), (#"{"errcode":0}"#, 0), (#"{"errcode":"0"}"#, 0), (#"{"errcode":null}"#, 0),
      (#"{"errcode":0.0}"#, 0),
      (#"{"errcode":40029}"#, 40029), (#"{"errcode":"40029"}"#, 40029), (#"{"errcode":-1}"#, -1),
      (#"{"errcode":"x"}"#, nil), (#"{"errcode":[]}"#, nil), (#"{"errcode":0.5}"#, nil),
    ] as [(String, Int?)])
  func errcodes(text: String, errcode: Int?) throws {
    #expect(try #require(LenientJSON.object(Array(text.utf8))).errcode == errcode)
  }
}
