import Federation

extension ExchangeSeed {
  /// What is kept of a refusal for whoever hands in the same code; `nil` for one that only the first request could get.
  init?(_ refusal: FederationRefusal) {
    switch refusal {
    case .provider(let failure): self = .refused(failure)
    case .userDisabled: self = .keptOut(.userDisabled)
    case .enrollmentClosed: self = .keptOut(.enrollmentClosed)
    case .snapshotUser: self = .keptOut(.snapshotUser)
    case .ticketInvalid, .codeSpent, .codeInFlight, .bindToInvalid, .mfaRequired, .clientNotFound, .phoneNumberConflict,
      .credentialFailing, .tokenUnavailable, .fault:
      return nil
    }
  }

  /// The refusal that was kept; `nil` for an answer.
  var refusal: FederationRefusal? {
    switch self {
    case .refused(let failure): .provider(failure)
    case .keptOut(.userDisabled): .userDisabled
    case .keptOut(.enrollmentClosed): .enrollmentClosed
    case .keptOut(.snapshotUser): .snapshotUser
    case .authenticated, .registrationRequired, .mfaRequired, .federateCode, .browser: nil
    }
  }
}
