import FoundationEssentials
import JSON
import OAuth
import Query
import Secrets
import Tenancy

/// Authenticates clients by `private_key_jwt` (RFC 7523, OpenID Connect Core section 9).
public struct ClientAssertions: Sendable {
  private let names: TokenIssuer
  private let keySets: ClientKeySets
  private let now: @Sendable () -> Date

  /// Assertions for the issuers of `names`; keys behind a `jwks_uri` are read by `read`.
  public init(names: TokenIssuer, now: @escaping @Sendable () -> Date, read: @escaping ClientKeySets.Read) {
    self.names = names
    self.now = now
    keySets = ClientKeySets(read: read)
  }

  /// What the parameters `client_assertion` and `client_assertion_type` say; nothing of it is proved before
  /// `ClientCredentials.authenticate`.
  /// - Throws: `invalid_request` when one stands without the other; `invalid_client` for another type, a signature that can never
  ///   fit, times that are past or ahead, or another client than `client_id`.
  public func credentials(_ fields: [String: String]) throws(OAuthError) -> ClientCredentials? {
    let (text, type) = (fields["client_assertion"], fields["client_assertion_type"])
    guard text != nil || type != nil else { return nil }
    guard let text, let type else {
      throw OAuthError(.invalidRequest, "client_assertion and client_assertion_type belong together")
    }
    guard type == ClientAssertion.type else {
      throw OAuthError(.invalidClient, "client_assertion_type must be \(ClientAssertion.type)")
    }
    guard let assertion = ClientAssertion(text, now: now()) else {
      throw OAuthError(
        .invalidClient,
        "client_assertion must be a signed JWT with iss, sub, aud, jti and exp of at most an hour, and not expired")
    }
    guard let algorithm = assertion.jws.header["alg"]?.string, PublicSigningKey.algorithms.contains(algorithm) else {
      let allowed = PublicSigningKey.algorithms.joined(separator: ", ")
      throw OAuthError(.invalidClient, "client_assertion must be signed with one of \(allowed)")
    }
    guard fields["client_id"] == nil || fields["client_id"] == assertion.clientID else {
      throw OAuthError(.invalidClient, "client_id is not the sub of client_assertion")
    }
    return ClientCredentials(assertion: assertion, checkedBy: self)
  }

  /// True when the assertion is for the client's issuer, signed with one of its keys, and was not used before on any node.
  func proves(
    _ assertion: ClientAssertion, _ client: AuthenticatedClient, in database: TenantDatabase
  ) async throws(DatabaseError) -> Bool {
    guard assertion.audience == names.issuer(tenant: database.tenant, application: client.application.slug) else {
      return false
    }
    let id = assertion.jws.header["kid"]?.string
    let keys = await keys(of: client, id: id, tenant: database.tenant.id).filter {
      id == nil || $0["kid"]?.string == id
    }
    guard keys.contains(where: { PublicSigningKey($0)?.verifies(assertion.jws) == true }) else { return false }
    let spend = SpendAssertion(client: client.id, tokenID: assertion.tokenID, expiresAt: assertion.expiresAt)
    return try await !database.run(spend).isEmpty
  }

  private func keys(of client: AuthenticatedClient, id: String?, tenant: ID<Tenant>) async -> [JSONObject] {
    if let inline = client.jwks { return ClientKeySets.keys(in: inline.utf8) }
    guard let uri = client.jwksURI else { return [] }
    return await keySets.keys(at: uri, with: id, for: tenant)
  }
}

/// Remembers the `jti` of an assertion until the assertion is past; no row when it was used before.
struct SpendAssertion: TenantStatement {
  static let sql: SQL = """
    INSERT INTO client_assertions (tenant_id, client_id, jti_hash, expires_at)
    VALUES (current_tenant(), $1, $2, to_timestamp($3))
    ON CONFLICT ON CONSTRAINT client_assertions_pkey DO NOTHING
    RETURNING client_id
    """
  let client: UUID
  let tokenID: String
  let expiresAt: Double

  func bind(to binder: inout Binder) {
    binder.bind(client)
    binder.bind(Digest.sha256(tokenID.utf8))
    binder.bind(expiresAt)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) {}
}
