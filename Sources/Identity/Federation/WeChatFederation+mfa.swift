import Federation
import FoundationEssentials
import OAuth
import Query
import Secrets
import Tenancy

/// The second factor of people who come by a miniapp or a native app: WeChat's authentication is the first one.
///
/// ```
///  known ─► owes nothing ────► tokens
///       ├─► has a second one ─► ticket ─► mfa: right ─► tokens, ticket spent
///       │                               └► wrong: counted, the tenth in a row locks, ticket stays
///       └─► must enrol first ─► refused: the account page does that
/// ```
extension WeChatFederation {
  /// Takes the second factor of the person a ticket of `profile` or `bindUser` stands for.
  /// - Parameter code: of the authenticator, or a backup code.
  /// - Throws: `FederationRefusal`; the ticket is spent by success only.
  public func secondFactor(
    _ code: String, ticket text: String, client id: ID<ThirdPartyAuthzClient>, in database: TenantDatabase,
    requestID: String
  ) async throws(FederationRefusal) -> FederationOutcome.SignedIn {
    let (client, transaction) = try await mfaTransaction(text, client: id, in: database)
    let find = FindPerson(
      application: client.application.id, appID: transaction.appID, openid: transaction.openid)
    guard let user = try await database.refusing(find).first else { throw Self.ticketGone }
    guard user.isActive else { throw .userDisabled }
    let verdict: SecondFactors.Verdict
    do {
      verdict = try await secondFactors.verify(code, of: user.id, in: database, requestID: requestID)
    } catch {
      throw .fault(error)
    }
    switch verdict {
    case .wrong: throw .provider(.mfaCodeInvalid)
    case .locked(let seconds): throw .provider(.mfaLocked(retryAfter: seconds))
    case .right: break
    }
    let plan = PlannedSession.make(scope: Scope(client.scopes), now: now())
    let amr = Self.amr + SecondFactors.amr
    let attempt = SignIn(
      database: database, client: client, person: try person(of: transaction, in: database), ticket: transaction.id,
      plan: plan, requestID: requestID, profile: [:], exchange: nil, amr: amr)
    guard let user = try await attempt.known() else { throw Self.ticketGone }
    return try signedIn(user, plan, client, created: false, amr: amr, in: database)
  }

  /// A ticket for a known person who owes a second factor, kept as the answer to the code where there was one.
  func askForSecondFactor(
    _ user: ID<User>, _ person: Person, _ client: FederationClient, answering codeHash: [UInt8]?,
    in database: TenantDatabase
  ) async throws(FederationRefusal) -> String {
    guard let codeHash else {
      let (text, insert) = makeTicket(.mfa, person, client, in: database)
      _ = try await database.refusing(insert)
      return text
    }
    return try await issueTicket(
      .mfa, person, client, answering: codeHash, for: user, seed: { .mfaRequired(ticket: $0) }, in: database)
  }

  /// What the person owes in SiX's wire form, which has no step for it.
  func refuseIfOwing(
    _ user: User, _ client: FederationClient, in database: TenantDatabase
  ) async throws(FederationRefusal) {
    let find = FindSecondFactor(application: client.application.id, user: user.id)
    switch try await database.refusing(find).first {
    case "none": return
    case "code": throw .provider(.mfaRequired)
    default: throw .provider(.mfaEnrollmentRequired)
    }
  }

  private func mfaTransaction(
    _ text: String, client: ID<ThirdPartyAuthzClient>, in database: TenantDatabase
  ) async throws(FederationRefusal) -> (FederationClient, FederationTransaction) {
    do {
      return try await redeemable(text, purpose: .mfa, client: client, in: database)
    } catch .ticketInvalid {
      throw Self.ticketGone
    }
  }

  private static let ticketGone = FederationRefusal.provider(.mfaTicketInvalid)
}

/// What a person owes beside the first factor: `none`, `code` or `enroll`.
struct FindSecondFactor: TenantStatement {
  static let sql: SQL = "SELECT second_factor($1, u.id) FROM users u WHERE u.tenant_id = current_tenant() AND u.id = $2"
  let application: ID<IdentityApplication>
  let user: ID<User>

  func bind(to binder: inout Binder) {
    binder.bind(application)
    binder.bind(user)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> String { try row.next() }
}

extension ProviderFailure {
  /// SiX's form has no second step.
  static let mfaRequired = ProviderFailure(
    code: "mfa_required", status: 403, errcode: nil, retry: .relogin,
    detail: "This person signs in with a second factor. Use POST …/profile and …/mfa in their JSON form.",
    detailZH: "该用户已开启两步验证，请使用支持两步验证的登录方式。")
  /// The application asks for a second factor that the person has not.
  static let mfaEnrollmentRequired = ProviderFailure(
    code: "mfa_enrollment_required", status: 403, errcode: nil, retry: .relogin,
    detail:
      "This directory asks for a second factor. Enrol an authenticator on the account page, {issuer}/account, first.",
    detailZH: "该应用要求两步验证，请先在账号页面（{issuer}/account）设置验证器。")
  /// A ticket that stands for nobody.
  static let mfaTicketInvalid = ProviderFailure(
    code: "mfa_ticket_invalid", status: 400, errcode: nil, retry: .relogin,
    detail: "The ticket is unknown, used, expired or of another client. Call profile with a new code.",
    detailZH: "验证凭证无效、已使用或已过期，请重新登录。")
  /// A wrong code.
  static let mfaCodeInvalid = ProviderFailure(
    code: "mfa_code_invalid", status: 400, errcode: nil, retry: .never,
    detail: "This code is not right or was used already.", detailZH: "验证码不正确或已被使用。")

  /// Too many wrong codes.
  static func mfaLocked(retryAfter: Int) -> ProviderFailure {
    ProviderFailure(
      code: "rate_limited", status: 429, errcode: nil, retry: .backOff,
      detail: "Too many wrong codes. Wait before the next try.", detailZH: "尝试次数过多，请稍后再试。",
      retryAfter: retryAfter)
  }
}
