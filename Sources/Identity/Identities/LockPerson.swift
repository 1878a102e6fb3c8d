import Query
import Secrets
import Tenancy

/// Makes those who change the same person's identity wait for each other, in the order every sign-in takes its locks: user before
/// identity. Uniqueness is the constraints' business; this only keeps first logins that race from failing or dead-locking on it.
struct LockPerson: TenantStatement {
  static let sql: SQL = """
    WITH alone AS MATERIALIZED (SELECT pg_advisory_xact_lock($1))
    SELECT u.id FROM alone, federated_identities i
    JOIN users u ON u.tenant_id = current_tenant() AND u.id = i.user_id
    WHERE i.tenant_id = current_tenant() AND i.identity_application_id = $2 AND i.app_id = $3 AND i.openid = $4
    FOR UPDATE OF u
    """
  let client: FederationClient
  let person: Person

  func bind(to binder: inout Binder) {
    binder.bind(key)
    binder.bind(client.application.id)
    binder.bind(person.appID)
    binder.bind(person.openid)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) {}

  /// The same for one unionid of one account, whichever app the person comes by.
  private var key: Int {
    let name: String
    if let account = client.openPlatformAccount, let unionid = person.unionid {
      name = "union \(account) \(unionid)"
    } else {
      name = "open \(person.appID) \(person.openid)"
    }
    let digest = Digest.sha256("\(client.application.id) \(name)".utf8)
    return Int(truncatingIfNeeded: digest[..<8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
  }
}
