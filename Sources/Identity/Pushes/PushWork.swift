import Federation
import Jobs
import Query
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

  /// Applies a push; one that cannot be applied is put off, with the reason in its row.
  /// - Throws: when not even that could be kept; the lease then runs out.
  public func handle(_ claim: PushClaim) async throws -> Handled {
    let reason: String
    do {
      return try await apply(claim)
    } catch .sealedValue {
      reason = "a sealed value does not open"
    } catch .database(let error) {
      reason = error.kind
    }
    try Task.checkCancellation()
    let fail = FailPush(claim: claim, reason: reason, pause: Pause.backOff(attempts: claim.attempts))
    return try await database.run(fail).isEmpty ? .lost : .failed
  }

  private func apply(_ claim: PushClaim) async throws(IdentityFault) -> Handled {
    let tenant = database.scoped(to: try await scope(claim.slug))
    guard let found = try await run(FindPush(push: claim.push, fence: claim.fence), tenant).first else { return .lost }
    // A push that was applied already has nothing to do but to end.
    var event: (kind: PushEvent.Kind, openid: String?) = (.other, nil)
    if let sealed = found.sealed {
      guard let stored = try? ring.open(sealed, for: .push(tenant.tenant.id, claim.push)),
        let kept = PushEvent.kind(stored: stored)
      else { throw .sealedValue("wechat_pushes.event_sealed of \(claim.push)") }
      event = kept
    }
    let apply = ApplyPush(push: claim.push, fence: claim.fence, found: found, kind: event.kind, openid: event.openid)
    return try await run(apply, tenant).isEmpty ? .lost : .done(1)
  }

  private func run<S: TenantStatement>(
    _ statement: S, _ tenant: TenantDatabase
  ) async throws(IdentityFault) -> [S.Output] {
    do {
      return try await tenant.run(statement)
    } catch {
      throw .database(error)
    }
  }

  private func scope(_ slug: String) async throws(IdentityFault) -> TenantScope {
    do {
      return try await directory.scope(slug: slug)
    } catch {
      if case .database(let error) = error { throw .database(error) }
      throw .database(.tenantUnavailable)
    }
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
