/// The text of one statement: a literal of the source, never a string put together at run time.
///
/// `StaticString` cannot be interpolated, so a value can reach the server only as a parameter
/// (libpq chapter 34.5, pipeline mode; `PQsendPrepare`).
public struct SQL: ExpressibleByStringLiteral, Sendable, Hashable, CustomStringConvertible {
  private let literal: StaticString

  /// Takes a literal in which parameters are numbered.
  public init(stringLiteral value: StaticString) {
    literal = value
  }

  /// The statement as the server sees it.
  public var description: String { literal.description }

  /// Two statements are the same when their text is.
  public static func == (left: SQL, right: SQL) -> Bool {
    left.literal.utf8Start == right.literal.utf8Start || left.description == right.description
  }

  /// Hashes the text.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(description)
  }

  /// The NUL-terminated text, valid for the life of the process.
  public var utf8Start: UnsafePointer<UInt8> { literal.utf8Start }
}
