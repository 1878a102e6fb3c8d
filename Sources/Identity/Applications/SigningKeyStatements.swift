import FoundationEssentials
import Query
import Tenancy

/// Publishes the key that is to sign next, or finds the one that a rotation before left waiting, and says how long until every node
/// publishes it, in seconds.
///
/// A waiting key of another algorithm that no rotation can still be busy with is dropped: it never signed anything.
struct PublishSigningKey: TenantStatement {
  static let sql: SQL = """
    WITH application AS (
      SELECT id FROM identity_applications WHERE tenant_id = current_tenant() AND id = $1
    ), dropped AS (
      DELETE FROM signing_keys k USING application a
      WHERE k.tenant_id = current_tenant() AND k.identity_application_id = a.id AND k.status = 'next' AND k.alg <> $3
        AND k.activates_at < now() - interval '1 minute'
    ), waiting AS (
      SELECT k.id, k.activates_at FROM signing_keys k JOIN application a ON a.id = k.identity_application_id
      WHERE k.tenant_id = current_tenant() AND k.status = 'next' AND k.alg = $3
      ORDER BY k.id LIMIT 1
    ), made AS (
      INSERT INTO signing_keys (tenant_id, id, identity_application_id, alg, status, public_jwk, private_key_sealed,
        activates_at)
      SELECT current_tenant(), $2, a.id, $3, 'next', $4, $5, now() + make_interval(secs => $6)
      FROM application a WHERE NOT EXISTS (SELECT FROM waiting)
      RETURNING id, activates_at
    )
    SELECT id, greatest(0, extract(epoch FROM activates_at - now()))::double precision
    FROM (SELECT id, activates_at FROM waiting UNION ALL SELECT id, activates_at FROM made) AS k
    """
  let application: ID<IdentityApplication>
  let key: NewSigningKey
  /// Seconds for which a node may answer with what it knew before.
  let lead: Double

  func bind(to binder: inout Binder) {
    binder.bind(application)
    binder.bind(key.id)
    binder.bind(key.algorithm.rawValue)
    binder.bind(key.publicJWK)
    binder.bind(key.sealed)
    binder.bind(lead)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> (key: ID<SigningKey>, seconds: Double) {
    (try row.next(), try row.next())
  }
}

/// Lets rotations of one application through one after the other: a statement of its own, so that the next one sees what the rotation
/// before has done.
struct LockApplication: TenantStatement {
  static let sql: SQL = """
    SELECT id FROM identity_applications WHERE tenant_id = current_tenant() AND id = $1 FOR UPDATE
    """
  let application: ID<IdentityApplication>

  func bind(to binder: inout Binder) { binder.bind(application) }
  static func decode(_ row: inout Row) throws(DecodingFault) {}
}

/// Retires the key that signs, if another one waits that has the algorithm of the application; it stays published until the last
/// token that it signed is past.
struct RetireSigningKey: TenantStatement {
  static let sql: SQL = """
    WITH waiting AS (
      SELECT k.id, k.alg, a.id AS application, greatest(a.access_token_ttl, a.id_token_ttl) AS longest
      FROM signing_keys k
      JOIN identity_applications a ON a.tenant_id = current_tenant() AND a.id = k.identity_application_id
      WHERE k.tenant_id = current_tenant() AND k.id = $6 AND a.id = $5 AND k.status = 'next' AND k.alg = a.signing_alg
    ), retired AS (
      UPDATE signing_keys k SET status = 'retired', expires_at = now() + make_interval(secs => w.longest + 300)
      FROM waiting w
      WHERE k.tenant_id = current_tenant() AND k.identity_application_id = w.application AND k.status = 'active'
    )
    INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id, details)
    SELECT current_tenant(), $1, 'signing_key.rotated', $2, $3, $4, 'identity_application', application::text,
      jsonb_build_object('alg', alg)
    FROM waiting
    """
  let author: Author
  let application: ID<IdentityApplication>
  let key: ID<SigningKey>

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(application)
    binder.bind(key)
  }
}

/// Lets the waiting key sign; behind `RetireSigningKey` in the same transaction, because the unique key on the active one is checked
/// against the rows as one statement finds them. It changes nothing where another rotation did so already.
struct ActivateSigningKey: TenantStatement {
  static let sql: SQL = """
    UPDATE signing_keys k SET status = 'active' FROM identity_applications a
    WHERE k.tenant_id = current_tenant() AND k.id = $2 AND k.identity_application_id = $1 AND k.status = 'next'
      AND a.tenant_id = current_tenant() AND a.id = $1 AND a.signing_alg = k.alg
    """
  let application: ID<IdentityApplication>
  let key: ID<SigningKey>

  func bind(to binder: inout Binder) {
    binder.bind(application)
    binder.bind(key)
  }
}
