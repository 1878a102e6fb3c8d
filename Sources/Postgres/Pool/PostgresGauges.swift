/// How busy a pool is.
public struct PostgresGauges: Sendable, Equatable {
  /// Connections without a batch in flight.
  public var idle = 0
  /// Connections with one or more, or leased to a transaction.
  public var busy = 0
  /// Connections that are being opened or wait to be.
  public var connecting = 0
  /// Batches and transactions that wait for a connection.
  public var waiters = 0

  /// Nothing at all.
  public init() {}
}
