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
        return .unlinked
      case .endSession(let session):
        try await UserSessions(database).end(session, of: user, author: author)
        return session == holder.session ? .signedOut : .sessionEnded
      case .endAllSessions:
        _ = try await database.run(EndSessions(author: author, user: user), repeatable: true)
        return .signedOut
      case .revokeConsent(let client):
        let revoked = try await database.run(RevokeConsent(author: author, user: user, client: client))
        return revoked.isEmpty ? .nothing : .consentRevoked
      case .changePassword(let current, let new):
        return try await changePassword(from: current, to: new, holder, author, visit, in: database)
      }
    } catch ManagementRefusal.notFound {
      return .nothing
    } catch ManagementRefusal.conflict {
      return .lastCredential
    } catch ManagementRefusal.database(let error) {
      throw .fault(.database(error))
    } catch let error as DatabaseError {
      throw .fault(.database(error))
    } catch let refusal as OAuthRefusal {
      throw refusal
    } catch {
      throw .fault(.cryptography("password hashing"))
    }
  }

  /// The current password is checked as at sign-in: counted, locked after too many, on threads of its own.
  private func changePassword(
    from current: Secret<String>, to new: Secret<String>, _ holder: AccountHolder, _ author: Author,
    _ visit: Authorization.Visit, in database: TenantDatabase
  ) async throws -> Outcome {
    guard (8...200).contains(new.expose().unicodeScalars.count) else { return .weakPassword }
    guard holder.hasPassword, let name = holder.loginHint else { return .wrongPassword }
    do {
      let found = try await LocalSignIn(workers: workers).signIn(
        name, current, application: visit.application, in: database, requestID: visit.requestID)
      guard found.user == holder.user.id else { return .wrongPassword }
    } catch {
      switch error {
      case .wrongCredentials: return .wrongPassword
      case .locked: return .locked
      case .busy: return .busy
      case .fault(let fault): throw OAuthRefusal.fault(fault)
      }
    }
    let hash = try await PasswordHash.make(new, on: workers)
    // Whoever else knew the old password is out.
    _ = try await database.run(
      ChangePassword(author: author, user: holder.user.id, passwordHash: hash),
      EndSessions(author: author, user: holder.user.id, sparing: holder.session))
    return .passwordChanged
  }
}
