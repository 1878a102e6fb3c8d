import FoundationEssentials
import OAuth
import Query
import Tenancy

/// What SiX's `profile` answers: who WeChat says the person is, and the code for the next step.
public struct SixProfile: Sendable {
  /// The person inside the AppID.
  public let openid: String
  /// `Token` for a known person, `UserBind` for an unknown one.
  public let codeType: String
  /// The federateCode.
  public let code: String
  /// What a known person recognises: the phone number masked, else the nickname, else the username.
  public let username: String?
}

extension WeChatFederation {
  /// SiX's `profile`: a `federateCode` instead of tokens.
  /// - Throws: `FederationRefusal`.
  public func sixProfile(
    _ code: String, client id: ID<ThirdPartyAuthzClient>, in database: TenantDatabase, requestID: String
  ) async throws(FederationRefusal) -> SixProfile {
    switch try await codes.exchange(code, client: id, kind: .miniapp, in: database, requestID: requestID) {
    case .repeated(let client, .federateCode(let text), let user):
      guard let user,
        let found = try await database.refusing(FindUser(application: client.application.id, user: user)).first
      else { throw .codeSpent }
      let transaction = try await redeemable(text, purpose: .token, client: id, in: database).1
      return SixProfile(openid: transaction.openid, codeType: "Token", code: text, username: found.recognisableName)
    case .repeated(_, .registrationRequired(let text), _):
      let transaction = try await redeemable(text, purpose: .bind, client: id, in: database).1
      return SixProfile(openid: transaction.openid, codeType: "UserBind", code: text, username: nil)
    case .repeated(_, let seed, _): throw seed.refusal ?? .codeSpent
    case .fresh(let client, let person, let codeHash):
      return try await keepingRefusal(of: client, answering: codeHash, in: database) {
        () async throws(FederationRefusal) in
        guard let user = try await enrolled(person, client, in: database, requestID: requestID) else {
          let text = try await issueTicket(.bind, person, client, answering: codeHash, in: database)
          return SixProfile(openid: person.openid, codeType: "UserBind", code: text, username: nil)
        }
        guard user.isActive else { throw .userDisabled }
        try await refuseIfOwing(user, client, in: database)
        let text = try await issueTicket(.token, person, client, answering: codeHash, for: user.id, in: database)
        return SixProfile(openid: person.openid, codeType: "Token", code: text, username: user.recognisableName)
      }
    }
  }

  /// The user this person is, created where enrolment is automatic; `nil` for one who is to bind.
  private func enrolled(
    _ person: Person, _ client: FederationClient, in database: TenantDatabase, requestID: String
  ) async throws(FederationRefusal) -> User? {
    if let known = try await settled(person, client, in: database, requestID: requestID) { return known }
    switch client.application.enrollment {
    case .bind: return nil
    case .closed: throw .enrollmentClosed
    case .automatic:
      let attempt = SignIn(
        database: database, client: client, person: person, ticket: nil, plan: nil, requestID: requestID, profile: [:],
        exchange: nil)
      if let created = try await attempt.created(phoneNumber: nil) { return created }
      // Somebody else created them meanwhile.
      guard let known = try await settled(person, client, in: database, requestID: requestID) else {
        throw .codeInFlight
      }
      return known
    }
  }

  /// SiX's `bindUser`: registers the person and gives no tokens; the next `profile` shows a `Token`.
  /// - Throws: `FederationRefusal`.
  public func sixBind(
    _ request: BindRequest, in database: TenantDatabase, requestID: String
  ) async throws(FederationRefusal) -> User {
    switch try await bindUser(request, in: database, requestID: requestID) {
    case .authenticated(let signedIn): signedIn.user
    case .mfaRequired(_, let user): user
    case .registrationRequired: throw .ticketInvalid
    }
  }

  /// Spends a `federateCode` of type `Token` for tokens.
  /// - Throws: `FederationRefusal`.
  func redeem(
    federateCode text: String, application: String?, in database: TenantDatabase, requestID: String
  ) async throws(FederationRefusal) -> IssuedTokens {
    let (client, transaction) = try await redeemable(text, purpose: .token, client: nil, in: database)
    if let application, client.application.slug != application { throw .ticketInvalid }
    let plan = PlannedSession.make(scope: Scope(client.scopes), now: now())
    let attempt = SignIn(
      database: database, client: client, person: try person(of: transaction, in: database), ticket: transaction.id,
      plan: plan,
      requestID: requestID, profile: [:], exchange: nil)
    guard let user = try await attempt.known() else { throw .ticketInvalid }
    return try signedIn(user, plan, client, created: false, in: database).tokens
  }

  /// The user this person is, joined by unionid where that has to be done; nobody is signed in.
  func settled(
    _ person: Person, _ client: FederationClient, in database: TenantDatabase, requestID: String
  ) async throws(FederationRefusal) -> User? {
    let find = FindPerson(application: client.application.id, appID: person.appID, openid: person.openid)
    if let known = try await database.refusing(find).first { return known }
    guard person.unionid != nil else { return nil }
    do {
      let join = JoinByUnionid(client: client, person: person, requestID: requestID)
      return try await database.run(join, find).1.first
    } catch .unique {
      return try await database.refusing(find).first
    } catch {
      throw .fault(.database(error))
    }
  }
}

extension User {
  /// What the person recognises, without telling a whole phone number.
  public var recognisableName: String? {
    guard let phoneNumber, phoneNumber.count > 8 else { return name ?? username }
    let digits = phoneNumber.hasPrefix("+86") ? phoneNumber.dropFirst(3) : phoneNumber.dropFirst(1)
    return "\(digits.prefix(3))****\(digits.suffix(4))"
  }
}
