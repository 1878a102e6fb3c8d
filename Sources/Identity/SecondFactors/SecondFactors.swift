import FoundationEssentials
import Observability
import Query
import Secrets
import Tenancy

/// The second factor of people: an authenticator app, and backup codes beside it.
///
/// ```
///  none ─► key shown to one page ─► its first code right ─► asked for at every sign-in ─► turned off, or reset
///               (a sign-in asks for nothing yet)                code of a time step: once; backup code: once
/// ```
///
/// The key lies sealed, and the database decides which time step was used before.
public struct SecondFactors: Sendable {
  /// Whether a code was right.
  public enum Verdict: Sendable, Equatable {
    /// It was, and cannot be used again.
    case right
    /// It was not, or not any more.
    case wrong
    /// Too many were wrong; seconds until the next is looked at.
    case locked(retryAfter: Int)
  }

  /// How a session is told that showed both factors (RFC 8176).
  static let amr = ["otp", "mfa"]

  private let ring: KeyRing
  private let now: @Sendable () -> Date

  /// Second factors whose keys are sealed with `ring`.
  public init(ring: KeyRing, now: @escaping @Sendable () -> Date) {
    self.ring = ring
    self.now = now
  }

  /// Looks at a code of the authenticator or a backup code; it is counted before, so that tries sent at once cannot outrun the
  /// count.
  /// - Throws: `IdentityFault`.
  public func verify(
    _ typed: String, of user: ID<User>, in database: TenantDatabase, requestID: String
  ) async throws(IdentityFault) -> Verdict {
    let author = Author.user(user, requestID: requestID)
    do {
      guard let found = try await database.run(BeginFactorTry(user: user)).first else { return .wrong }
      guard found.isCounted else { return .locked(retryAfter: max(1, found.lockedFor ?? 1)) }
      let code = BackupCode.plain(typed)
      if code.utf8.count == 6, let sealed = found.secretSealed {
        let secret = try open(sealed, of: user, database.tenant.id)
        for step in TOTP.steps(of: code, secret, at: now()) {
          if try await !database.run(TakeTimeStep(user: user, step: step)).isEmpty { return .right }
        }
      } else if let hash = BackupCode.hash(code, of: user) {
        let take = TakeBackupCode(author: author, user: user, hash: hash)
        if try await !database.run(take).isEmpty { return .right }
      }
      if found.locks { _ = try await database.run(RecordLock(author: author, user: user)) }
      return .wrong
    } catch let error as DatabaseError {
      throw .database(error)
    } catch let fault as IdentityFault {
      throw fault
    } catch {
      throw .cryptography("a second factor")
    }
  }

  /// The key for a person to put into their authenticator, in base32; the same one again for the same page.
  /// - Parameter page: what tells the session or interaction that shows it from every other; never a word of the browser's.
  /// - Returns: `nil` for a person who has one already.
  /// - Throws: `IdentityFault`.
  public func begin(
    for user: ID<User>, page: [UInt8], in database: TenantDatabase
  ) async throws(IdentityFault) -> Secret<String>? {
    let sealed = ring.seal(RandomBytes.make(TOTP.secretLength), for: .totp(database.tenant.id, user))
    let begin = BeginEnrolment(user: user, secretSealed: sealed, page: Digest.sha256(page))
    do {
      guard let kept = try await database.run(begin).first else { return nil }
      return Secret(Base32.string(try open(kept, of: user, database.tenant.id)))
    } catch let error as DatabaseError {
      throw .database(error)
    } catch let fault as IdentityFault {
      throw fault
    } catch {
      throw .cryptography("a second factor")
    }
  }

  /// Takes the first code of a new authenticator.
  /// - Parameter session: the session it is done in, where there is one: it has shown both factors then.
  /// - Returns: the backup codes, which are never seen again; `nil` for a wrong code, or when nothing waits for one.
  /// - Throws: `IdentityFault`.
  public func confirm(
    _ typed: String, of user: ID<User>, page: [UInt8], session: ID<Session>? = nil, in database: TenantDatabase,
    requestID: String
  ) async throws(IdentityFault) -> [String]? {
    let page = Digest.sha256(page)
    do {
      guard let sealed = try await database.run(FindEnrolment(user: user, page: page)).first else { return nil }
      let secret = try open(sealed, of: user, database.tenant.id)
      guard let step = TOTP.steps(of: BackupCode.plain(typed), secret, at: now()).first else { return nil }
      let codes = BackupCode.make()
      let confirm = ConfirmEnrolment(
        author: .user(user, requestID: requestID), user: user, page: page, step: step,
        codeHashes: codes.compactMap { BackupCode.hash($0, of: user) }, session: session)
      return try await database.run(confirm).isEmpty ? nil : codes
    } catch let error as DatabaseError {
      throw .database(error)
    } catch let fault as IdentityFault {
      throw fault
    } catch {
      throw .cryptography("a second factor")
    }
  }

  /// New backup codes in place of the old ones.
  /// - Returns: `nil` for a person without an authenticator.
  /// - Throws: `DatabaseError`.
  func renewBackupCodes(
    of user: ID<User>, author: Author, in database: TenantDatabase
  ) async throws(DatabaseError) -> [String]? {
    let codes = BackupCode.make()
    let renew = RenewBackupCodes(
      author: author, user: user, codeHashes: codes.compactMap { BackupCode.hash($0, of: user) })
    return try await database.run(renew).isEmpty ? nil : codes
  }

  /// Takes a user's second factor away, for one who lost it: an administrator has made sure who they are.
  /// - Throws: `.notFound` when there is no such user, or none with a second factor.
  public static func reset(
    _ user: ID<User>, author: Author, in database: TenantDatabase
  ) async throws(ManagementRefusal) {
    let remove = RemoveAuthenticator(author: author, action: "mfa.reset", user: user)
    guard try await !database.managing(remove).isEmpty else { throw .notFound }
  }

  private func open(_ sealed: [UInt8], of user: ID<User>, _ tenant: ID<Tenant>) throws(IdentityFault) -> [UInt8] {
    do {
      return try ring.open(sealed, for: .totp(tenant, user))
    } catch {
      throw .sealedValue("totp_authenticators.secret_sealed of \(user)")
    }
  }
}

extension KeyRing.Place {
  /// Where the key of an authenticator lies.
  fileprivate static func totp(_ tenant: ID<Tenant>, _ user: ID<User>) -> KeyRing.Place {
    KeyRing.Place(
      tenant: tenant.uuid, table: "totp_authenticators", column: "secret_sealed", row: user.description)
  }
}
