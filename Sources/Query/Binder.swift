/// Collects the parameters of one execution in PostgreSQL's binary format.
///
/// All values lie in one buffer, so binding most statements allocates twice however many parameters they have.
public struct Binder: Sendable {
  /// Where one parameter lies in `bytes`; `nil` stands for NULL.
  public struct Parameter: Sendable, Equatable {
    /// The type's object id, 0 to let the server infer it.
    public let type: UInt32
    /// The bytes of the value, `nil` for NULL.
    public let range: Range<Int>?
  }

  /// The values, one behind the other.
  public private(set) var bytes: [UInt8] = []
  /// The parameters in order.
  public private(set) var parameters: [Parameter] = []

  /// An empty list of parameters.
  public init() {
    bytes.reserveCapacity(512)
    parameters.reserveCapacity(16)
  }

  /// Appends a value.
  public mutating func bind<Value: ColumnValue>(_ value: Value) {
    let start = bytes.count
    value.encode(into: &bytes)
    parameters.append(Parameter(type: Value.oid, range: start..<bytes.count))
  }

  /// Appends a value or NULL.
  public mutating func bind<Value: ColumnValue>(_ value: Value?) {
    guard let value else {
      parameters.append(Parameter(type: Value.oid, range: nil))
      return
    }
    bind(value)
  }
}
