/// A piece of HTML: what stands in the source of this program is taken as it is, what is interpolated is escaped.
///
/// ```swift
/// let row: HTML = "<td title=\"\(name)\">\(name)</td>"   // `name` is a String: it cannot leave its place
/// ```
///
/// swift-mustache 2.1.1 was tried first. It escapes by grapheme cluster, so that a quotation mark followed by a combining accent
/// goes out as it is and ends the attribute, and a misspelt name is an empty string; here the first cannot happen and the second
/// does not compile.
public struct HTML: Sendable, ExpressibleByStringInterpolation {
  /// The markup.
  public private(set) var markup: String

  /// Markup that stands in our source.
  public init(stringLiteral value: StaticString) { markup = value.description }

  /// Markup with values in it.
  public init(stringInterpolation: Builder) { markup = stringInterpolation.markup }

  /// Collects the literal parts and the escaped values.
  public struct Builder: StringInterpolationProtocol, Sendable {
    var markup = ""

    /// Makes room.
    public init(literalCapacity: Int, interpolationCount: Int) {
      markup.reserveCapacity(literalCapacity + interpolationCount * 32)
    }

    /// Appends what stands in our source.
    public mutating func appendLiteral(_ literal: StaticString) { markup += literal.description }

    /// Appends text, escaped for content and for quoted attributes.
    public mutating func appendInterpolation(_ text: String) { HTML.escape(text, into: &markup) }

    /// Appends a number.
    public mutating func appendInterpolation(_ number: Int) { markup += String(number) }

    /// Appends markup.
    public mutating func appendInterpolation(_ html: HTML) { markup += html.markup }

    /// Appends markup when it is there.
    public mutating func appendInterpolation(_ html: HTML?) { if let html { markup += html.markup } }

    /// Appends one piece after the other.
    public mutating func appendInterpolation(_ pieces: [HTML]) { for piece in pieces { markup += piece.markup } }
  }

  /// Escapes by byte, so that no neighbour of a character hides it; controls that HTML does not allow are dropped.
  static func escape(_ text: String, into markup: inout String) {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count + 16)
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "&"): bytes += Array("&amp;".utf8)
      case UInt8(ascii: "<"): bytes += Array("&lt;".utf8)
      case UInt8(ascii: ">"): bytes += Array("&gt;".utf8)
      case UInt8(ascii: "\""): bytes += Array("&quot;".utf8)
      case UInt8(ascii: "'"): bytes += Array("&#39;".utf8)
      case UInt8(ascii: "\r"): bytes += Array("&#13;".utf8)
      case UInt8(ascii: "\n"): bytes += Array("&#10;".utf8)
      case 0x00...0x08, 0x0B, 0x0C, 0x0E...0x1F, 0x7F: continue
      default: bytes.append(byte)
      }
    }
    markup += String(decoding: bytes, as: UTF8.self)
  }
}
