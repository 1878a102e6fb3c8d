/// Why somebody is not signed in by a password.
public enum LocalSignInRefusal: Error, Sendable {
  /// No such name, no password, another password, or a disabled user: nobody is told which.
  case wrongCredentials
  /// Too many wrong passwords in a row for this account; seconds until the next try is looked at.
  case locked(retryAfter: Int)
  /// More sign-ins than passwords can be checked; seconds until it is worth trying again (503 and `Retry-After`).
  case busy(retryAfter: Int)
  /// A fault of ours.
  case fault(IdentityFault)
}
