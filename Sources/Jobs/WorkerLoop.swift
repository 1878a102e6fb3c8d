import Logging
import Observability
import Postgres
import ServiceLifecycle

/// Takes one kind of work as long as it runs: claims what is due, handles it side by side, renews its lease, and gives everything
/// back when it is told to stop.
public struct WorkerLoop<Kind: Work>: Service {
  private enum Event {
    case handled(Lease, threw: Bool)
    case woken
    case renewing
  }

  /// The lease could not be renewed before it ran out.
  private struct LeaseLost: Error {}

  private let work: Kind
  private let pool: PostgresPool
  private let metrics: Metrics
  private let logger: Logger
  private let leaseSeconds: Double
  private let interval: Duration

  /// A loop for `work`.
  /// - Parameters:
  ///   - pool: where it listens for notifications of new work.
  ///   - leaseSeconds: how long work stays with a process that shows no sign of life.
  ///   - interval: how long after it became due work may lie when no notification told of it.
  public init(
    _ work: Kind, pool: PostgresPool, metrics: Metrics, logger: Logger, leaseSeconds: Double = 30,
    interval: Duration = .seconds(1)
  ) {
    self.work = work
    self.pool = pool
    self.metrics = metrics
    self.logger = logger
    self.leaseSeconds = leaseSeconds
    self.interval = interval
    declare()
  }

  /// Works until it is told to stop.
  public func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        let holdings = Holdings(seconds: leaseSeconds)
        do {
          try await term(holdings)
        } catch is CancellationError {
        } catch is LeaseLost {
          metrics.add("qiao_worker_lease_lost_total", [work.kind])
          logger.warning("the lease could not be renewed; its work was given up", metadata: ["kind": "\(work.kind)"])
        } catch {
          logger.warning("work stopped", metadata: ["kind": "\(work.kind)", "reason": "\(error)"])
          try? await Task.sleep(for: interval)
        }
        for lease in holdings.leases { await release(lease) }
      }
    }
  }

  /// Handles what is due, until nothing is; for `--once`.
  /// - Returns: how many claims were handled, well or not.
  /// - Throws: when work could not be claimed.
  public func drain() async throws -> Int {
    let lease = Lease(seconds: leaseSeconds)
    var handled = 0
    do {
      try await withThrowingTaskGroup(of: Int.self) { group in
        group.addTask {
          try await renewals(lease) { true }
          return 0
        }
        while !Task.isCancelled {
          let claims = try await work.claim(lease, limit: work.concurrency)
          if claims.isEmpty { break }
          for claim in claims {
            group.addTask {
              _ = await handle(claim)
              return 1
            }
          }
          for _ in claims { handled += try await group.next() ?? 0 }
        }
        group.cancelAll()
      }
    } catch {
      await release(lease)
      throw error
    }
    await release(lease)
    return handled
  }

  /// One holder's time: until the task is cancelled or the lease is lost.
  private func term(_ holdings: Holdings) async throws {
    let wakes = Wakes()
    try await withThrowingTaskGroup(of: Event.self) { group in
      defer { group.cancelAll() }
      func renew(_ lease: Lease) {
        group.addTask {
          try await renewals(lease) { holdings.isRenewed(lease) }
          return .renewing
        }
      }
      renew(holdings.current)
      group.addTask {
        await wakes.follow(pool, kind: work.kind)
        return .renewing
      }
      group.addTask {
        await wakes.tick(interval)
        return .renewing
      }
      func wait() {
        group.addTask {
          await wakes.next()
          return .woken
        }
      }
      wait()
      var running = 0
      var isDry = false
      while !Task.isCancelled {
        // In batches: a claim for each that ends would cost a round trip each.
        if !isDry, running <= work.concurrency / 2 {
          let lease = holdings.current
          let claims = try await work.claim(lease, limit: work.concurrency - running)
          isDry = claims.isEmpty
          running += claims.count
          holdings.took(claims.count, under: lease)
          for claim in claims { group.addTask { .handled(lease, threw: await !handle(claim)) } }
          if !isDry { continue }
        }
        switch try await group.next() {
        case .handled(let lease, let threw):
          running -= 1
          if let next = holdings.ended(under: lease, threw: threw) { renew(next) }
        case .woken:
          isDry = false
          wait()
        case .renewing, nil: break
        }
      }
      throw CancellationError()
    }
  }

  /// - Returns: false when the handler threw, so that its row does not say how it ended.
  private func handle(_ claim: Kind.Claim) async -> Bool {
    do {
      switch try await work.handle(claim) {
      case .done(let count): metrics.add("qiao_worker_done_total", [work.kind], by: Double(count))
      case .failed: metrics.add("qiao_worker_failed_total", [work.kind])
      case .lost: metrics.add("qiao_worker_lease_lost_total", [work.kind])
      }
      return true
    } catch {
      guard !Task.isCancelled else { return false }
      metrics.add("qiao_worker_failed_total", [work.kind])
      var fields: Logger.Metadata = ["kind": "\(work.kind)", "reason": "\(error)"]
      if let tenant = (claim as? any TenantClaim)?.tenantSlug { fields["tenant_slug"] = "\(tenant)" }
      logger.warning("work failed; it is tried again", metadata: fields)
      return false
    }
  }

  /// Renews every third of the lease, as long as it is `wanted`.
  /// - Throws: `LeaseLost` when it did not succeed for so long that somebody else may have the work.
  private func renewals(_ lease: Lease, while wanted: () -> Bool) async throws {
    let length = Duration.seconds(lease.seconds)
    var renewed = ContinuousClock.now
    while true {
      try await Task.sleep(for: length / 3)
      guard wanted() else { return }
      let asked = ContinuousClock.now
      // A process that was frozen notices here that its time is over, before it asks.
      guard asked - renewed < length else { throw LeaseLost() }
      do {
        try await work.renew(lease)
        renewed = asked
      } catch {
        logger.warning("renewing failed", metadata: ["kind": "\(work.kind)", "reason": "\(error)"])
      }
      if let lag = try? await work.lag() { metrics.set("qiao_worker_lag_seconds", [work.kind], to: lag) }
      // A sixth before the end: what was begun must not go on past it.
      guard ContinuousClock.now - renewed < length * 5 / 6 else { throw LeaseLost() }
    }
  }

  /// In a task of its own, because this one may be cancelled already.
  private func release(_ lease: Lease) async {
    let (work, logger) = (work, logger)
    await Task {
      do {
        try await work.release(lease)
      } catch {
        logger.warning("handing work back failed; its lease runs out", metadata: ["kind": "\(work.kind)"])
      }
    }.value
  }

  private func declare() {
    metrics.declareCounter("qiao_worker_done_total", "Work done.", labels: ["kind"])
    metrics.declareCounter("qiao_worker_failed_total", "Attempts that failed.", labels: ["kind"])
    metrics.declareGauge("qiao_worker_lag_seconds", "Age of the oldest due work.", labels: ["kind"])
    metrics.declareCounter("qiao_worker_lease_lost_total", "Leases lost to somebody else.", labels: ["kind"])
    metrics.add("qiao_worker_done_total", [work.kind], by: 0)
    metrics.add("qiao_worker_failed_total", [work.kind], by: 0)
    metrics.add("qiao_worker_lease_lost_total", [work.kind], by: 0)
    metrics.set("qiao_worker_lag_seconds", [work.kind], to: 0)
  }
}
