import FoundationEssentials
import Observability
import Query
import Secrets
import Tenancy

/// What a signed-in person sees and changes of their own account.
///
/// Who a browser acts for is told by its session's cookie alone; what takes something away that protects the account asks for a
/// sign-in of the last five minutes.
public struct Account: Sendable {
  /// How old a sign-in may be that allows a sensitive change, in seconds.
  public static let freshness = 300.0

  let authorization: Authorization
  let secondFactors: SecondFactors
  let workers: PasswordWorkers
  let now: @Sendable () -> Date

  /// The accounts behind `authorization`'s sessions.
  public init(
    authorization: Authorization, secondFactors: SecondFactors, workers: PasswordWorkers = .shared,
    now: @escaping @Sendable () -> Date
  ) {
    self.authorization = authorization
    self.secondFactors = secondFactors
    self.workers = workers
    self.now = now
  }

  /// Something a person wants changed.
  public enum Operation: Sendable {
    /// Take a WeChat identity off.
    case unlink(ID<FederatedIdentity>)
    /// End one session.
    case endSession(ID<Session>)
    /// End all sessions.
    case endAllSessions
    /// Take back what a client was allowed.
    case revokeConsent(UUID)
    /// Have another password.
    case changePassword(current: Secret<String>, new: Secret<String>)
    /// Be shown a key for an authenticator.
    case beginMFA
    /// Turn the second factor on with its first code.
    case confirmMFA(code: String)
    /// Turn it off.
    case disableMFA
    /// Have other backup codes.
    case renewBackupCodes

    /// True for what needs a fresh sign-in.
    public var isSensitive: Bool {
      switch self {
      case .unlink, .changePassword, .beginMFA, .confirmMFA, .disableMFA, .renewBackupCodes: true
      case .endSession, .endAllSessions, .revokeConsent: false
      }
    }
  }

  /// What became of it.
  public enum Outcome: Sendable {
    /// It was not there any more, or cannot be done.
    case nothing
    /// The session of this very browser is over.
    case signedOut
    /// To be reported on the page.
    case notice(Notice)
    /// The key to put into an authenticator, in base32, and whether a code of it was wrong.
    case enrolling(Secret<String>, isWrong: Bool)
    /// Backup codes, seen only now.
    case backupCodes([String])
  }

  /// The word by which the page reports it.
  public enum Notice: String, Sendable {
    /// The identity is off.
    case unlinked
    /// Nothing to sign in with would be left.
    case lastCredential = "last_credential"
    /// The session has ended.
    case sessionEnded = "session_ended"
    /// The client has its consent no more.
    case consentRevoked = "consent_revoked"
    /// There is a new password.
    case passwordChanged = "password_changed"
    /// The second factor is off.
    case mfaOff = "mfa_off"
    /// The current password is wrong.
    case wrongPassword = "wrong_password"
    /// The new password is too short or too long.
    case weakPassword = "weak_password"
    /// Too many wrong passwords.
    case locked
    /// Passwords cannot be checked just now.
    case busy
  }

  /// Whose browser it is; `nil` when nobody is signed in there.
  /// - Throws: `.fault`.
  public func holder(
    _ visit: Authorization.Visit, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> AccountHolder? {
    guard let cookie = visit.cookie else { return nil }
    return try await authorization.run(
      FindAccountHolder(application: visit.application, cookie: cookie), in: database
    ).first
  }

  /// True while the sign-in is recent enough for a sensitive change.
  public func isFresh(_ holder: AccountHolder) -> Bool {
    now().timeIntervalSince(holder.authTime) <= Self.freshness
  }

  /// What the page shows.
  /// - Throws: `.fault`.
  public func overview(
    of holder: AccountHolder, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> AccountOverview {
    do {
      let user = holder.user.id
      let (identities, sessions, consents) = try await database.run(
        ListAccountIdentities(user: user), ListAccountSessions(user: user), ListAccountConsents(user: user),
        repeatable: true)
      return AccountOverview(identities: identities, sessions: sessions, consents: consents)
    } catch {
      throw .fault(.database(error))
    }
  }
}
