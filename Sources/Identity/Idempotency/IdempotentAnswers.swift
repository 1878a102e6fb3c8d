import FoundationEssentials
import Query
import Tenancy

/// One use of an `Idempotency-Key`.
public struct IdempotencyPlace: Sendable {
  /// Hash of caller and key, 32 bytes.
  public let key: [UInt8]
  /// Hash of method, address and body, 32 bytes.
  public let request: [UInt8]

  /// A use.
  public init(key: [UInt8], request: [UInt8]) {
    self.key = key
    self.request = request
  }
}

/// What is known of a key when a request comes with it.
public enum IdempotencyState: Sendable {
  /// Nothing: the request is the first and has taken the key.
  case begun
  /// The first one has no answer yet.
  case inFlight
  /// It was used for another request.
  case otherRequest
  /// The first one was answered so.
  case answered(status: Int, sealed: [UInt8])

  /// Reads the columns `begun, same request, status, response_sealed`.
  ///
  /// Where the row is there for the INSERT but not yet for the SELECT's snapshot, another request has just taken it.
  init(_ row: inout Row) throws(DecodingFault) {
    let begun: Bool = try row.next()
    let isSame: Bool? = try row.next()
    let status: Int? = try row.next()
    let sealed: [UInt8]? = try row.next()
    if begun {
      self = .begun
    } else if isSame == false {
      self = .otherRequest
    } else if let status, let sealed {
      self = .answered(status: status, sealed: sealed)
    } else {
      self = .inFlight
    }
  }
}

/// The answers kept for idempotency keys: a tenant's, or the operator's.
///
/// A key lives for 24 h. One whose request never came to an end is free again after a minute: its process is gone.
public protocol IdempotentAnswers: Sendable {
  /// Whose they are, for sealing; the operator's belong to the nil UUID.
  var tenant: UUID { get }
  /// Takes the key, or tells who has it.
  func begin(_ place: IdempotencyPlace) async throws(ManagementRefusal) -> IdempotencyState
  /// Keeps the answer.
  func keep(_ place: IdempotencyPlace, _ status: Int, _ sealed: [UInt8]) async throws(ManagementRefusal)
  /// Gives the key back, because nothing was done.
  func forget(_ place: IdempotencyPlace) async throws(ManagementRefusal)
}
