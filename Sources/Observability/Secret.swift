/// A value that must not be seen: it prints, mirrors and encodes as a placeholder.
///
/// The value comes out only by asking for it by name, so that a reader finds every such place with one search.
public struct Secret<Value: Sendable>: Sendable {
  private let value: Value

  /// Hides `value`.
  public init(_ value: Value) {
    self.value = value
  }

  /// The hidden value; call it where it is used, never to keep it.
  public func expose() -> Value { value }

  /// The secret made from this one.
  public func map<Other>(_ transform: (Value) -> Other) -> Secret<Other> {
    Secret<Other>(transform(value))
  }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// A placeholder.
  public var description: String { "<secret>" }
  /// A placeholder.
  public var debugDescription: String { "<secret>" }
  /// A mirror without children, so that `dump` shows nothing.
  public var customMirror: Mirror { Mirror(self, children: []) }
}

extension Secret where Value == String {
  /// True for the empty string, without exposing another.
  public var isEmpty: Bool { value.isEmpty }
}
