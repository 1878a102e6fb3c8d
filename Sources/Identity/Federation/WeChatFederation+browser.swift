import FoundationEssentials
import OAuth
import Observability
import Query
import Secrets
import Tenancy

/// A browser with a code of WeChat's, whose `state` was right.
struct WeChatArrival: Sendable {
  /// The row of the state: a code is answered again for it alone.
  let authorization: UUID
  let code: String
  let client: ID<ThirdPartyAuthzClient>
  let kind: WeChatFederation.Kind
  let requestID: String
}

/// The same rules for browsers: no tokens, but a session that the browser's cookie will hold, or nothing but a link.
extension WeChatFederation {
  /// Where a person stands who came by browser.
  enum BrowserOutcome {
    /// Known or created; the session is to be made with this cookie.
    case signedIn(ID<User>, OpaqueToken)
    /// Unknown; the ticket stands for them.
    case newcomer(String)
    /// Not the one who was asked for; nothing was done.
    case somebodyElse
  }

  /// Exchanges the code of an arrival for a person who is to be signed in.
  /// - Parameter user: who alone it may be; `nil` for anybody.
  func signIn(
    _ arrival: WeChatArrival, only user: ID<User>?, in database: TenantDatabase
  ) async throws(FederationRefusal) -> BrowserOutcome {
    let exchanged = try await codes.exchange(
      arrival.code, client: arrival.client, kind: arrival.kind, in: database, requestID: arrival.requestID)
    switch exchanged {
    case .repeated(_, .browser(arrival.authorization, .signedIn(let text)), let user?):
      guard let cookie = OpaqueToken(text, prefix: BrowserSession.prefix) else { throw .codeSpent }
      return .signedIn(user, cookie)
    case .repeated(_, .browser(arrival.authorization, .newcomer(let ticket)), _): return .newcomer(ticket)
    case .repeated(_, .browser(arrival.authorization, .linked(false)), _): return .somebodyElse
    case .repeated(_, .browser(arrival.authorization, .keptOut(let isClosed)), _):
      throw isClosed ? .enrollmentClosed : .userDisabled
    case .repeated(_, let seed, _): throw seed.refusal ?? .codeSpent
    case .fresh(let client, let person, let codeHash):
      if let user, try await settled(person, client, in: database, requestID: arrival.requestID)?.id != user {
        try await keep(.browser(arrival.authorization, .linked(false)), client, codeHash, in: database)
        return .somebodyElse
      }
      let cookie = OpaqueToken.make(prefix: BrowserSession.prefix)
      let known = ExchangeSeed.browser(arrival.authorization, .signedIn(cookie: cookie.text.expose()))
      let seeds = AnswerSeeds(known: known, created: known) { .browser(arrival.authorization, .newcomer(ticket: $0)) }
      let admission: Admission
      do {
        admission = try await admit(
          person, client, answering: codeHash, seeds, plan: nil, in: database, requestID: arrival.requestID)
      } catch {
        // Whoever is sent back twice at once is told the same twice, and not to wait for an answer that is there.
        switch error {
        case .enrollmentClosed:
          try await keep(.browser(arrival.authorization, .keptOut(isClosed: true)), client, codeHash, in: database)
        case .userDisabled:
          try await keep(.browser(arrival.authorization, .keptOut(isClosed: false)), client, codeHash, in: database)
        default:
          await codes.keep(error, isSpent: true, codeHash: codeHash, client: client.id, in: database)
        }
        throw error
      }
      switch admission {
      case .known(let user), .created(let user): return .signedIn(user.id, cookie)
      case .unknown(let ticket): return .newcomer(ticket)
      }
    }
  }

  /// Exchanges the code of an arrival and gives the person's identity to a user; false when it is another user's.
  func link(
    _ arrival: WeChatArrival, to user: ID<User>, in database: TenantDatabase
  ) async throws(FederationRefusal) -> Bool {
    let exchanged = try await codes.exchange(
      arrival.code, client: arrival.client, kind: arrival.kind, in: database, requestID: arrival.requestID)
    switch exchanged {
    case .repeated(_, .browser(arrival.authorization, .linked(let isLinked)), _): return isLinked
    case .repeated(_, let seed, _): throw seed.refusal ?? .codeSpent
    case .fresh(let client, let person, let codeHash):
      let owner = try await settled(person, client, in: database, requestID: arrival.requestID)
      let isLinked = owner.map { $0.id == user } ?? true
      let seed = ExchangeSeed.browser(arrival.authorization, .linked(isLinked))
      guard isLinked else {
        try await keep(seed, client, codeHash, in: database)
        return false
      }
      let ticket = try await issueTicket(.bind, person, client, answering: codeHash, seed: { _ in seed }, in: database)
      return try await bind(
        ticket: ticket, to: user, means: "account", in: database, requestID: arrival.requestID)
    }
  }

  /// Binds the person of a ticket to a user who signed in otherwise; false when they are another user already.
  func bind(
    ticket text: String, to user: ID<User>, means: String, in database: TenantDatabase, requestID: String
  ) async throws(FederationRefusal) -> Bool {
    let (attempt, ticket, owner) = try await attempt(ticket: text, in: database, requestID: requestID)
    if let owner {
      guard owner.id == user else { return false }
      return try await attempt.known() != nil
    }
    let linked = try await attempt.linked(to: user, means: means, phoneNumber: nil, spending: ticket)
    guard linked != nil else { throw .ticketInvalid }
    return true
  }

  /// Creates the person of a ticket, unless they have become somebody meanwhile.
  func register(
    ticket text: String, in database: TenantDatabase, requestID: String
  ) async throws(FederationRefusal) -> User {
    let (attempt, _, owner) = try await attempt(ticket: text, in: database, requestID: requestID)
    if owner == nil {
      guard attempt.client.application.enrollment != .closed else { throw .enrollmentClosed }
      if let user = try await attempt.created(phoneNumber: nil) { return user }
    }
    guard let user = try await attempt.known() else { throw .ticketInvalid }
    return user
  }

  /// What the person of a ticket calls themselves.
  func nickname(ofTicket text: String, in database: TenantDatabase) async throws(FederationRefusal) -> String? {
    let transaction = try await redeemable(text, purpose: .bind, client: nil, in: database).1
    return try person(of: transaction, in: database).fields["nickname"]
  }

  /// Keeps the answer to a code that nobody is signed in by.
  private func keep(
    _ seed: ExchangeSeed, _ client: FederationClient, _ codeHash: [UInt8], in database: TenantDatabase
  ) async throws(FederationRefusal) {
    let sealed = codes.sealed(seed, codeHash: codeHash, tenant: database.tenant.id)
    _ = try await database.refusing(FinishCodeExchange(client: client.id, codeHash: codeHash, seed: sealed))
  }

  private func attempt(
    ticket text: String, in database: TenantDatabase, requestID: String
  ) async throws(FederationRefusal) -> (SignIn, ticket: ID<FederationTransaction>, owner: User?) {
    let (client, transaction) = try await redeemable(text, purpose: .bind, client: nil, in: database)
    let person = try person(of: transaction, in: database)
    let attempt = SignIn(
      database: database, client: client, person: person, ticket: transaction.id, plan: nil, requestID: requestID,
      profile: [:], exchange: nil)
    return (attempt, transaction.id, try await settled(person, client, in: database, requestID: requestID))
  }
}
