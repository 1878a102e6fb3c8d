import Federation
import Foundation
import JSON
import Jobs
import Observability
import Secrets
import Synchronization
import Testing

@testable import Identity

/// Runs: who does them, how far they go, and whose they are.
extension ReconciliationTests {
  @Test("a killed run goes on where it stopped, and what the first worker still does has no effect")
  func takeOver() async throws {
    let world = try await TestReconciliation.make(slice: .zero)
    try await world.silent(10_000)
    let id = try await world.queue("apply")
    let first = try #require(try await world.claim())
    #expect(try await world.reconciler.work(first) == .paused(.zero, 4000))
    let done = { try await world.tenant.send("GET", "reconciliations/\(id)")["progress"]?.object?["done"]?.integer }
    #expect(try await done() == 4000)
    // Killed: it holds the run and says nothing any more.
    let killed = try #require(try await world.claim())
    #expect(try await world.claim() == nil)
    try await world.administer(
      "UPDATE reconciliation_claims SET lease_until = now() WHERE tenant_id = '\(world.tenant.id)'")
    let heir = try #require(try await world.claim())
    #expect(try await world.reconciler.work(killed) == .lost)
    #expect(try await done() == 4000)
    #expect(try await world.reconciler.work(heir) == .paused(.zero, 4000))
    #expect(try await done() == 8000)
    while let claim = try await world.claim() {
      _ = try await world.reconciler.work(claim)
    }
    let items = try await world.administer(
      """
      SELECT count(*), count(DISTINCT identity_id), min(situation) FROM reconciliation_items
      WHERE reconciliation_id = '\(id)'
      """)
    #expect(items == [["10000", "10000", "UNQUALIFIED"]])
    #expect(try await world.tenant.send("GET", "reconciliations/\(id)").text("status") == "succeeded")
    let pages = try await world.tenant.send("GET", "reconciliations/\(id)/items?limit=200")
    #expect(pages.items.count == 200 && pages["next_cursor"]?.string != nil)
  }

  @Test("a slice whose time is over stores whom it asked and leaves the others to the next one")
  func outOfTime() async throws {
    let world = try await TestReconciliation.make(slice: .zero)
    for name in ["Ai", "Bo", "Chen"] { _ = try await world.person(name) }
    let id = try await world.queue("apply")
    var outcomes: [Reconciler.Outcome] = []
    while let claim = try await world.claim() { outcomes.append(try await world.reconciler.work(claim)) }
    #expect(outcomes == [.paused(.zero, 1), .paused(.zero, 1), .paused(.zero, 1), .finished(0)])
    let items = try await world.tenant.send("GET", "reconciliations/\(id)/items").items
    #expect(items.count == 3 && Set(items.map { $0["identity_id"]?.string }).count == 3)
    #expect(items.allSatisfy { ["UPDATED", "FOUND"].contains($0["situation"]?.string) }, "\(items)")
  }

  @Test("a cancelled run goes no further, and cancelling twice is as good as once")
  func cancel() async throws {
    let world = try await TestReconciliation.make(slice: .zero)
    try await world.silent(6000)
    let id = try await world.queue("apply")
    let claim = try #require(try await world.claim())
    _ = try await world.reconciler.work(claim)
    let next = try #require(try await world.claim())
    let cancelled = try await world.tenant.send("POST", "reconciliations/\(id)/cancel")
    #expect(cancelled.status == 200 && cancelled.text("status") == "cancelled")
    #expect(try await world.reconciler.work(next) == .cancelled)
    #expect(try await world.claim() == nil)
    let after = try await world.tenant.send("GET", "reconciliations/\(id)")
    #expect(after["progress"]?.object?["done"]?.integer == 4000)
    #expect(try await world.tenant.send("POST", "reconciliations/\(id)/cancel").status == 200)
    let finished = try await world.run("report")
    #expect(try await world.tenant.send("POST", "reconciliations/\(finished.run.text("id"))/cancel").status == 409)
  }

  /// Answers with a failure a number of times, then as WeChat does.
  private struct Moody: WebProvider {
    let inner: any WebProvider
    let failure: ProviderFailure
    let left: Box

    final class Box: Sendable {
      let count: Mutex<Int>
      init(_ count: Int) { self.count = Mutex(count) }
    }

    func exchange(code: String, credentials: AppCredentials) async throws(ProviderFailure) -> AuthenticatedPerson {
      try await inner.exchange(code: code, credentials: credentials)
    }
    func refresh(_ token: Secret<String>, appID: String) async throws(ProviderFailure) -> AuthenticatedPerson {
      try await inner.refresh(token, appID: appID)
    }
    func profile(
      openid: String, appID: String, accessToken: Secret<String>
    ) async throws(ProviderFailure) -> PersonProfile {
      let fails = left.count.withLock { left in
        left -= 1
        return left >= 0
      }
      if fails { throw failure }
      return try await inner.profile(openid: openid, appID: appID, accessToken: accessToken)
    }
  }

  private func moody(_ code: String, errcode: Int, times: Int, retry: RetryClass) async throws -> TestReconciliation {
    let failure = ProviderFailure(
      code: code, status: 503, errcode: errcode, retry: retry, detail: "", detailZH: "", retryAfter: 60)
    let left = Moody.Box(times)
    return try await TestReconciliation.make { Moody(inner: $0, failure: failure, left: left) }
  }

  @Test("at WeChat's limit a run waits as long as WeChat says and then goes on")
  func limits() async throws {
    let world = try await moody("rate_limited", errcode: 45011, times: 1, retry: .backOff)
    for index in 0..<3 { _ = try await world.person("limit\(index)-\(world.app.id)") }
    let id = try await world.queue("apply")
    let claim = try #require(try await world.claim())
    // Which of the three meets the limit is chance; those before it are stored.
    let first = try await world.reconciler.work(claim)
    guard case .heldUp(.seconds(60), let before, reason: "rate_limited 45011") = first else {
      Issue.record("\(first)")
      return
    }
    #expect(try await world.claim() == nil)
    #expect(try await world.tenant.send("GET", "reconciliations/\(id)").text("status") == "running")
    try await world.administer("UPDATE reconciliation_claims SET run_at = now() WHERE reconciliation_id = '\(id)'")
    let next = try #require(try await world.claim())
    #expect(try await world.reconciler.work(next) == .finished(3 - before))
    #expect(try await world.tenant.send("GET", "reconciliations/\(id)/items?situation=UPDATED").items.count == 3)
  }

  @Test("an identity that WeChat never answers about fails after some tries, and the run goes on behind it")
  func sickIdentity() async throws {
    let world = try await moody("wechat_unavailable", errcode: -1, times: 3, retry: .backOff)
    _ = try await world.person("sick-\(world.app.id)")
    let id = try await world.queue("apply")
    var pauses = 0
    while let claim = try await world.claim() {
      if case .heldUp = try await world.reconciler.work(claim) { pauses += 1 }
      try await world.administer("UPDATE reconciliation_claims SET run_at = now() WHERE reconciliation_id = '\(id)'")
    }
    #expect(pauses == 2)
    let items = try await world.tenant.send("GET", "reconciliations/\(id)/items")
    #expect(items.items.first?["situation"]?.string == "FAILED")
    #expect(items.items.first?["wechat_errcode"]?.integer == -1)
  }

  @Test("tenants take turns: a tenant has one run at a time, however many it queued")
  func fairness() async throws {
    let (busy, patient) = (try await TestReconciliation.make(), try await TestReconciliation.make())
    let mine: Set<String> = [busy.tenant.id, patient.tenant.id]
    func claimed() async throws -> [ReconciliationClaim] {
      try await busy.reconciler.claim(Lease(), limit: 50).filter { mine.contains("\($0.tenant)") }
    }
    for _ in 0..<3 { _ = try await busy.queue("report") }
    let first = try await claimed()
    #expect(first.map { "\($0.tenant)" } == [busy.tenant.id])
    _ = try await patient.queue("report")
    let second = try await claimed()
    #expect(second.map { "\($0.tenant)" } == [patient.tenant.id])
    for claim in first + second { #expect(try await busy.reconciler.work(claim) == .finished(0)) }
    // Two of one and one of the other are due: each gets one turn.
    _ = try await patient.queue("report")
    let third = try await claimed()
    #expect(third.map { "\($0.tenant)" }.sorted() == mine.sorted())
    for claim in third { #expect(try await busy.reconciler.work(claim) == .finished(0)) }
    while let claim = try await busy.claim() { _ = try await busy.reconciler.work(claim) }
    while let claim = try await patient.claim() { _ = try await patient.reconciler.work(claim) }
  }

  @Test("reconcile_every queues one run when it is over, and not a second one")
  func schedule() async throws {
    let world = try await TestReconciliation.make()
    let path = "identity-applications/\(world.application)"
    #expect(try await world.tenant.send("PATCH", path, #"{"reconcile_every":3600}"#).status == 200)
    try await world.reconciler.queueScheduled()
    #expect(try await world.tenant.send("GET", "reconciliations").items.isEmpty)
    let due =
      "UPDATE application_schedules SET reconcile_at = now() WHERE identity_application_id = '\(world.application)'"
    for _ in 0..<2 {
      try await world.administer(due)
      try await world.reconciler.queueScheduled()
    }
    let runs = try await world.tenant.send("GET", "reconciliations?status=queued").items
    #expect(runs.count == 1 && runs.first?["mode"]?.string == "apply")
    let next = try await world.administer(
      """
      SELECT reconcile_at > now() + interval '50 minutes' FROM application_schedules
      WHERE identity_application_id = '\(world.application)'
      """)
    #expect(next == [["t"]])
    while let claim = try await world.claim() {
      _ = try await world.reconciler.work(claim)
    }
  }

  @Test("another tenant's run, user and application are as unknown as those nobody has, and a key needs its scope")
  func boundaries() async throws {
    let (mine, other) = (try await TestReconciliation.make(), try await TestReconciliation.make())
    let id = try await other.queue("report")
    let nobody = try await mine.tenant.send("GET", "reconciliations/\(UUIDv7.make().canonical)")
    #expect(nobody.status == 404)
    for (method, path) in [("GET", ""), ("GET", "/items"), ("POST", "/cancel")] {
      let answer = try await mine.tenant.send(method, "reconciliations/\(id)\(path)")
      #expect(answer.comparable == nobody.comparable, "\(path)")
    }
    let user = try await other.tenant.user(of: other.application)
    for body in [
      #"{"identity_application_id":"\#(other.application)","mode":"report"}"#,
      #"{"identity_application_id":"\#(mine.application)","mode":"report","user_id":"\#(user)"}"#,
      #"{"identity_application_id":"\#(mine.application)","mode":"all"}"#,
    ] {
      #expect(try await mine.tenant.send("POST", "reconciliations", body).status == 422, "\(body)")
    }
    let minted = try await mine.tenant.send("POST", "api-keys", #"{"name":"r","scopes":["users:read"]}"#)
    let refused = try await mine.tenant.server.send(
      "POST", "/t/\(mine.tenant.slug)/v1/reconciliations", key: minted.text("key"),
      #"{"identity_application_id":"\#(mine.application)","mode":"report"}"#)
    #expect(refused.status == 403)
    while let claim = try await mine.claim() {
      _ = try await mine.reconciler.work(claim)
    }
  }
}
