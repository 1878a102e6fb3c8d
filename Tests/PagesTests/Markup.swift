/// A strict reader of our own markup: every attribute quoted, every element closed, so that what it accepts every browser reads alike.
struct Markup {
  struct Element {
    let name: String
    let attributes: [String: String]
    /// The text up to the next tag.
    var text: String
  }

  struct Fault: Error { let what: String }

  private static let void: Set<String> = ["meta", "link", "img", "input", "br", "path"]
  private(set) var elements: [Element] = []

  init(_ page: [UInt8]) throws {
    var rest = page[...]
    guard rest.starts(with: Array("<!doctype html>".utf8)) else { throw Fault(what: "no doctype") }
    rest = rest.dropFirst(15)
    var open: [String] = []
    var isInside = false
    while let start = rest.firstIndex(of: UInt8(ascii: "<")) {
      let text = String(decoding: rest[..<start], as: UTF8.self)
      if isInside { elements[elements.count - 1].text += text }
      rest = rest[(start + 1)...]
      let closes = rest.first == UInt8(ascii: "/")
      if closes { rest = rest.dropFirst() }
      let name = Self.take(&rest) { $0.isLetter || $0.isNumber }
      guard !name.isEmpty else {
        throw Fault(what: "a bare < before \(String(decoding: rest.prefix(30), as: UTF8.self))")
      }
      let attributes = try Self.attributes(&rest, of: name)
      isInside = !closes
      if closes {
        guard open.popLast() == name, attributes.isEmpty else { throw Fault(what: "</\(name)> closes nothing") }
      } else {
        elements.append(Element(name: name, attributes: attributes, text: ""))
        if !Self.void.contains(name) { open.append(name) }
      }
    }
    guard open.isEmpty else { throw Fault(what: "open: \(open)") }
  }

  func all(_ name: String) -> [Element] { elements.filter { $0.name == name } }

  private static func attributes(_ rest: inout ArraySlice<UInt8>, of element: String) throws -> [String: String] {
    var found: [String: String] = [:]
    while true {
      _ = take(&rest) { $0 == " " || $0 == "\n" || $0 == "/" }
      guard let byte = rest.first else { throw Fault(what: "<\(element)> never ends") }
      if byte == UInt8(ascii: ">") {
        rest = rest.dropFirst()
        return found
      }
      let name = take(&rest) { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" }
      guard !name.isEmpty, found[name] == nil else { throw Fault(what: "a broken attribute in <\(element)>") }
      guard rest.first == UInt8(ascii: "=") else {
        guard name == "required" || name == "defer" else { throw Fault(what: "\(name) in <\(element)> has no value") }
        found[name] = ""
        continue
      }
      rest = rest.dropFirst()
      guard rest.first == UInt8(ascii: "\""), let end = rest.dropFirst().firstIndex(of: UInt8(ascii: "\"")) else {
        throw Fault(what: "\(name) in <\(element)> is not quoted")
      }
      found[name] = String(decoding: rest[(rest.startIndex + 1)..<end], as: UTF8.self)
      rest = rest[(end + 1)...]
    }
  }

  private static func take(_ rest: inout ArraySlice<UInt8>, while holds: (Character) -> Bool) -> String {
    let taken = rest.prefix { holds(Character(UnicodeScalar($0))) && $0 < 0x80 }
    rest = rest.dropFirst(taken.count)
    return String(decoding: taken, as: UTF8.self).lowercased()
  }
}
