import Federation
import FoundationEssentials
import OAuth
import Observability
import Query
import Secrets
import Tenancy

/// The identity application trusts WeChat's authentication: a login code becomes tokens of our own, or a ticket.
///
/// ```
///  code ─► exchanged once ─► known ───────────────► signed in
///                        └─► unknown ─► automatic ► created, signed in
///                                    └► bind ─────► ticket ─► bindUser ► linked or created, signed in
/// ```
public struct WeChatFederation: Sendable {
  /// Whose codes are exchanged: each kind of app has a way of its own.
  public enum Kind: String, Sendable {
    /// `wx.login` of a miniapp.
    case miniapp = "wechat_miniapp"
    /// The WeChat SDK of a native app.
    case mobile = "wechat_mobile"
    /// The QR page of a website.
    case web = "wechat_web"
    /// Web OAuth inside WeChat.
    case officialAccount = "wechat_official_account"
  }

  /// How WeChat's authentication is called.
  static let amr = ["wechat"]

  let codes: CodeExchange
  let phones: PhoneNumbers
  let issuer: TokenIssuer
  let verifier: AccessTokenVerifier
  let ring: KeyRing
  let secondFactors: SecondFactors
  let now: @Sendable () -> Date

  /// A federation of the given parts.
  public init(
    codes: CodeExchange, phones: PhoneNumbers, issuer: TokenIssuer, verifier: AccessTokenVerifier, ring: KeyRing,
    secondFactors: SecondFactors, now: @escaping @Sendable () -> Date
  ) {
    self.codes = codes
    self.phones = phones
    self.issuer = issuer
    self.verifier = verifier
    self.ring = ring
    self.secondFactors = secondFactors
    self.now = now
  }

  /// Signs in the person who made `code`, or answers with a ticket.
  /// - Throws: `FederationRefusal`.
  public func profile(
    _ code: String, of kind: Kind = .miniapp, client: ID<ThirdPartyAuthzClient>, in database: TenantDatabase,
    requestID: String
  ) async throws(FederationRefusal) -> FederationOutcome {
    switch try await codes.exchange(code, client: client, kind: kind, in: database, requestID: requestID) {
    case .repeated(let client, let seed, let user):
      return try await again(seed, user: user, client: client, in: database)
    case .fresh(let client, let person, let codeHash):
      return try await keepingRefusal(of: client, answering: codeHash, in: database) {
        () async throws(FederationRefusal) in
        try await admitted(person, client, answering: codeHash, in: database, requestID: requestID)
      }
    }
  }

  /// Registers the person, or binds them to an existing user.
  /// - Throws: `FederationRefusal`; the ticket is spent by success only.
  public func bindUser(
    _ request: BindRequest, of kind: Kind = .miniapp, in database: TenantDatabase, requestID: String
  ) async throws(FederationRefusal) -> FederationOutcome {
    switch request.proof {
    case .ticket(let ticket):
      return try await bindOrAsk(request, ticket: ticket, answering: nil, in: database, requestID: requestID)
    case .code(let code):
      return try await bind(request, code: code, of: kind, in: database, requestID: requestID)
    }
  }

  private func admitted(
    _ person: Person, _ client: FederationClient, answering codeHash: [UInt8], in database: TenantDatabase,
    requestID: String
  ) async throws(FederationRefusal) -> FederationOutcome {
    let plan = PlannedSession.make(scope: Scope(client.scopes), now: now())
    let seeds = AnswerSeeds(
      known: .authenticated(plan, created: false), created: .authenticated(plan, created: true)
    ) { .registrationRequired(ticket: $0) }
    let admission: Admission
    do {
      admission = try await admit(
        person, client, answering: codeHash, seeds, plan: plan, in: database, requestID: requestID)
    } catch .mfaRequired(let user) {
      return .mfaRequired(
        ticket: try await askForSecondFactor(user.id, person, client, answering: codeHash, in: database), user: user)
    }
    switch admission {
    case .known(let user): return .authenticated(try signedIn(user, plan, client, created: false, in: database))
    case .created(let user): return .authenticated(try signedIn(user, plan, client, created: true, in: database))
    case .unknown(let ticket): return .registrationRequired(ticket: ticket)
    }
  }

  /// The bind ticket of a person who owes a second factor stays good for its ten minutes: nothing was given for it.
  func bindOrAsk(
    _ request: BindRequest, ticket text: String, answering codeHash: [UInt8]?, in database: TenantDatabase,
    requestID: String
  ) async throws(FederationRefusal) -> FederationOutcome {
    do {
      return .authenticated(
        try await bind(request, ticket: text, answering: codeHash, in: database, requestID: requestID))
    } catch .mfaRequired(let user) {
      let (client, transaction) = try await redeemable(text, purpose: .bind, client: request.client, in: database)
      let ticket = try await askForSecondFactor(
        user.id, try person(of: transaction, in: database), client, answering: codeHash, in: database)
      return .mfaRequired(ticket: ticket, user: user)
    }
  }

  private func bind(
    _ request: BindRequest, ticket text: String, answering codeHash: [UInt8]?, in database: TenantDatabase,
    requestID: String
  ) async throws(FederationRefusal) -> FederationOutcome.SignedIn {
    let (client, transaction) = try await redeemable(text, purpose: .bind, client: request.client, in: database)
    let target = try await bindTarget(request.bindTo, client, in: database)
    let phone = try await phones.number(
      request.phoneCode, of: transaction.openid, client: client, in: database, requestID: requestID)
    let plan = PlannedSession.make(scope: Scope(client.scopes), now: now())
    let person = try person(of: transaction, in: database)
    func attempt(created: Bool) -> SignIn {
      // Spending the ticket replaces it as the answer to its code, in one transaction.
      let exchange = codeHash.map { hash in
        (
          codeHash: hash,
          seed: codes.sealed(.authenticated(plan, created: created), codeHash: hash, tenant: database.tenant.id)
        )
      }
      return SignIn(
        database: database, client: client, person: person, ticket: transaction.id, plan: plan,
        requestID: requestID, profile: request.profile, exchange: exchange)
    }

    func done(_ user: User, created: Bool) throws(FederationRefusal) -> FederationOutcome.SignedIn {
      try signedIn(user, plan, client, created: created, in: database)
    }
    func existing() async throws(FederationRefusal) -> FederationOutcome.SignedIn? {
      guard var user = try await attempt(created: false).known() else { return nil }
      if let phone { user = try await keep(phone, of: user, in: database, requestID: requestID) }
      return try done(user, created: false)
    }
    if let known = try await existing() { return known }
    let owner = try await phones.owner(of: phone, client: client, target: target, in: database)
    if let user = target ?? owner {
      let means = target == nil ? "phone_number" : "access_token"
      let linked = try await attempt(created: false).linked(
        to: user, means: means, phoneNumber: phone, spending: transaction.id)
      if let linked { return try done(linked, created: false) }
    } else {
      guard client.application.enrollment != .closed else { throw .enrollmentClosed }
      if let user = try await attempt(created: true).created(phoneNumber: phone) {
        return try done(user, created: true)
      }
    }
    guard let known = try await existing() else { throw .ticketInvalid }
    return known
  }

  private func bindTarget(
    _ token: String?, _ client: FederationClient, in database: TenantDatabase
  ) async throws(FederationRefusal) -> ID<User>? {
    guard let token else { return nil }
    let live: AccessTokenVerifier.Live?
    do {
      live = try await verifier.live(token, application: client.application.slug, in: database)
    } catch {
      throw .fault(error)
    }
    guard let user = live?.user else { throw .bindToInvalid }
    return user.id
  }

  /// Makes the answer to a repeated code again.
  func again(
    _ seed: ExchangeSeed, user: ID<User>?, client: FederationClient, in database: TenantDatabase
  ) async throws(FederationRefusal) -> FederationOutcome {
    if let refusal = seed.refusal { throw refusal }
    switch seed {
    case .registrationRequired(let ticket): return .registrationRequired(ticket: ticket)
    case .mfaRequired(let ticket):
      guard let user,
        let found = try await database.refusing(FindUser(application: client.application.id, user: user)).first
      else { throw .codeSpent }
      return .mfaRequired(ticket: ticket, user: found)
    case .federateCode, .browser, .refused, .keptOut: throw .codeSpent
    case .authenticated(let plan, let created):
      guard let user,
        let found = try await database.refusing(FindUser(application: client.application.id, user: user)).first
      else { throw .codeSpent }
      guard found.isActive else { throw .userDisabled }
      return .authenticated(try signedIn(found, plan, client, created: created, in: database))
    }
  }

  func signedIn(
    _ user: User, _ plan: PlannedSession, _ client: FederationClient, created: Bool, amr: [String] = Self.amr,
    in database: TenantDatabase
  ) throws(FederationRefusal) -> FederationOutcome.SignedIn {
    let facts = TokenIssuer.Facts(
      tenant: database.tenant, application: client.application, user: user, clientID: client.id.description,
      scope: plan.scope, session: plan.session, amr: amr, authTime: plan.issuedAt, issuedAt: plan.issuedAt,
      refreshToken: plan.refreshToken, withUserClaims: true)
    do {
      return FederationOutcome.SignedIn(tokens: try issuer.issue(facts), user: user, created: created)
    } catch {
      throw .fault(error)
    }
  }

  /// Fills an empty phone number; a different one that is already there stays.
  private func keep(
    _ phone: String, of user: User, in database: TenantDatabase, requestID: String
  ) async throws(FederationRefusal) -> User {
    do {
      let fill = FillPhoneNumber(user: user.id, phoneNumber: phone, requestID: requestID)
      return try await database.run(fill, repeatable: true).first ?? user
    } catch .unique(constraint: "users_phone_number_key") {
      throw .phoneNumberConflict
    } catch {
      throw .fault(.database(error))
    }
  }
}
