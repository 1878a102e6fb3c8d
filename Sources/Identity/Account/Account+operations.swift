import FoundationEssentials
import Observability
import Query
import Tenancy

extension Account {
  /// Does what the holder wants; the caller has seen to it that a sensitive operation comes with a fresh sign-in.
  /// - Throws: `.fault`.
  public func perform(
    _ operation: Operation, for holder: AccountHolder, _ visit: Authorization.Visit, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> Outcome {
    let user = holder.user.id
    let author = Author.user(user, requestID: visit.requestID)
    do {
      switch operation {
      case .unlink(let identity):
        try await UserIdentities(database).unlink(identity, of: user, author: author)
        return .notice(.unlinked)
      case .endSession(let session):
        try await UserSessions(database).end(session, of: user, author: author)
        return session == holder.session ? .signedOut : .notice(.sessionEnded)
      case .endAllSessions:
        _ = try await database.run(EndSessions(author: author, user: user), repeatable: true)
        return .signedOut
      case .revokeConsent(let client):
        let revoked = try await database.run(RevokeConsent(author: author, user: user, client: client))
        return revoked.isEmpty ? .nothing : .notice(.consentRevoked)
      case .beginMFA: return try await begin(for: holder, in: database)
      case .confirmMFA(let code): return try await confirm(code, for: holder, visit, in: database)
      case .disableMFA:
        guard holder.mfa != .required else { return .nothing }
        let remove = RemoveAuthenticator(author: author, action: "mfa.disabled", user: user)
        return try await database.run(remove).isEmpty ? .nothing : .notice(.mfaOff)
      case .renewBackupCodes:
        let codes = try await secondFactors.renewBackupCodes(of: user, author: author, in: database)
        return codes.map { .backupCodes($0) } ?? .nothing
      case .changePassword(let current, let new):
        return try await changePassword(from: current, to: new, holder, author, visit, in: database)
      }
    } catch ManagementRefusal.notFound {
      return .nothing
    } catch ManagementRefusal.conflict {
      return .notice(.lastCredential)
    } catch ManagementRefusal.database(let error) {
      throw .fault(.database(error))
    } catch let error as DatabaseError {
      throw .fault(.database(error))
    } catch let refusal as OAuthRefusal {
      throw refusal
    } catch let fault as IdentityFault {
      throw .fault(fault)
    } catch {
      throw .fault(.cryptography("password hashing"))
    }
  }

  /// The current password is checked as at sign-in: counted, locked after too many, on threads of its own.
  private func changePassword(
    from current: Secret<String>, to new: Secret<String>, _ holder: AccountHolder, _ author: Author,
    _ visit: Authorization.Visit, in database: TenantDatabase
  ) async throws -> Outcome {
    guard (8...200).contains(new.expose().unicodeScalars.count) else { return .notice(.weakPassword) }
    guard holder.hasPassword, let name = holder.loginHint else { return .notice(.wrongPassword) }
    do {
      let found = try await LocalSignIn(workers: workers).signIn(
        name, current, application: visit.application, in: database, requestID: visit.requestID)
      guard found.user == holder.user.id else { return .notice(.wrongPassword) }
    } catch {
      switch error {
      case .wrongCredentials: return .notice(.wrongPassword)
      case .locked: return .notice(.locked)
      case .busy: return .notice(.busy)
      case .fault(let fault): throw OAuthRefusal.fault(fault)
      }
    }
    let hash = try await PasswordHash.make(new, on: workers)
    // Whoever else knew the old password is out.
    _ = try await database.run(
      ChangePassword(author: author, user: holder.user.id, passwordHash: hash),
      EndSessions(author: author, user: holder.user.id, sparing: holder.session))
    return .notice(.passwordChanged)
  }

  private func begin(for holder: AccountHolder, in database: TenantDatabase) async throws -> Outcome {
    guard holder.mfa != .off else { return .nothing }
    let key = try await secondFactors.begin(for: holder.user.id, page: Self.page(holder), in: database)
    return key.map { .enrolling($0, isWrong: false) } ?? .nothing
  }

  private func confirm(
    _ code: String, for holder: AccountHolder, _ visit: Authorization.Visit, in database: TenantDatabase
  ) async throws -> Outcome {
    let codes = try await secondFactors.confirm(
      code, of: holder.user.id, page: Self.page(holder), session: holder.session, in: database,
      requestID: visit.requestID)
    if let codes { return .backupCodes(codes) }
    guard case .enrolling(let key, _) = try await begin(for: holder, in: database) else { return .nothing }
    return .enrolling(key, isWrong: true)
  }

  /// What tells this session's enrolment from another's; it is never the browser that says it.
  private static func page(_ holder: AccountHolder) -> [UInt8] { Array("session \(holder.session)".utf8) }
}
