import FoundationEssentials
import Query
import Secrets

/// The id of a `Subject`, so that a user's id cannot stand where a client's belongs.
public struct ID<Subject>: Hashable, Sendable, CustomStringConvertible {
  /// The bare value.
  public let uuid: UUID

  /// An id of known value.
  public init(_ uuid: UUID) { self.uuid = uuid }

  /// A new id (UUIDv7).
  public static func make() -> ID { ID(UUIDv7.make()) }

  /// Reads canonical text; `nil` for anything else.
  public init?(_ text: some StringProtocol) {
    guard let uuid = UUID(canonical: text) else { return nil }
    self.uuid = uuid
  }

  /// Canonical text.
  public var description: String { uuid.canonical }
}

extension ID: ColumnValue {
  /// `uuid`
  public static var oid: UInt32 { UUID.oid }
  /// Appends 16 bytes.
  public func encode(into bytes: inout [UInt8]) { uuid.encode(into: &bytes) }
  /// Reads 16 bytes.
  public init?(binary: UnsafeRawBufferPointer) {
    guard let uuid = UUID(binary: binary) else { return nil }
    self.uuid = uuid
  }
}
