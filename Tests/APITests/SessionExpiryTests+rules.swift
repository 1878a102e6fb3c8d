import Foundation
import Secrets
import TestSupport
import Testing

/// Which rows are past, table by table: one row on either side of each rule.
extension SessionExpiryTests {
  /// A table that expires: its columns but the tenant, and values of rows that must go and of rows that must stay.
  struct Rule: Sendable, CustomTestStringConvertible {
    let table: String
    let columns: String
    let past: [String]
    let live: [String]
    var testDescription: String { table }

    init(_ table: String, _ columns: String, past: String..., live: String...) {
      (self.table, self.columns, self.past, self.live) = (table, columns, past, live)
    }
  }

  private static let bytes = "sha256(uuid_send(gen_random_uuid()))"
  private static let id = "gen_random_uuid()"

  static let rules = [
    Rule(
      "authorization_requests", "id, identity_application_id, secret_hash, browser_hash, parameters, expires_at",
      past: "$ID, \(id), \(bytes), \(bytes), '{}', now() - interval '1 second'",
      live: "$ID, \(id), \(bytes), \(bytes), '{}', now() + interval '1 minute'"),
    Rule(
      "authorization_codes",
      "id, identity_application_id, client_id, user_id, session_id, secret_hash, scope, redirect_uri, expires_at",
      past: "$ID, \(id), \(id), \(id), \(id), \(bytes), 'openid', 'https://a.example/', now() - interval '25 hours'",
      live: "$ID, \(id), \(id), \(id), \(id), \(bytes), 'openid', 'https://a.example/', now() - interval '23 hours'"),
    Rule(
      "pushed_requests", "id, identity_application_id, client_id, secret_hash, parameters, expires_at",
      past: "$ID, \(id), \(id), \(bytes), '{}', now() - interval '16 minutes'",
      live: "$ID, \(id), \(id), \(bytes), '{}', now() - interval '14 minutes'"),
    Rule(
      "device_authorizations", "id, identity_application_id, client_id, secret_hash, user_code, scope, expires_at",
      past: "$ID, \(id), \(id), \(bytes), 'BCDFGHJK', 'openid', now() - interval '61 minutes'",
      live: "$ID, \(id), \(id), \(bytes), 'BCDFGHJL', 'openid', now() - interval '59 minutes'"),
    Rule(
      "user_code_tries", "identity_application_id, who, tries, begun_at",
      past: "\(id), \(bytes), 3, now() - interval '61 minutes'",
      live: "\(id), \(bytes), 3, now() - interval '59 minutes'"),
    Rule(
      "dpop_proofs", "proof_hash, expires_at", past: "\(bytes), now() - interval '1 second'",
      live: "\(bytes), now() + interval '1 minute'"),
    Rule(
      "client_assertions", "client_id, jti_hash, expires_at", past: "\(id), \(bytes), now() - interval '6 minutes'",
      live: "\(id), \(bytes), now() - interval '4 minutes'"),
    Rule(
      "password_tries", "identity_application_id, account, tries, last_try_at, locked_until",
      past: "\(id), 'a', 3, now() - interval '25 hours', NULL",
      "\(id), 'b', 10, now() - interval '25 hours', now() - interval '1 second'",
      live: "\(id), 'c', 10, now() - interval '25 hours', now() + interval '1 hour'",
      "\(id), 'd', 3, now() - interval '23 hours', NULL"),
    Rule(
      "wechat_authorizations",
      "id, identity_application_id, client_id, purpose, session_id, state_hash, browser_hash, expires_at",
      past: "$ID, \(id), \(id), 'link', \(id), \(bytes), \(bytes), now() - interval '1 second'",
      live: "$ID, \(id), \(id), 'link', \(id), \(bytes), \(bytes), now() + interval '1 minute'"),
    Rule(
      "reconciliation_items", "reconciliation_id, situation, identity_id, user_id",
      past: "uuidv7_floor(now() - interval '91 days'), 'CONFIRMED', \(id), \(id)",
      live: "(left(uuidv7_floor(now() - interval '89 days')::text, 35) || '1')::uuid, 'CONFIRMED', \(id), \(id)"),
    Rule(
      "previous_push_settings", "id, client_id, push_token_sealed, expires_at",
      past: "$ID, \(id), 'x', now() - interval '1 second'", live: "$ID, \(id), 'x', now() + interval '1 minute'"),
  ]

  @Test("what is past its life is deleted and what is not stays", arguments: rules)
  func rule(_ rule: Rule) async throws {
    let expiry = try await Expiry.make()
    let tenant = UUID().uuidString
    func insert(_ rows: [String]) async throws {
      for row in rows {
        let values = row.replacing("$ID", with: "'\(UUIDv7.make().canonical)'")
        // What they refer to is left out: only their own times count.
        try await expiry.administer(
          """
          SET session_replication_role = replica;
          INSERT INTO \(rule.table) (tenant_id, \(rule.columns)) VALUES ('\(tenant)', \(values));
          SET session_replication_role = DEFAULT
          """)
      }
    }
    func left() async throws -> [[String?]] {
      try await expiry.administer("SELECT count(*) FROM \(rule.table) WHERE tenant_id = '\(tenant)'")
    }
    try await insert(rule.live)
    try await expiry.drain()
    #expect(try await left() == [["\(rule.live.count)"]])
    try await insert(rule.past)
    #expect(try await left() == [["\(rule.live.count + rule.past.count)"]])
    try await expiry.drain()
    #expect(try await left() == [["\(rule.live.count)"]])
  }
}
