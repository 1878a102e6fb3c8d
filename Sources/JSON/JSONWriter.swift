/// Writes JSON text piece by piece into one buffer (RFC 8259).
///
/// Foundation's encoder costs about 10 µs for a small object; the answers on the hot path are written with this.
public struct JSONWriter: Sendable {
  /// The text so far, UTF-8.
  public private(set) var bytes: [UInt8] = []
  private var needsComma = false

  /// An empty text with room for `capacity` bytes.
  public init(capacity: Int = 256) {
    bytes.reserveCapacity(capacity)
  }

  /// Opens an object as a value.
  public mutating func beginObject() {
    separate()
    bytes.append(0x7B)
    needsComma = false
  }

  /// Closes the object.
  public mutating func endObject() {
    bytes.append(0x7D)
    needsComma = true
  }

  /// Opens an array as a value.
  public mutating func beginArray() {
    separate()
    bytes.append(0x5B)
    needsComma = false
  }

  /// Closes the array.
  public mutating func endArray() {
    bytes.append(0x5D)
    needsComma = true
  }

  /// The name of the next value.
  public mutating func key(_ name: String) {
    string(name)
    bytes.append(0x3A)
    needsComma = false
  }

  /// A string as a value.
  public mutating func string(_ value: String) {
    separate()
    bytes.append(0x22)
    var value = value
    value.withUTF8 { utf8 in
      if utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C }) {
        bytes.append(contentsOf: utf8)
      } else {
        for byte in utf8 { escape(byte) }
      }
    }
    bytes.append(0x22)
    needsComma = true
  }

  /// A string that needs no escape, such as a JWT, as a value.
  public mutating func ascii(_ value: some Sequence<UInt8>) {
    separate()
    bytes.append(0x22)
    bytes.append(contentsOf: value)
    bytes.append(0x22)
    needsComma = true
  }

  /// A whole number as a value.
  public mutating func integer(_ value: Int) {
    separate()
    bytes.append(contentsOf: String(value).utf8)
    needsComma = true
  }

  /// `true` or `false` as a value.
  public mutating func boolean(_ value: Bool) {
    separate()
    bytes.append(contentsOf: (value ? "true" : "false").utf8)
    needsComma = true
  }

  /// `null` as a value.
  public mutating func null() {
    separate()
    bytes.append(contentsOf: "null".utf8)
    needsComma = true
  }

  /// Ready JSON text as a value; the caller vouches for it.
  public mutating func raw(_ json: some Sequence<UInt8>) {
    separate()
    bytes.append(contentsOf: json)
    needsComma = true
  }

  private mutating func separate() {
    if needsComma { bytes.append(0x2C) }
  }

  private mutating func escape(_ byte: UInt8) {
    switch byte {
    case 0x22, 0x5C: bytes.append(contentsOf: [0x5C, byte])
    case 0x0A: bytes.append(contentsOf: [0x5C, 0x6E])
    case 0x0D: bytes.append(contentsOf: [0x5C, 0x72])
    case 0x09: bytes.append(contentsOf: [0x5C, 0x74])
    case 0..<0x20:
      let digits = Array("0123456789abcdef".utf8)
      bytes.append(contentsOf: [0x5C, 0x75, 0x30, 0x30, digits[Int(byte >> 4)], digits[Int(byte & 15)]])
    default: bytes.append(byte)
    }
  }
}

extension JSONWriter {
  /// A member with a string.
  public mutating func member(_ name: String, _ value: String) {
    key(name)
    string(value)
  }

  /// A member with a string or `null`.
  public mutating func member(_ name: String, _ value: String?) {
    key(name)
    if let value { string(value) } else { null() }
  }

  /// A member with a whole number.
  public mutating func member(_ name: String, _ value: Int) {
    key(name)
    integer(value)
  }

  /// A member with a whole number or `null`.
  public mutating func member(_ name: String, _ value: Int?) {
    key(name)
    if let value { integer(value) } else { null() }
  }

  /// A member with `true` or `false`.
  public mutating func member(_ name: String, _ value: Bool) {
    key(name)
    boolean(value)
  }

  /// A member with an array of strings.
  public mutating func member(_ name: String, _ values: some Sequence<String>) {
    key(name)
    beginArray()
    for value in values { string(value) }
    endArray()
  }

  /// A member with ready JSON text.
  public mutating func member(_ name: String, raw json: some Sequence<UInt8>) {
    key(name)
    raw(json)
  }

  /// The text of an object written by `body`.
  public static func object(capacity: Int = 256, _ body: (inout JSONWriter) -> Void) -> [UInt8] {
    var writer = JSONWriter(capacity: capacity)
    writer.beginObject()
    body(&writer)
    writer.endObject()
    return writer.bytes
  }
}
