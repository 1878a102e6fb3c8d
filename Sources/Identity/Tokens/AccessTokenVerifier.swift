import FoundationEssentials
import JSON
import Query
import Secrets
import Synchronization
import Tenancy

/// Verifies access tokens of our own issuers: the signature once, the life of what stands behind it each time.
///
/// A verified signature is remembered by the hash of the token, so that a second look costs one statement. Whether user,
/// session, grant and client still live is never remembered: a revocation counts at once, on every node.
public final class AccessTokenVerifier: Sendable {
  private struct Place: Hashable {
    let tenant: ID<Tenant>
    let hash: [UInt8]
  }

  private static let capacity = 50_000

  private let issuer: TokenIssuer
  private let keys: SigningKeyCache
  private let now: @Sendable () -> Date
  private let verified = Mutex<[Place: AccessTokenClaims]>([:])

  /// A verifier for the tokens of `issuer`.
  public init(issuer: TokenIssuer, keys: SigningKeyCache, now: @escaping @Sendable () -> Date) {
    self.issuer = issuer
    self.keys = keys
    self.now = now
  }

  /// A live access token and the user behind it.
  public struct Live: Sendable {
    /// What it says.
    public let claims: AccessTokenClaims
    /// Whose it is; `nil` for a client that acts for itself.
    public let user: User?
    /// Claims for userinfo that were asked for one by one.
    public var requestedClaims: [String] = []
  }

  /// How somebody came with a token.
  public enum Presentation: Sendable {
    /// As the bearer: enough for a token that is bound to no key.
    case bearer
    /// With a proof of a key (RFC 9449 section 7.1): for a token that is bound to that key.
    case proof(DPoPProof)
    /// Not to use it, but to ask about it.
    case inspected
  }

  /// The token, if it is one of the application with this slug, unexpired and not revoked, and user, session and client live.
  /// - Returns: `nil` for every token that is not live or not for whom presents it, whatever the reason.
  /// - Throws: `IdentityFault` when the database or a key fails.
  public func live(
    _ token: String, application slug: String, in database: TenantDatabase, presented: Presentation = .bearer
  ) async throws(IdentityFault) -> Live? {
    guard let claims = try await claims(token, application: slug, in: database),
      claims.issuer == issuer.issuer(tenant: database.tenant, application: slug),
      Double(claims.expiresAt) > now().timeIntervalSince1970
    else { return nil }
    let proof: DPoPProof?
    switch presented {
    // What is for somebody else opens nothing here (RFC 9068 section 4).
    case .bearer where claims.audience != claims.issuer, .proof where claims.audience != claims.issuer: return nil
    case .bearer where claims.keyThumbprint != nil: return nil
    case .proof(let given) where given.thumbprint != claims.keyThumbprint: return nil
    case .proof(let given): proof = given
    case .bearer, .inspected: proof = nil
    }
    do {
      if let session = claims.sessionID {
        guard let user = ID<User>(claims.subject), let client = UUID(canonical: claims.clientID),
          let grant = RefreshToken.grant(ofAccessToken: claims.tokenID)
        else { return nil }
        let check = CheckUserToken(
          user: user, session: session, grant: grant, client: client, key: claims.keyID, tokenID: claims.tokenID,
          application: slug)
        guard let found = try await database.run(check, proving: proof, repeatable: true).first else { return nil }
        return Live(claims: claims, user: found.user, requestedClaims: found.claims)
      }
      guard let client = UUID(canonical: claims.clientID), claims.subject == claims.clientID else { return nil }
      let check = CheckClientToken(
        client: client, key: claims.keyID, tokenID: claims.tokenID, application: slug)
      guard try await database.run(check, proving: proof, repeatable: true).first != nil else { return nil }
      return Live(claims: claims, user: nil)
    } catch {
      throw .database(error)
    }
  }

  private func claims(
    _ token: String, application slug: String, in database: TenantDatabase
  ) async throws(IdentityFault) -> AccessTokenClaims? {
    guard token.utf8.count <= 8192 else { return nil }
    let place = Place(tenant: database.tenant.id, hash: Digest.sha256(token.utf8))
    if let known = verified.withLock({ $0[place] }) { return known }
    guard let jws = CompactJWS(token), jws.header["typ"]?.string == "at+jwt",
      let keyID = jws.header["kid"]?.string.flatMap({ ID<SigningKey>($0) })
    else { return nil }
    let stored: StoredSigningKey?
    do {
      stored = try await database.run(FindSigningKey(application: slug, key: keyID), repeatable: true).first
    } catch {
      throw .database(error)
    }
    guard let stored, jws.header["alg"]?.string == stored.algorithm else { return nil }
    let key = try keys.key(stored, tenant: database.tenant.id)
    guard key.key.isValid(jws.signature, for: jws.signed), let object = jws.claims,
      let claims = AccessTokenClaims(object, keyID: keyID, text: jws.payload)
    else { return nil }
    verified.withLock { table in
      if table.count >= Self.capacity { table.removeAll(keepingCapacity: true) }
      table[place] = claims
    }
    return claims
  }
}

/// A key of the application with a slug that may have signed: while it is published, and for hints as long as it is kept.
///
/// Rows of keys go with their application only, so that every session's ID tokens find theirs.
struct FindSigningKey: TenantStatement {
  static let sql: SQL = """
    SELECT k.id, k.alg, k.private_key_sealed FROM signing_keys k
    WHERE k.tenant_id = current_tenant() AND k.id = $2 AND k.status <> 'next'
      AND ($3::boolean OR k.expires_at IS NULL OR k.expires_at > now())
      AND k.identity_application_id = (SELECT a.id FROM identity_applications a
        WHERE a.tenant_id = current_tenant() AND a.slug = $1)
    """
  let application: String
  let key: ID<SigningKey>
  /// True for a hint, which is taken when it has expired, and then by a key that is published no more.
  var isForHint = false

  func bind(to binder: inout Binder) {
    binder.bind(application)
    binder.bind(key)
    binder.bind(isForHint)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> StoredSigningKey { try StoredSigningKey(&row) }
}

/// The user of an access token, if everything that it stands on lives. It is of the application whose key signed it.
struct CheckUserToken: TenantStatement {
  static let sql: SQL = """
    SELECT u.id, u.identity_application_id, u.username, u.name, u.picture, u.phone_number, u.phone_number_verified, u.email,
      u.email_verified, u.attributes, u.origin, u.status = 'active', u.last_login_at, u.version, u.created_at, u.updated_at,
      CASE WHEN g.client_id = $4 THEN g.claims -> 'userinfo' END
    FROM users u
    JOIN grants g ON g.tenant_id = current_tenant() AND g.id = $3 AND g.user_id = u.id AND g.revoked_at IS NULL
    WHERE u.tenant_id = current_tenant() AND u.id = $1 AND u.status = 'active'
      AND u.identity_application_id = (SELECT a.id FROM signing_keys k
        JOIN identity_applications a ON a.tenant_id = current_tenant() AND a.id = k.identity_application_id
        WHERE k.tenant_id = current_tenant() AND k.id = $5 AND (k.expires_at IS NULL OR k.expires_at > now())
          AND a.slug = $7)
      AND (g.is_offline OR EXISTS (SELECT FROM sessions s WHERE s.tenant_id = current_tenant() AND s.id = $2
        AND s.user_id = u.id AND s.ended_at IS NULL AND s.expires_at > now() AND s.idle_expires_at > now()))
      AND (EXISTS (SELECT FROM third_party_authz_clients c
          WHERE c.tenant_id = current_tenant() AND c.id = $4 AND c.enabled)
        OR EXISTS (SELECT FROM oauth_clients c WHERE c.tenant_id = current_tenant() AND c.id = $4))
      AND NOT EXISTS (SELECT FROM revoked_access_tokens r WHERE r.tenant_id = current_tenant() AND r.jti = $6)
    """
  let user: ID<User>
  let session: ID<Session>
  let grant: ID<Grant>
  let client: UUID
  let key: ID<SigningKey>
  let tokenID: String
  /// The slug of the application that was asked: one can be given to another application.
  let application: String

  func bind(to binder: inout Binder) {
    binder.bind(user)
    binder.bind(session)
    binder.bind(grant)
    binder.bind(client)
    binder.bind(key)
    binder.bind(tokenID)
    binder.bind(application)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> (user: User, claims: [String]) {
    let user = try User(&row)
    let claims: JSONText? = try row.next()
    return (user, RequestedClaims.names(claims.flatMap { try? JSONValue(parsing: $0.utf8) }))
  }
}

/// A row if the client of an access token that acts for itself lives.
struct CheckClientToken: TenantStatement {
  static let sql: SQL = """
    SELECT 1 FROM oauth_clients c
    WHERE c.tenant_id = current_tenant() AND c.id = $1
      AND c.identity_application_id = (SELECT a.id FROM signing_keys k
        JOIN identity_applications a ON a.tenant_id = current_tenant() AND a.id = k.identity_application_id
        WHERE k.tenant_id = current_tenant() AND k.id = $2 AND (k.expires_at IS NULL OR k.expires_at > now())
          AND a.slug = $4)
      AND NOT EXISTS (SELECT FROM revoked_access_tokens r WHERE r.tenant_id = current_tenant() AND r.jti = $3)
    """
  let client: UUID
  let key: ID<SigningKey>
  let tokenID: String
  /// The slug of the application that was asked: one can be given to another application.
  let application: String

  func bind(to binder: inout Binder) {
    binder.bind(client)
    binder.bind(key)
    binder.bind(tokenID)
    binder.bind(application)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) {}
}
