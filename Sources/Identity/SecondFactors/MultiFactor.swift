/// Whether people of a directory show a second factor (contract: `mfa`).
public enum MultiFactor: String, Sendable, CaseIterable {
  /// Never.
  case off
  /// Those who enrolled do.
  case optional
  /// All do; who has none enrols at the next sign-in.
  case required
}
