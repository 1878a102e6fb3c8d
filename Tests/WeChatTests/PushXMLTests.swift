import Testing

@testable import WeChat

@Suite("The XML of pushes")
struct PushXMLTests {
  @Test("text, CDATA, the five entities and characters by number are read")
  func reads() throws {
    let text = """
      <?xml version="1.0"?>
      <xml> <A><![CDATA[a<b]]>]]&gt;</A>
      <B>&lt;&gt;&amp;&quot;&apos;&#x6865;&#20013;</B><Empty></Empty><List><Item><N>1</N></Item></List></xml>

      """
    let fields = try #require(PushXML(Array(text.utf8))).fields
    #expect(fields == ["A": "a<b]]>", "B": "<>&\"'桥中", "Empty": "", "List": ""])
  }

  @Test(
    "everything else is refused",
    arguments: [
      "", "<xml>", "<xml></yml>", "<xml></xml>x", "<xml a=\"b\"></xml>", "<!DOCTYPE xml []><xml></xml>",
      "<xml><!ENTITY a \"b\"></xml>", "<xml>&a;</xml>", "<xml>&#0;</xml>", "<xml>&#xD800;</xml>", "<xml>&#;</xml>",
      "<xml><!-- c --></xml>", "<xml><A/></xml>", "<xml><A></A><A></A></xml>", "<xml><A><![CDATA[</A></xml>",
      "<xml><?php ?></xml>", "<a><b><c><d><e></e></d></c></b></a>", "<x:l xmlns:x=\"u\"></x:l>", "<xml>&amp</xml>",
    ])
  func refuses(text: String) {
    #expect(PushXML(Array(text.utf8)) == nil)
  }

  @Test("a long hostile text ends quickly, and broken UTF-8 is refused")
  func hostile() {
    #expect(PushXML(Array(String(repeating: "<a>", count: 20_000).utf8)) == nil)
    #expect(PushXML(Array("<xml>".utf8) + [UInt8](repeating: 0x26, count: 60_000)) == nil)
    #expect(PushXML(Array("<xml><A>".utf8) + [0xFF] + Array("</A></xml>".utf8)) == nil)
  }
}
