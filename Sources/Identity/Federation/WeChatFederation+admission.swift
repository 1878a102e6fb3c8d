import Tenancy

/// What is kept to answer a code again, by how it is answered.
struct AnswerSeeds {
  let known: ExchangeSeed
  let created: ExchangeSeed
  /// With the text of the bind ticket.
  let unknown: (String) -> ExchangeSeed

  init(known: ExchangeSeed, created: ExchangeSeed, unknown: @escaping (String) -> ExchangeSeed) {
    self.known = known
    self.created = created
    self.unknown = unknown
  }
}

extension WeChatFederation {
  /// Where a person stands in the directory.
  enum Admission {
    /// They are this user.
    case known(User)
    /// They have become this user, where enrolment is automatic.
    case created(User)
    /// They are nobody: a bind ticket stands for them.
    case unknown(ticket: String)
  }

  /// Finds the person of an exchange, creates them where that is automatic, or gives them a ticket; the answer to the code is kept
  /// in the same transaction.
  /// - Parameter plan: the session and tokens of the sign-in; `nil` where somebody else makes the session.
  func admit(
    _ person: Person, _ client: FederationClient, answering codeHash: [UInt8], _ seeds: AnswerSeeds,
    plan: PlannedSession?, in database: TenantDatabase,
    requestID: String
  ) async throws(FederationRefusal) -> Admission {
    func attempt(_ seed: ExchangeSeed) -> SignIn {
      SignIn(
        database: database, client: client, person: person, ticket: nil, plan: plan, requestID: requestID,
        profile: [:], exchange: (codeHash, codes.sealed(seed, codeHash: codeHash, tenant: database.tenant.id)))
    }
    if let user = try await attempt(seeds.known).known() { return .known(user) }
    if client.application.enrollment == .automatic {
      if let user = try await attempt(seeds.created).created(phoneNumber: nil) { return .created(user) }
      guard let user = try await attempt(seeds.known).known() else { throw .codeInFlight }
      return .known(user)
    }
    if client.application.enrollment == .closed { throw .enrollmentClosed }
    return .unknown(
      ticket: try await issueTicket(
        .bind, person, client, answering: codeHash, seed: seeds.unknown, in: database))
  }
}
