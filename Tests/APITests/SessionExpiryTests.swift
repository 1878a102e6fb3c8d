import Foundation
import Jobs
import Query
import Runtime
import Secrets
import Tenancy
import TestSupport
import Testing

@testable import Identity

@Suite("session expiry", .serialized)
struct SessionExpiryTests {
  @Test("a session past its life is ended at once and deleted when its retention is over; a live one stays")
  func retention() async throws {
    let expiry = try await Expiry.make()
    let miniapp = try await TestMiniapp.make(settings: #"{"enrollment":"automatic","session_retention":3600}"#)
    let (past, live) = (try await miniapp.profile("past"), try await miniapp.profile("live"))
    #expect(past.status == 200 && live.status == 200)
    let sid = past.claims("access_token")["sid"]?.string ?? ""
    try await expiry.administer("UPDATE sessions SET idle_expires_at = now() - interval '1 minute' WHERE id = '\(sid)'")
    #expect(try await expiry.drain().closed >= 1)
    let ended = try await expiry.administer("SELECT ended_at = idle_expires_at FROM sessions WHERE id = '\(sid)'")
    #expect(ended == [["t"]])
    try await expiry.administer("UPDATE sessions SET ended_at = now() - interval '2 hours' WHERE id = '\(sid)'")
    try await expiry.drain()
    let left = try await expiry.administer("SELECT id::text FROM sessions WHERE tenant_id = '\(miniapp.tenant.id)'")
    #expect(left == [[live.claims("access_token")["sid"]?.string]])
    #expect(try await miniapp.userinfo(live.text("access_token")).status == 200)
  }

  @Test("a grant past its life stays as long as an access token stands on it, a revoked one goes at once")
  func grants() async throws {
    let expiry = try await Expiry.make()
    let miniapp = try await TestMiniapp.make(settings: #"{"enrollment":"automatic","access_token_ttl":600}"#)
    let signedIn = try await miniapp.profile("g")
    let mine = "tenant_id = '\(miniapp.tenant.id)'"
    try await expiry.administer("UPDATE grants SET idle_expires_at = now() - interval '1 second' WHERE \(mine)")
    try await expiry.drain()
    #expect(try await miniapp.userinfo(signedIn.text("access_token")).status == 200)
    try await expiry.administer("UPDATE grants SET rotated_at = now() - interval '601 seconds' WHERE \(mine)")
    try await expiry.drain()
    #expect(try await expiry.administer("SELECT count(*) FROM grants WHERE \(mine)") == [["0"]])
    _ = try await miniapp.profile("g")
    try await expiry.administer("UPDATE grants SET revoked_at = now() WHERE \(mine)")
    try await expiry.drain()
    #expect(try await expiry.administer("SELECT count(*) FROM grants WHERE \(mine)") == [["0"]])
  }

  @Test("tickets, codes, revoked tokens and kept answers go when they are past, and not before")
  func others() async throws {
    let expiry = try await Expiry.make()
    let tenant = UUIDv7.make().canonical
    func insert(_ age: String) async throws {
      let id = UUIDv7.make().canonical
      try await expiry.administer(
        """
        INSERT INTO federation_transactions (tenant_id, id, identity_application_id, client_id, purpose, secret_hash, app_id,
          openid, expires_at) VALUES ('\(tenant)', '\(id)', '\(id)', '\(id)', 'bind', '', 'a', 'o', now() - interval '\(age)');
        INSERT INTO wechat_code_exchanges (tenant_id, client_id, code_hash, begun_at)
          VALUES ('\(tenant)', '\(id)', '', now() - interval '\(age)');
        INSERT INTO revoked_access_tokens (tenant_id, jti, expires_at) VALUES ('\(tenant)', '\(id)', now() - interval '\(age)');
        INSERT INTO idempotency_keys (tenant_id, key_hash, request_hash, begun_at)
          VALUES ('\(tenant)', uuid_send('\(id)'), '', now() - interval '\(age)');
        INSERT INTO operator_idempotency_keys (key_hash, request_hash, begun_at)
          VALUES (uuid_send('\(tenant)') || uuid_send('\(id)'), '', now() - interval '\(age)')
        """)
    }
    try await insert("25 hours")
    try await insert("-1 minute")
    try await expiry.drain()
    let left = try await expiry.administer(
      """
      SELECT (SELECT count(*) FROM federation_transactions WHERE tenant_id = '\(tenant)'),
        (SELECT count(*) FROM wechat_code_exchanges WHERE tenant_id = '\(tenant)'),
        (SELECT count(*) FROM revoked_access_tokens WHERE tenant_id = '\(tenant)'),
        (SELECT count(*) FROM idempotency_keys WHERE tenant_id = '\(tenant)'),
        (SELECT count(*) FROM operator_idempotency_keys WHERE substr(key_hash, 1, 16) = uuid_send('\(tenant)'))
      """)
    #expect(left == [["1", "1", "1", "1", "1"]])
  }

  @Test("a month that is over is dropped when all of it is past, and kept while one row lives")
  func months() async throws {
    let expiry = try await Expiry.make()
    try await expiry.month("201903", rows: 500, live: 0)
    try await expiry.month("201904", rows: 500, live: 1)
    try await expiry.drops("sessions_201903")
    let left = try await expiry.administer(
      "SELECT to_regclass('sessions_201903') IS NULL, (SELECT count(*) FROM sessions_201904)")
    #expect(left == [["t", "1"]])
    // What the last row's life ends at is read once; years later it is over, whatever retention an application has.
    let end = try await expiry.administer(
      "SELECT over_at = (SELECT expires_at FROM sessions_201904) FROM sweeps WHERE relation = 'sessions_201904'")
    #expect(end == [["t"]])
    try await expiry.administer(
      "UPDATE sweeps SET over_at = now() - interval '3 years' WHERE relation = 'sessions_201904'")
    try await expiry.drops("sessions_201904")
  }

  @Test("another worker goes on where a killed one stopped, and what the first still sends has no effect")
  func takeOver() async throws {
    let expiry = try await Expiry.make()
    try await expiry.month("201905", rows: 2000, live: 1)
    try await expiry.drain(until: "201905")
    let first = try #require(try await expiry.claim("sessions_201905"))
    let begun = try await expiry.database.run(SweepBlocks(claim: first, first: 0, blocks: 8))
    #expect(begun.first?.following == 8)
    #expect(try await expiry.claim("sessions_201905") == nil)
    try await expiry.administer("UPDATE sweeps SET lease_until = now() WHERE relation = 'sessions_201905'")
    let second = try #require(try await expiry.claim("sessions_201905"))
    #expect(second.nextBlock == 8)
    let before = try await expiry.administer("SELECT count(*) FROM sessions_201905")
    #expect(try await expiry.expiry.sweep(first).lostLease)
    #expect(try await expiry.database.run(SweepBlocks(claim: first, first: 8, blocks: 8)).isEmpty)
    #expect(try await expiry.administer("SELECT count(*) FROM sessions_201905") == before)
    let outcome = try await expiry.expiry.sweep(second)
    #expect(!outcome.lostLease && outcome.removed > 0)
    #expect(try await expiry.administer("SELECT count(*) FROM sessions_201905") == [["1"]])
    try await expiry.administer("DROP TABLE sessions_201905")
  }

  @Test("a tenant sees the sweep of its sessions among its jobs and can have it done now")
  func jobs() async throws {
    let expiry = try await Expiry.make()
    try await expiry.expiry.prepare()
    let tenant = try await TestServer.shared().tenant()
    let application = try await tenant.application()
    let later =
      "UPDATE sweeps SET run_at = now() + interval '1 hour', lease_until = NULL, attempts = 0, last_error = NULL, "
      + "pass_begun_at = now() - interval '1 hour'"
    try await expiry.administer(later)
    let job = try await tenant.send("GET", "jobs?kind=session_expiry").items
    #expect(job.count == 1)
    #expect(job.first?["target"]?.object?["id"]?.string == application)
    #expect(job.first?["status"]?.string == "scheduled")
    #expect(try await tenant.send("POST", "jobs/\(application)/run").status / 100 == 2)
    let due = "SELECT bool_and(run_at <= now()) FROM sweeps WHERE name = 'sessions'"
    #expect(try await expiry.administer(due) == [["t"]])
    let others = try await expiry.administer("SELECT bool_and(run_at > now()) FROM sweeps WHERE name <> 'sessions'")
    #expect(others == [["t"]])
    // The sweep is all tenants': it is not begun again and again for one.
    try await expiry.administer(
      "\(later), pass_begun_at = now()".replacing("pass_begun_at = now() - interval '1 hour', ", with: ""))
    #expect(try await tenant.send("POST", "jobs/\(application)/run").status == 200)
    #expect(try await expiry.administer(due) == [["f"]])
    let begun = try await expiry.administer(
      "SELECT to_char(max(pass_begun_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS') FROM sweeps WHERE name = 'sessions'"
    )
    let updated = try await tenant.send("GET", "jobs/\(application)").text("updated_at")
    #expect(updated.hasPrefix((begun.first?[0] ?? nil) ?? "-"))
  }

  @Test("a reconciliation that ended is forgotten after ninety days, one that is under way is not")
  func reconciliations() async throws {
    let expiry = try await Expiry.make()
    let tenant = try await TestServer.shared().tenant()
    let application = try await tenant.application()
    for (days, status) in [(91, "succeeded"), (91, "failed"), (91, "running"), (89, "cancelled")] {
      try await expiry.administer(
        """
        INSERT INTO reconciliations (tenant_id, id, identity_application_id, mode, cause, status, finished_at)
        VALUES ('\(tenant.id)', (SELECT left(uuidv7_floor(now() - interval '\(days) days')::text, 24)
          || right(gen_random_uuid()::text, 12))::uuid, '\(application)', 'apply', 'schedule', '\(status)',
          CASE WHEN '\(status)' <> 'running' THEN now() - interval '\(days) days' END)
        """)
    }
    try await expiry.drain()
    let left = try await expiry.administer(
      "SELECT status FROM reconciliations WHERE tenant_id = '\(tenant.id)' ORDER BY status")
    #expect(left == [["cancelled"], ["running"]])
  }

  @Test("an applied push is forgotten after a day, one that waits is not")
  func pushes() async throws {
    let expiry = try await Expiry.make()
    let miniapp = try await TestMiniapp.make()
    for (age, event) in [("25 hours", "NULL"), ("25 hours", "'x'"), ("1 hour", "NULL")] {
      let id = UUIDv7.make().canonical
      try await expiry.administer(
        """
        INSERT INTO wechat_pushes (tenant_id, id, client_id, identity_hash, event_sealed, received_at)
        VALUES ('\(miniapp.tenant.id)', '\(id)', '\(miniapp.clientID)', uuid_send('\(id)'), \(event), now() - interval '\(age)')
        """)
    }
    try await expiry.drain()
    let left = try await expiry.administer(
      """
      SELECT count(*), count(event_sealed) FROM wechat_pushes WHERE tenant_id = '\(miniapp.tenant.id)'
      """)
    #expect(left == [["2", "1"]])
  }

  private struct Hold: Statement {
    static let sql: SQL = "SELECT 1 FROM sessions_201906 WHERE idle_expires_at < now() LIMIT 7 FOR UPDATE"
    static func decode(_ row: inout Row) throws(DecodingFault) {}
  }

  @Test("a row that somebody holds is left for the next pass, and nobody waits")
  func heldRows() async throws {
    let expiry = try await Expiry.make()
    try await expiry.month("201906", rows: 100, live: 1)
    let admin = try Expiry.runtime(expiry.test.adminURI)
    try await admin.pool.transaction { held in
      #expect(try await held.run(Hold()).count == 7)
      try await waitFor("the sweep of the others") { _ = try await expiry.drain() }
      #expect(try await expiry.administer("SELECT count(*) FROM sessions_201906") == [["8"]])
    }
    try await expiry.drain()
    #expect(try await expiry.administer("SELECT count(*) FROM sessions_201906") == [["1"]])
    try await expiry.administer("DROP TABLE sessions_201906")
    await admin.shutdown()
  }

  @Test("people sign in while tens of thousands of sessions are swept")
  func logins() async throws {
    let expiry = try await Expiry.make()
    let miniapp = try await TestMiniapp.make(settings: #"{"enrollment":"automatic"}"#)
    try await expiry.administer(Expiry.insert(into: "sessions", rows: 50_000, moment: "now()"))
    async let swept = expiry.drain()
    for index in 0..<20 {
      let answer = try await miniapp.profile("p\(index)")
      #expect(answer.status == 200)
      #expect(try await miniapp.userinfo(answer.text("access_token")).status == 200)
    }
    #expect(try await swept.removed >= 50_000)
  }

  @Test("the batch grows while it is quick and shrinks when it is slow")
  func batchSize() {
    #expect(SessionExpiry.next(64, took: .milliseconds(1)) == 128)
    #expect(SessionExpiry.next(64, took: .milliseconds(20)) == 32)
    #expect(SessionExpiry.next(64, took: .seconds(9)) == 16)
    #expect(SessionExpiry.next(4096, took: .milliseconds(1)) == 4096)
    #expect(SessionExpiry.next(8, took: .seconds(9)) == 8)
  }
}

/// The expirer as its role, and the superuser's view of what it did.
struct Expiry {
  let test: TestDatabase
  let database: Database
  let expiry: SessionExpiry
  private static let worker = Task { try runtime(try await TestDatabase.shared().workerURI) }

  static func make() async throws -> Expiry {
    let database = Database(pool: try await worker.value.pool)
    return Expiry(
      test: try await TestDatabase.shared(), database: database,
      expiry: SessionExpiry(database: database, pause: .zero))
  }

  static func runtime(_ uri: String) throws -> Runtime {
    let settings = try Settings([
      "QIAO_DATABASE_URL": uri, "QIAO_LOG_LEVEL": "critical",
      "QIAO_MASTER_KEYS": "t1:\(Data(repeating: 7, count: 32).base64EncodedString())",
    ])
    return Runtime(settings: settings, label: "expiry-tests")
  }

  @discardableResult
  func administer(_ sql: String) async throws -> [[String?]] { try await test.administer(sql) }

  /// Sweeps until a partition is gone: a drop that would have to wait for a reader is put off to the next pass.
  func drops(_ partition: String) async throws {
    _ = try await eventually("\(partition) to be dropped") {
      try await drain()
      return try await administer("SELECT to_regclass('\(partition)') IS NULL") == [["t"]] ? true : nil
    }
  }

  /// Sweeps every relation once from its beginning.
  @discardableResult
  func drain() async throws -> SessionExpiry.Outcome {
    try await expiry.prepare()
    // Passes end in the future, so that each relation is swept once.
    try await administer("UPDATE sweeps SET run_at = now(), lease_until = NULL, next_block = 0")
    let once = SessionExpiry(database: database, pause: .seconds(3600))
    var sum = SessionExpiry.Outcome()
    while let claim = try await once.claim(Lease(), limit: 1).first {
      let outcome = try await once.sweep(claim)
      sum.removed += outcome.removed
      sum.closed += outcome.closed
      sum.dropped += outcome.dropped
    }
    return sum
  }

  /// Lists the relations and leaves only those of a month to be done.
  func drain(until month: String) async throws {
    try await expiry.prepare()
    try await administer("UPDATE sweeps SET run_at = now() + interval '1 hour' WHERE relation NOT LIKE '%\(month)'")
  }

  func claim(_ relation: String) async throws -> SessionExpiry.Claim? {
    guard let claim = try await expiry.claim(Lease(), limit: 1).first else { return nil }
    guard claim.relation == relation else { throw TestFailure(description: "claimed \(claim.relation)") }
    return claim
  }

  /// A partition of a month long past, with `rows` sessions that are over and `live` that are not.
  func month(_ name: String, rows: Int, live: Int) async throws {
    let day = "to_date('\(name)', 'YYYYMM')::timestamptz"
    try await administer(
      """
      DO $do$ BEGIN
        EXECUTE format('CREATE TABLE sessions_\(name) PARTITION OF sessions FOR VALUES FROM (%L) TO (%L)',
          uuidv7_floor(\(day)), uuidv7_floor(\(day) + interval '1 month'));
        ALTER TABLE sessions_\(name) OWNER TO qiao_owner;
      END $do$;
      \(Self.insert(into: "sessions_\(name)", rows: rows, moment: day));
      UPDATE sessions_\(name) SET expires_at = now() - interval '3 years';
      UPDATE sessions_\(name) SET expires_at = now() + interval '1 hour', idle_expires_at = now() + interval '1 hour'
      WHERE id IN (SELECT id FROM sessions_\(name) LIMIT \(live))
      """)
  }

  static func insert(into relation: String, rows: Int, moment: String) -> String {
    """
    INSERT INTO \(relation) (tenant_id, id, identity_application_id, user_id, amr, auth_time, last_seen_at, idle_expires_at,
      expires_at)
    SELECT gen_random_uuid(), (substr(uuidv7_floor(\(moment) + interval '1 hour')::text, 1, 14)
        || '7' || substr(md5(n::text), 1, 3) || '-8' || substr(md5(n::text), 4, 3) || '-' || substr(md5(n::text), 7, 12))::uuid,
      gen_random_uuid(), gen_random_uuid(), '{pwd}', now(), now(), now() - interval '1 minute', now() + interval '1 day'
    FROM generate_series(1, \(rows)) n
    """
  }
}
