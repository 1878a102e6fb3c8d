import Federation
import Jobs
import Secrets
import Tenancy

/// Applies the pushes that were taken.
public struct PushWork: Work {
  private let database: Database
  private let heartbeat: Database
  private let directory: TenantDirectory
  private let ring: KeyRing

  /// Applies pushes in `database`; `heartbeat` renews the leases.
  public init(database: Database, heartbeat: Database, ring: KeyRing) {
    self.database = database
    self.heartbeat = heartbeat
    self.ring = ring
    directory = TenantDirectory(database: database)
  }

  /// The `kind` of metrics.
  public let kind = "wechat_push"
  /// A round trip each.
  public let concurrency = 16

  /// Leases due pushes.
  public func claim(_ lease: Lease, limit: Int) async throws -> [PushClaim] {
    try await database.run(ClaimPushes(lease: lease, limit: limit))
  }

  /// Applies a push.
  public func handle(_ claim: PushClaim) async throws -> Handled {
    let tenant = database.scoped(to: try await directory.scope(slug: claim.slug))
    guard let found = try await tenant.run(FindPush(push: claim.push, fence: claim.fence)).first else { return .lost }
    // A push that does not open, or was applied, has nothing to do but to end.
    let stored = found.sealed.flatMap { try? ring.open($0, for: .push(tenant.tenant.id, claim.push)) }
    let event = stored.flatMap(PushEvent.kind(stored:)) ?? (.other, nil)
    let apply = ApplyPush(push: claim.push, fence: claim.fence, found: found, kind: event.kind, openid: event.openid)
    return try await tenant.run(apply).isEmpty ? .lost : .done(1)
  }

  /// Prolongs the holder's leases.
  public func renew(_ lease: Lease) async throws {
    _ = try await heartbeat.run(RenewPushes(lease: lease), deadline: .seconds(lease.seconds / 3), repeatable: true)
  }

  /// Gives the holder's work back.
  public func release(_ lease: Lease) async throws {
    _ = try await database.run(ReleasePushes(holder: lease.holder), deadline: .seconds(2), repeatable: true)
  }

  /// Seconds the oldest push waits.
  public func lag() async throws -> Double {
    try await heartbeat.run(OldestDuePush(), repeatable: true).first ?? 0
  }
}
