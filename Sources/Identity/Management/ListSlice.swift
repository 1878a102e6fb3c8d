import FoundationEssentials
import Query

/// Which part of a list is wanted: newest first, after an id.
public struct ListSlice: Sendable {
  /// The most rows; one more than a page tells whether there is a next.
  public let fetch: Int
  /// Only what is older than this id.
  public let after: UUID?

  /// A part of a list.
  public init(fetch: Int, after: UUID?) {
    self.fetch = fetch
    self.after = after
  }
}

extension Binder {
  /// Binds a slice: the id, NULL for the beginning, then the limit.
  mutating func bind(_ slice: ListSlice) {
    bind(slice.after)
    bind(slice.fetch)
  }
}
