import Foundation
import Identity
import JSON
import Runtime
import Simulator
import Tenancy
import TestSupport
import Testing

/// The worker that tells: how it ends, what it sweeps, and whose sessions it leaves alone.
extension BackchannelLogoutTests {
  @Test("the expirer's process tells of a session that ended by time, with retention and without")
  func expiry() async throws {
    let server = try await TestServer.start(on: TestDatabase.separate(), refreshesTokens: false)
    for retention in [0, 3600] {
      let receiver = try TestReceiver()
      let party = try await TestRelyingParty.make(
        settings: receiver.setting, application: #","session_retention":\#(retention)"#, on: server)
      let signed = try await Signed.again(party)
      _ = try await signed.administer(
        "UPDATE sessions SET idle_expires_at = now() - interval '1 second' WHERE id = '\(signed.session)'")
      _ = try await signed.administer("UPDATE sweeps SET run_at = now()")
      var environment = server.environment()
      environment["QIAO_DATABASE_URL"] = server.database.workerURI
      environment["QIAO_PUBLIC_URL"] = "http://127.0.0.1:1"
      let once = try await Program("qiao-session-expirer", ["--once"], environment: environment).ended()
      #expect(once.status == 0, "\(once.errors)")
      let told = receiver.told
      #expect(told.map(\.session) == [signed.session])
      #expect(told.first?.claims["iss"]?.string == party.issuer)
    }
  }

  @Test("an expirer that is stopped in the middle of a delivery hands it back as it was, and the next one delivers it")
  func stopped() async throws {
    let server = try await TestServer.start(on: TestDatabase.separate(), refreshesTokens: false)
    let receiver = try TestReceiver(.silent)
    let signed = try await Signed.again(TestRelyingParty.make(settings: receiver.setting, on: server))
    try await signed.logout()
    var environment = server.environment()
    environment["QIAO_DATABASE_URL"] = server.database.workerURI
    let first = try Program("qiao-session-expirer", environment: environment)
    let begun = try await receiver.next()
    first.signal(SIGTERM)
    #expect(try await first.ended(limit: .seconds(10)).status == 0)
    let row = try await server.database.administer(
      "SELECT lease_owner IS NULL, attempts, run_at <= now(), last_error FROM backchannel_logouts")
    #expect(row == [["t", "0", "t", nil]])
    receiver.answers(.status("200 OK"))
    let second = try await Program("qiao-session-expirer", ["--once"], environment: environment).ended()
    #expect(second.status == 0, "\(second.errors)")
    #expect(receiver.told.map(\.tokenID) == [begun.tokenID, begun.tokenID])
  }

  @Test("a month of sessions that is dropped unswept tells their clients first")
  func droppedMonth() async throws {
    let server = try await TestServer.start(on: TestDatabase.separate(), refreshesTokens: false)
    let party = try await TestRelyingParty.make(
      settings: #""require_consent":false,"backchannel_logout_uri":"https://rp.test/logout""#, on: server)
    _ = try await server.database.administer(
      """
      DO $do$ BEGIN
        EXECUTE format('CREATE TABLE sessions_201903 PARTITION OF sessions FOR VALUES FROM (%L) TO (%L)',
          uuidv7_floor('2019-03-01Z'), uuidv7_floor('2019-04-01Z'));
        ALTER TABLE sessions_201903 OWNER TO qiao_owner;
      END $do$;
      INSERT INTO sessions (tenant_id, id, identity_application_id, user_id, amr, auth_time, last_seen_at, idle_expires_at,
        expires_at, joined_clients)
      SELECT '\(party.tenant.id)', uuidv7_floor('2019-03-02Z'), '\(party.applicationID)', '\(party.userID)', '{pwd}', moment,
        moment, moment, moment, ARRAY['\(party.clientID)']::uuid[]
      FROM (SELECT now() - interval '3 years') AS m (moment)
      """)
    let runtime = try Expiry.runtime(server.database.workerURI)
    let database = Database(pool: runtime.pool)
    let expiry = Expiry(test: server.database, database: database, expiry: SessionExpiry(database: database))
    try await expiry.drain(until: "201903")
    let claim = try #require(try await expiry.claim("sessions_201903"))
    #expect(try await expiry.expiry.sweep(claim).dropped == 1)
    await runtime.shutdown()
    let left = try await server.database.administer(
      "SELECT client_id::text, session_id = uuidv7_floor('2019-03-02Z') FROM backchannel_logouts")
    #expect(left == [[party.clientID, "t"]])
  }

  @Test("erasing a tenant tells nobody and leaves nothing that waits")
  func erasure() async throws {
    let receiver = try TestReceiver()
    let signed = try await Signed.make(receiver)
    let server = signed.party.server
    let deleted = try await server.send(
      "DELETE", "/v1/tenants/\(signed.party.tenant.slug)", key: TestServer.operatorToken)
    #expect(deleted.status == 202)
    _ = try await server.runtime.services.tenantErasure.run()
    let left = try await signed.administer(
      """
      SELECT (SELECT count(*) FROM sessions WHERE tenant_id = '\(signed.party.tenant.id)'),
        (SELECT count(*) FROM backchannel_logouts WHERE tenant_id = '\(signed.party.tenant.id)'),
        (SELECT count(*) FROM backchannel_clients WHERE tenant_id = '\(signed.party.tenant.id)')
      """)
    #expect(left == [["0", "0", "0"]])
    #expect(receiver.told.isEmpty)
  }

  @Test("a suspended tenant's tokens wait, and go out when it is active again")
  func suspended() async throws {
    let receiver = try TestReceiver()
    let signed = try await Signed.make(receiver)
    let path = "/v1/tenants/\(signed.party.tenant.slug)"
    let (database, mine) = (signed.party.server.database, "tenant_id = '\(signed.party.tenant.id)'")
    _ = try await signed.party.server.send("PATCH", path, key: TestServer.operatorToken, #"{"status":"suspended"}"#)
    _ = try await signed.administer("UPDATE sessions SET ended_at = now() WHERE \(mine)")
    _ = try await eventually("it to be put off") {
      try await database.administer("SELECT FROM backchannel_logouts WHERE \(mine) AND run_at > now()").first
    }
    #expect(receiver.told.isEmpty)
    _ = try await signed.party.server.send("PATCH", path, key: TestServer.operatorToken, #"{"status":"active"}"#)
    _ = try await signed.administer("UPDATE backchannel_logouts SET run_at = now() WHERE \(mine)")
    #expect(try await receiver.next().session == signed.session)
  }
}
