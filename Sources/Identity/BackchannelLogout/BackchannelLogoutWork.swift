import FoundationEssentials
import Jobs
import Tenancy

/// Tells relying parties of ended sessions (OpenID Connect Back-Channel Logout 1.0).
///
/// ```
///  a session ends ─► row ─► claimed ─► 200 or 204: gone
///  (trigger, same transaction)  ▲  └── else: it and all others for the same client wait, 1, 2, 4 … seconds, at most 15 minutes
///                               └──────────┘  for a day; then they are given up and an audit event says so
/// ```
///
/// A client that does not answer costs at most four requests at a time, and one wave of them for each pause, so
/// it delays nobody else's.
public struct BackchannelLogoutWork: Work {
  /// What a relying party made of a logout token.
  public enum Answer: Sendable, Equatable {
    /// The status of its answer; 200 and 204 mean that it logged the session out (section 2.8).
    case status(Int)
    /// No usable answer: a kind, never the address.
    case none(String)
  }

  /// Sends a form to an address that a tenant wrote.
  public typealias Post = @Sendable (_ address: String, _ form: [UInt8]) async -> Answer

  private let database: Database
  private let heartbeat: Database
  private let directory: TenantDirectory
  private let tokens: LogoutTokens
  private let post: Post
  private let now: @Sendable () -> Date

  /// Delivers what is due in `database` through `post`; `heartbeat` renews the leases.
  public init(
    database: Database, heartbeat: Database, tokens: LogoutTokens, now: @escaping @Sendable () -> Date,
    post: @escaping Post
  ) {
    self.database = database
    self.heartbeat = heartbeat
    self.tokens = tokens
    self.now = now
    self.post = post
    directory = TenantDirectory(database: database)
  }

  /// The `kind` of jobs and metrics.
  public let kind = "backchannel_logout"
  /// Deliveries mostly wait for others.
  public let concurrency = 32

  /// Leases due deliveries; tenants and clients take turns.
  public func claim(_ lease: Lease, limit: Int) async throws -> [BackchannelLogoutClaim] {
    try await database.run(ClaimBackchannelLogouts(lease: lease, limit: limit))
  }

  /// Delivers a logout token.
  public func handle(_ claim: BackchannelLogoutClaim) async throws -> Handled {
    let tenant = database.scoped(to: try await directory.scope(slug: claim.slug))
    let finish = FinishBackchannelLogout(logout: claim.logout, fence: claim.fence)
    guard let found = try await tenant.run(FindBackchannelLogout(logout: claim.logout, fence: claim.fence)).first else {
      // The client is gone, or has no address any more: nobody is left to be told.
      return try await tenant.run(finish).isEmpty ? .lost : .done(0)
    }
    let failure = await deliver(claim.logout, found, tenant: tenant.tenant)
    guard let failure else {
      // In a task of its own: a worker that is told to stop in this moment must not forget that it was delivered.
      return try await Task { try await tenant.run(finish) }.value.isEmpty ? .lost : .done(1)
    }
    // What was broken off is no failure of the client's: it is handed back, due at once.
    try Task.checkCancellation()
    let fail = FailBackchannelLogout(logout: claim.logout, fence: claim.fence, reason: failure)
    return try await tenant.run(fail).isEmpty ? .lost : .failed
  }

  /// - Returns: why it was not delivered.
  private func deliver(
    _ logout: ID<BackchannelLogout>, _ found: FindBackchannelLogout.Output, tenant: TenantScope
  ) async -> String? {
    guard let token = try? tokens.make(logout, found, tenant: tenant, now: now()) else { return "signing failed" }
    switch await post(found.address, Array("logout_token=".utf8) + token) {
    case .status(200), .status(204): return nil
    case .status(let status): return "HTTP \(status)"
    case .none(let kind): return kind
    }
  }

  /// Prolongs the holder's leases.
  public func renew(_ lease: Lease) async throws {
    let renew = RenewBackchannelLogouts(lease: lease)
    _ = try await heartbeat.run(renew, deadline: .seconds(lease.seconds / 3), repeatable: true)
  }

  /// Gives the holder's work back.
  public func release(_ lease: Lease) async throws {
    let release = ReleaseBackchannelLogouts(holder: lease.holder)
    _ = try await database.run(release, deadline: .seconds(2), repeatable: true)
  }

  /// Seconds the oldest due delivery waits.
  public func lag() async throws -> Double {
    try await heartbeat.run(OldestDueBackchannelLogout(), repeatable: true).first ?? 0
  }
}
