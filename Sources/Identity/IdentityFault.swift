import Query

/// A fault of the service itself, as opposed to a refusal: the caller is told that it was not them, the log what it was.
public enum IdentityFault: Error, Sendable {
  /// A sealed value does not open; names the column, never the value.
  case sealedValue(String)
  /// The crypto library refused; names the operation.
  case cryptography(String)
  /// The database failed.
  case database(DatabaseError)

  /// True when it is no fault of ours, but a DPoP proof that was used before.
  public var isReplayedProof: Bool {
    if case .database(let error) = self { error.isReplayedProof } else { false }
  }
}
