import FoundationEssentials

/// A Swift type that PostgreSQL's binary format can carry (`src/backend/utils/adt`, the types' send and recv functions).
public protocol ColumnValue: Sendable {
  /// The type's object id in `pg_type`.
  static var oid: UInt32 { get }
  /// Appends the binary form.
  func encode(into bytes: inout [UInt8])
  /// Reads the binary form; `nil` when the bytes are not of this type.
  init?(binary: UnsafeRawBufferPointer)
}

extension FixedWidthInteger {
  /// Appends the bytes in network order.
  func appendBigEndian(to bytes: inout [UInt8]) {
    withUnsafeBytes(of: bigEndian) { bytes.append(contentsOf: $0) }
  }

  /// Reads exactly `Self` in network order.
  init?(bigEndianBytes bytes: UnsafeRawBufferPointer) {
    guard bytes.count == MemoryLayout<Self>.size else { return nil }
    self = Self(bigEndian: bytes.loadUnaligned(as: Self.self))
  }
}

/// `boolean`
extension Bool: ColumnValue {
  /// The type's object id.
  public static var oid: UInt32 { 16 }
  /// Appends the binary form.
  public func encode(into bytes: inout [UInt8]) { bytes.append(self ? 1 : 0) }
  /// Reads the binary form.
  public init?(binary: UnsafeRawBufferPointer) {
    guard binary.count == 1 else { return nil }
    self = binary[0] != 0
  }
}

/// `bytea`
extension [UInt8]: ColumnValue {
  /// The type's object id.
  public static var oid: UInt32 { 17 }
  /// Appends the binary form.
  public func encode(into bytes: inout [UInt8]) { bytes.append(contentsOf: self) }
  /// Reads the binary form.
  public init?(binary: UnsafeRawBufferPointer) { self = Array(binary) }
}

/// `bigint`; also reads `integer`.
extension Int: ColumnValue {
  /// The type's object id.
  public static var oid: UInt32 { 20 }
  /// Appends the binary form.
  public func encode(into bytes: inout [UInt8]) { Int64(self).appendBigEndian(to: &bytes) }
  /// Reads the binary form.
  public init?(binary: UnsafeRawBufferPointer) {
    switch binary.count {
    case 8: self = Int(Int64(bigEndian: binary.loadUnaligned(as: Int64.self)))
    case 4: self = Int(Int32(bigEndian: binary.loadUnaligned(as: Int32.self)))
    case 2: self = Int(Int16(bigEndian: binary.loadUnaligned(as: Int16.self)))
    default: return nil
    }
  }
}

/// `integer`
extension Int32: ColumnValue {
  /// The type's object id.
  public static var oid: UInt32 { 23 }
  /// Appends the binary form.
  public func encode(into bytes: inout [UInt8]) { appendBigEndian(to: &bytes) }
  /// Reads the binary form.
  public init?(binary: UnsafeRawBufferPointer) { self.init(bigEndianBytes: binary) }
}

/// `double precision`
extension Double: ColumnValue {
  /// The type's object id.
  public static var oid: UInt32 { 701 }
  /// Appends the binary form.
  public func encode(into bytes: inout [UInt8]) { bitPattern.appendBigEndian(to: &bytes) }
  /// Reads the binary form.
  public init?(binary: UnsafeRawBufferPointer) {
    guard let bits = UInt64(bigEndianBytes: binary) else { return nil }
    self = Double(bitPattern: bits)
  }
}

/// `text`; also reads `varchar` and `name`.
extension String: ColumnValue {
  /// The type's object id.
  public static var oid: UInt32 { 25 }
  /// Appends the binary form.
  public func encode(into bytes: inout [UInt8]) { bytes.append(contentsOf: utf8) }
  /// Reads the binary form.
  public init?(binary: UnsafeRawBufferPointer) { self = String(decoding: binary, as: UTF8.self) }
}

/// `uuid`
extension UUID: ColumnValue {
  /// The type's object id.
  public static var oid: UInt32 { 2950 }
  /// Appends the binary form.
  public func encode(into bytes: inout [UInt8]) {
    withUnsafeBytes(of: uuid) { bytes.append(contentsOf: $0) }
  }
  /// Reads the binary form.
  public init?(binary: UnsafeRawBufferPointer) {
    guard binary.count == 16 else { return nil }
    self = UUID(uuid: binary.loadUnaligned(as: uuid_t.self))
  }
}

/// `timestamptz`: microseconds since 2000-01-01 00:00 UTC.
extension Date: ColumnValue {
  /// The type's object id.
  public static var oid: UInt32 { 1184 }
  /// 2000-01-01 in seconds of the Unix epoch.
  private static let epoch = 946_684_800.0
  /// Appends the binary form; what 64 bits cannot hold becomes `infinity` or `-infinity`, which are the greatest and the least.
  public func encode(into bytes: inout [UInt8]) {
    let microseconds = ((timeIntervalSince1970 - Self.epoch) * 1_000_000).rounded()
    (Int64(exactly: microseconds) ?? (microseconds < 0 ? .min : .max)).appendBigEndian(to: &bytes)
  }
  /// Reads the binary form.
  public init?(binary: UnsafeRawBufferPointer) {
    guard let microseconds = Int64(bigEndianBytes: binary) else { return nil }
    self = Date(timeIntervalSince1970: Self.epoch + Double(microseconds) / 1_000_000)
  }
}

/// `jsonb`: the text of a JSON value; the server checks it.
public struct JSONText: ColumnValue, Hashable {
  /// UTF-8 JSON.
  public let utf8: [UInt8]

  /// Takes UTF-8 JSON as it is.
  public init(utf8: [UInt8]) { self.utf8 = utf8 }
  /// Takes JSON text as it is.
  public init(_ text: String) { utf8 = Array(text.utf8) }

  /// The type's object id.
  public static var oid: UInt32 { 3802 }
  /// The binary form of `jsonb` is a version byte, 1, and the text.
  public func encode(into bytes: inout [UInt8]) {
    bytes.append(1)
    bytes.append(contentsOf: utf8)
  }
  /// Reads the binary form.
  public init?(binary: UnsafeRawBufferPointer) {
    guard binary.first == 1 else { return nil }
    utf8 = Array(binary.dropFirst())
  }
}
