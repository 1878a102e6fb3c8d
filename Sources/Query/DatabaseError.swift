/// What can go wrong between us and PostgreSQL, sorted by what the caller can do about it.
public enum DatabaseError: Error, Sendable, Equatable {
  /// A unique key is taken; the name of the constraint says which (SQLSTATE 23505).
  case unique(constraint: String)
  /// A row that is referred to is missing, or a row is still referred to (23503).
  case foreignKey(constraint: String)
  /// A CHECK failed (23514).
  case check(constraint: String)
  /// Row-level security or a grant refused (42501).
  case denied
  /// The tenant of the batch is gone or suspended: nothing of the batch took effect.
  case tenantUnavailable
  /// No connection in time, or the queue is full: nothing was sent, ask again later.
  case unavailable(reason: String)
  /// The deadline passed or the task was cancelled; `sent` tells whether the server may have done the work.
  case timeout(sent: Bool)
  /// The connection was lost after the batch was sent and before its commit was seen: it may or may not have happened.
  case unknownOutcome
  /// Any other SQLSTATE, with the server's primary message for the log, never for a caller.
  case server(sqlstate: String, message: String)
  /// A row that did not decode: a fault of ours.
  case decoding(String)

  /// True where doing the same again can help and nothing was committed (40001, 40P01, 55P03, 57014, 57P0x, no connection).
  public var isTransient: Bool {
    switch self {
    case .unavailable, .timeout, .unknownOutcome: true
    case .server(let state, _):
      state.hasPrefix("40") || state.hasPrefix("53") || state.hasPrefix("57") || state == "55P03" || state == "25006"
    default: false
    }
  }

  /// A few words that a row or an answer may show: the kind of the error, never the server's own words.
  public var kind: String {
    switch self {
    case .unique(let constraint), .foreignKey(let constraint), .check(let constraint): "constraint \(constraint)"
    case .denied: "the database refused"
    case .tenantUnavailable: "the tenant is suspended or gone"
    case .unavailable, .unknownOutcome: "the database was away"
    case .timeout: "the database did not answer in time"
    case .server(let state, _): "SQLSTATE \(state)"
    case .decoding: "a row could not be read"
    }
  }
}
