import Federation
import Foundation
import JSON
import Jobs
import Secrets
import Simulator
import Tenancy
import TestSupport
import Testing

@testable import Identity

/// Runs that WeChat or we could not bring to an end, as the tenant and the operator see them.
extension ReconciliationTests {
  private func sick(_ fault: Fault) async throws -> (world: TestReconciliation, work: ReconciliationWork, run: String) {
    let server = try await TestServer.start(on: TestDatabase.separate(), refreshesTokens: false)
    let world = try await TestReconciliation.make(on: server)
    _ = try await world.person("sick-\(world.app.id)")
    let run = try await world.queue("apply")
    server.wechat.inject(fault, at: "sns/userinfo")
    return (world, ReconciliationWork(world.reconciler, heartbeat: world.reconciler.database), run)
  }

  @Test(
    "a run that WeChat holds up says why, counts as failed, and forgets it when it goes on",
    arguments: [
      (Fault(.errcode, errcode: 45011), "rate_limited 45011"), (Fault(.errcode, errcode: 45009), "rate_limited 45009"),
      (Fault(.errcode, errcode: -1), "wechat_unavailable -1"), (Fault(.badGateway), "wechat_unavailable"),
    ])
  func heldUp(fault: Fault, reason: String) async throws {
    let (world, work, run) = try await sick(fault)
    let claim = try #require(try await world.claim())
    #expect(try await work.handle(claim) == .failed)
    #expect(try await world.tenant.send("GET", "reconciliations/\(run)").text("last_error") == reason)
    let job = try await world.tenant.send("GET", "jobs/\(run)")
    #expect(job.text("last_error") == reason && job.text("status") == "retrying")
    world.wechat.clearFaults()
    #expect(try await world.tenant.send("POST", "jobs/\(run)/run").status == 200)
    while let claim = try await world.claim() { #expect(try await work.handle(claim) != .failed) }
    let done = try await world.tenant.send("GET", "reconciliations/\(run)")
    #expect(done.text("status") == "succeeded" && done["last_error"] == .null)
  }

  @Test("a run that was cancelled meanwhile is no lost lease")
  func cancelledMeanwhile() async throws {
    let world = try await TestReconciliation.make(slice: .zero)
    try await world.silent(10)
    let id = try await world.queue("apply")
    let claim = try #require(try await world.claim())
    #expect(try await world.tenant.send("POST", "reconciliations/\(id)/cancel").status == 200)
    let work = ReconciliationWork(world.reconciler, heartbeat: world.reconciler.database)
    #expect(try await work.handle(claim) == .done(0))
  }

  @Test("a failed run can be run again and goes on where it stopped; one that is over answers 409")
  func runAgain() async throws {
    let world = try await TestReconciliation.make(slice: .zero)
    try await world.silent(6000)
    let id = try await world.queue("apply")
    let claim = try #require(try await world.claim())
    _ = try await world.reconciler.work(claim)
    let last = try #require(try await world.claim())
    _ = try await world.reconciler.database.scoped(to: world.scope()).run(
      FinishRun(claim: last, status: .failed, reason: "SQLSTATE XX000"))
    let failed = try await world.tenant.send("GET", "jobs/\(id)")
    #expect(failed.text("status") == "failed" && failed.text("last_error") == "SQLSTATE XX000")
    let again = try await world.tenant.send("POST", "jobs/\(id)/run")
    #expect(again.status == 200 && again.text("status") == "scheduled", "\(again.text)")
    #expect(again["last_error"] == .null)
    let run = try await world.tenant.send("GET", "reconciliations/\(id)")
    #expect(run.text("status") == "queued" && run["finished_at"] == .null)
    while let claim = try await world.claim() { _ = try await world.reconciler.work(claim) }
    let done = try await world.tenant.send("GET", "reconciliations/\(id)")
    #expect(done.text("status") == "succeeded" && done["progress"]?.object?["done"]?.integer == 6000)
    let cancelled = try await world.queue("apply")
    #expect(try await world.tenant.send("POST", "reconciliations/\(cancelled)/cancel").status == 200)
    for id in [id, cancelled] {
      let over = try await world.tenant.send("POST", "jobs/\(id)/run")
      #expect(over.status == 409 && over.text("code") == "job_finished", "\(over.status) \(over.text)")
    }
    let nobodys = try await world.tenant.send("POST", "jobs/\(UUIDv7.make().canonical)/run")
    #expect(nobodys.status == 404)
  }

  @Test(
    "a grant that died with a changed password is unqualified and dropped; one that was taken back is missing at its source"
  )
  func deadGrants() async throws {
    let server = try await TestServer.start(on: TestDatabase.separate(), refreshesTokens: false)
    let world = try await TestReconciliation.make(on: server)
    _ = try await world.person("a-\(world.app.id)")
    for (errcode, situation, kept) in [(50001, "SOURCE_MISSING", "1"), (42007, "UNQUALIFIED", "0")] {
      server.wechat.inject(Fault(.errcode, errcode: errcode), at: "sns/userinfo")
      let run = try await world.run("apply")
      #expect(run.items.first?["situation"]?.string == situation)
      #expect(run.items.first?["wechat_errcode"]?.integer == errcode)
      #expect(try await world.administer("SELECT count(oauth_token_sealed) FROM federated_identities") == [[kept]])
      server.wechat.clearFaults()
    }
  }

  @Test("people of a disabled or deleted client are not asked about", arguments: [true, false])
  func withoutClient(isDeleted: Bool) async throws {
    let world = try await TestReconciliation.make()
    _ = try await world.person("b-\(world.app.id)")
    let path = "third-party-authz-clients/\(world.client)"
    let status =
      isDeleted
      ? try await world.tenant.send("DELETE", path).status
      : try await world.tenant.send("PATCH", path, #"{"enabled":false}"#).status
    #expect(status == (isDeleted ? 204 : 200))
    let run = try await world.run("apply")
    #expect(run.items.map { $0["situation"]?.string } == ["UNQUALIFIED"])
    #expect(world.wechat.count(endpoint: "sns/userinfo", appID: world.app.id) == 0)
  }
}
