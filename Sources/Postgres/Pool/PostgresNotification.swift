/// What a channel tells (PostgreSQL: NOTIFY).
public enum PostgresNotification: Sendable, Equatable {
  /// Listening began: from here on nothing is missed until a `.reconnected`.
  case listening
  /// Listening began again after a loss, or the reader was too slow: something may have been missed, so drop what was cached.
  case reconnected
  /// Somebody notified; the payload may be empty.
  case payload(String)
}
