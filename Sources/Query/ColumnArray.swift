import FoundationEssentials

/// A one-dimensional array column without NULLs (`text[]`, `uuid[]`, …).
///
/// Wire form: dimensions, has-nulls flag, element oid, then for the one dimension its length and lower bound, then each
/// element with a length (`array_send`). A batch binds one array a column and unnests them in SQL.
public struct ColumnArray<Element: ArrayElement>: ColumnValue {
  /// The elements in order.
  public let elements: [Element]

  /// An array of `elements`.
  public init(_ elements: [Element]) { self.elements = elements }

  /// The type's object id.
  public static var oid: UInt32 { Element.arrayOid }

  /// Appends the binary form.
  public func encode(into bytes: inout [UInt8]) {
    Int32(elements.isEmpty ? 0 : 1).appendBigEndian(to: &bytes)
    Int32(0).appendBigEndian(to: &bytes)
    Element.oid.appendBigEndian(to: &bytes)
    guard !elements.isEmpty else { return }
    Int32(elements.count).appendBigEndian(to: &bytes)
    Int32(1).appendBigEndian(to: &bytes)
    for element in elements {
      let at = bytes.count
      Int32(0).appendBigEndian(to: &bytes)
      element.encode(into: &bytes)
      let length = Int32(bytes.count - at - 4).bigEndian
      withUnsafeBytes(of: length) { bytes.replaceSubrange(at..<at + 4, with: $0) }
    }
  }

  /// Reads the binary form.
  public init?(binary: UnsafeRawBufferPointer) {
    var rest = binary[...]
    func word() -> Int32? {
      guard rest.count >= 4 else { return nil }
      defer { rest = rest.dropFirst(4) }
      return Int32(bigEndianBytes: UnsafeRawBufferPointer(rebasing: rest.prefix(4)))
    }
    guard let dimensions = word(), word() != nil, word() != nil else { return nil }
    guard dimensions == 1 else {
      guard dimensions == 0 else { return nil }
      elements = []
      return
    }
    guard let count = word(), count >= 0, word() != nil else { return nil }
    var read: [Element] = []
    for _ in 0..<count {
      guard let length = word(), length >= 0, rest.count >= Int(length),
        let element = Element(binary: UnsafeRawBufferPointer(rebasing: rest.prefix(Int(length))))
      else { return nil }
      read.append(element)
      rest = rest.dropFirst(Int(length))
    }
    elements = read
  }
}

/// A type that has an array type in PostgreSQL.
public protocol ArrayElement: ColumnValue {
  /// The array type's object id in `pg_type`.
  static var arrayOid: UInt32 { get }
}

extension String: ArrayElement {
  /// The array type's object id.
  public static var arrayOid: UInt32 { 1009 }
}

extension UUID: ArrayElement {
  /// The array type's object id.
  public static var arrayOid: UInt32 { 2951 }
}

extension Int: ArrayElement {
  /// The array type's object id.
  public static var arrayOid: UInt32 { 1016 }
}

extension [UInt8]: ArrayElement {
  /// The array type's object id.
  public static var arrayOid: UInt32 { 1001 }
}
