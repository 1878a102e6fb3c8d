import Jobs
import Tenancy

/// The work of the token refresher: a current app access token for every enabled client of an active tenant.
public struct AppTokenRefresh: Work {
  private let database: Database
  private let fetch: AppTokenFetch
  /// A connection of its own for the sign of life, so that it does not wait behind the work.
  private let heartbeat: Database

  /// Refreshes in `database`; `heartbeat` renews the leases.
  public init(database: Database, heartbeat: Database, fetch: AppTokenFetch) {
    self.database = database
    self.heartbeat = heartbeat
    self.fetch = fetch
  }

  /// The `kind` of jobs and metrics.
  public let kind = "wechat_token_refresh"
  /// WeChat answers in some tens of milliseconds: enough for thousands a second, and for claims and stores of a hundred.
  public let concurrency = 256

  /// Leases due refreshes.
  public func claim(_ lease: Lease, limit: Int) async throws -> [AppTokenClaim] {
    try await database.run(ClaimAppTokens(lease: lease, limit: limit))
  }

  /// Fetches and stores a token.
  public func handle(_ claim: AppTokenClaim) async throws -> Handled {
    let outcome = try await fetch.fetch(
      claim.client, fence: claim.fence, attempts: claim.attempts, in: database.scoped(to: claim.tenant))
    return switch outcome {
    case .stored: .done(1)
    case .failed: .failed
    case .lost: .lost
    }
  }

  /// Prolongs the holder's leases.
  public func renew(_ lease: Lease) async throws {
    _ = try await heartbeat.run(RenewAppTokens(lease: lease), deadline: .seconds(lease.seconds / 3), repeatable: true)
  }

  /// Gives the holder's work back.
  public func release(_ lease: Lease) async throws {
    _ = try await database.run(ReleaseAppTokens(holder: lease.holder), deadline: .seconds(2), repeatable: true)
  }

  /// Seconds the oldest due refresh waits.
  public func lag() async throws -> Double {
    try await heartbeat.run(OldestDueAppToken(), repeatable: true).first ?? 0
  }
}
