import FoundationEssentials
import OAuth
import Secrets
import Tenancy

/// The session and refresh token of a sign-in, decided before the statement that makes them.
///
/// Because all of it is known beforehand, the answer to a repeated code can be kept in the same statement, and the same tokens
/// can be made again from it.
struct PlannedSession: Sendable {
  /// The session.
  let session: ID<Session>
  /// The first refresh token of the grant.
  let refreshToken: RefreshToken
  /// What is granted.
  let scope: Scope
  /// `iat` and `auth_time` of the tokens.
  let issuedAt: Date

  /// A new session at `now`.
  static func make(scope: Scope, now: Date) -> PlannedSession {
    PlannedSession(session: .make(), refreshToken: .make(), scope: scope, issuedAt: now)
  }
}
