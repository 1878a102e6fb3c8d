import Federation
import JSON

/// How `profile` or `bindUser` ended well.
public enum FederationOutcome: Sendable {
  /// The person is known or was created: tokens.
  case authenticated(SignedIn)
  /// The person is unknown: the ticket stands for the spent WeChat code.
  case registrationRequired(ticket: String)
  /// The person is known and owes a second factor: the ticket stands for them.
  case mfaRequired(ticket: String, user: User)

  /// Tokens and whose they are.
  public struct SignedIn: Sendable {
    /// The tokens.
    public let tokens: IssuedTokens
    /// The user.
    public let user: User
    /// True when this call created the user.
    public let created: Bool
  }
}

/// Why `profile` or `bindUser` refused.
public enum FederationRefusal: Error, Sendable {
  /// WeChat refused or could not be asked.
  case provider(ProviderFailure)
  /// The ticket is unknown, used, expired, or of another client or purpose.
  case ticketInvalid
  /// The code was handed in before, longer than 10 s ago or for something else.
  case codeSpent
  /// An earlier request with the same code has no answer yet.
  case codeInFlight
  /// The access token in `bind_to` is not a live one of this identity application.
  case bindToInvalid
  /// WeChat showed a virtual person, who must never become or join a user.
  case snapshotUser
  /// The user is disabled.
  case userDisabled
  /// The person is this user, who owes a second factor that this call cannot take.
  case mfaRequired(User)
  /// The directory takes nobody new.
  case enrollmentClosed
  /// No such enabled client of this kind in this tenant.
  case clientNotFound
  /// The phone number is another user's and the policy does not link.
  case phoneNumberConflict
  /// WeChat refused the tenant's credentials a while ago and the hub waits before it asks again.
  case credentialFailing(errcode: Int?)
  /// The hub has no app access token yet.
  case tokenUnavailable
  /// A fault of ours.
  case fault(IdentityFault)
}
