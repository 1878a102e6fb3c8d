import Query

/// What a patch wants of a field that may be empty (RFC 7396).
public enum FieldChange<Value: Sendable>: Sendable {
  /// Leave it.
  case keep
  /// Empty it.
  case clear
  /// Give it this value.
  case set(Value)

  /// The same of another type.
  public func map<Other: Sendable>(_ transform: (Value) -> Other) -> FieldChange<Other> {
    switch self {
    case .keep: .keep
    case .clear: .clear
    case .set(let value): .set(transform(value))
    }
  }

  /// The new value of a field that has `current`.
  public func applied(to current: Value?) -> Value? {
    switch self {
    case .keep: current
    case .clear: nil
    case .set(let value): value
    }
  }
}

extension Binder {
  /// Binds the versions of `If-Match`, NULL for any.
  mutating func bind(versions: [Int]?) { bind(versions.map { ColumnArray($0) }) }

  /// Binds a change of a field that can be emptied: whether it changes, and to what.
  mutating func bind<Value: ColumnValue>(_ change: FieldChange<Value>) {
    switch change {
    case .keep:
      bind(false)
      bind(Value?.none)
    case .clear:
      bind(true)
      bind(Value?.none)
    case .set(let value):
      bind(true)
      bind(value)
    }
  }
}
