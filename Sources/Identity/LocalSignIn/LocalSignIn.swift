import Observability
import Query
import Tenancy

/// Signs people in by a name and a password.
///
/// ```
///  no place ─► busy          counted ─► hashed ─► right ─► forgotten, signed in
///                            locked ─► locked       └► wrong ─► the tenth in a row locks
/// ```
///
/// A name that nobody has takes the same way, with the same statements and a hash of the same cost, so that neither the answer
/// nor its time tells it from one that somebody has.
public struct LocalSignIn: Sendable {
  /// Somebody whose password was right; the session is the caller's to make.
  public struct SignedIn: Sendable {
    /// The user.
    public let user: ID<User>
    /// How they were authenticated (RFC 8176).
    public let amr: [String]
  }

  private let workers: PasswordWorkers

  /// Sign-ins whose passwords are checked by `workers`.
  public init(workers: PasswordWorkers = .shared) { self.workers = workers }

  /// Who has this name and this password.
  ///
  /// - Parameters:
  ///   - name: a username, phone number or e-mail address as typed.
  ///   - application: the directory to look in.
  /// - Throws: `.wrongCredentials`, `.locked`, `.busy`.
  public func signIn(
    _ name: String, _ password: Secret<String>, application: ID<IdentityApplication>, in database: TenantDatabase,
    requestID: String
  ) async throws(LocalSignInRefusal) -> SignedIn {
    // A place first: a try that is counted must also be looked at.
    guard workers.enter() else { throw .busy(retryAfter: 2) }
    defer { workers.leave() }
    // What no account can be called is no secret: it needs no equal time.
    guard let name = LoginName(name), password.expose().utf8.count <= 1024 else { throw .wrongCredentials }
    do {
      return try await check(name, password, application, database, requestID)
    } catch let error as DatabaseError {
      throw .fault(.database(error))
    } catch let refusal as LocalSignInRefusal {
      throw refusal
    } catch {
      throw .fault(.cryptography("password hashing"))
    }
  }

  private func check(
    _ name: LoginName, _ password: Secret<String>, _ application: ID<IdentityApplication>, _ database: TenantDatabase,
    _ requestID: String
  ) async throws -> SignedIn {
    guard let found = try await database.run(BeginPasswordTry(application: application, name: name)).first else {
      throw LocalSignInRefusal.wrongCredentials
    }
    if found.account == nil, let seconds = found.lockedFor {
      throw LocalSignInRefusal.locked(retryAfter: max(1, seconds))
    }
    let matches = await PasswordHash.matches(password, found.passwordHash, on: workers)
    guard matches, found.isActive, let user = found.user, let account = found.account else {
      if found.locks {
        _ = try await database.run(
          RecordLock(author: .user(found.user, requestID: requestID), user: found.user))
      }
      throw LocalSignInRefusal.wrongCredentials
    }
    let newHash = PasswordHash.isCurrent(found.passwordHash) ? nil : try await PasswordHash.make(password, on: workers)
    _ = try await database.run(
      EndPasswordTries(
        application: application, account: account, user: user, oldHash: found.passwordHash, newHash: newHash))
    return SignedIn(user: user, amr: ["pwd"])
  }
}
