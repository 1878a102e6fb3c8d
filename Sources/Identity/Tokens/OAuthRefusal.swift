import OAuth

/// Why an OAuth endpoint gives nothing.
public enum OAuthRefusal: Error, Sendable {
  /// For the client.
  case oauth(OAuthError)
  /// A fault of ours.
  case fault(IdentityFault)
}
