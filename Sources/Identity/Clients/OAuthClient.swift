import FoundationEssentials
import OAuth
import Query
import Secrets
import Tenancy

/// An app of the tenant that signs users in through an identity application, or acts for itself.
public enum OAuthClient {}

/// How a client showed who it is at an OAuth endpoint (RFC 6749 section 2.3).
public struct ClientCredentials: Sendable {
  /// The `client_id`.
  public let id: String
  /// The `client_secret`; `nil` for a client that only named itself.
  public let secret: String?
  /// `client_secret_basic`, `client_secret_post`, `private_key_jwt` or `none`.
  public let method: String
  private let assertion: (claims: ClientAssertion, checker: ClientAssertions)?

  /// Credentials.
  public init(id: String, secret: String?, method: String) {
    self.id = id
    self.secret = secret
    self.method = method
    assertion = nil
  }

  /// An assertion, which `checker` believes or not.
  init(assertion: ClientAssertion, checkedBy checker: ClientAssertions) {
    id = assertion.clientID
    secret = nil
    method = ClientAuthMethod.privateKeyJWT.rawValue
    self.assertion = (assertion, checker)
  }

  /// True when they are more than a name.
  var areProof: Bool { secret != nil || assertion != nil }
}

/// A client that authenticated, with its application.
struct AuthenticatedClient: Sendable {
  let id: UUID
  let isThirdParty: Bool
  let type: String
  let redirectURIs: [String]
  let grantTypes: [String]
  let scopes: [String]
  let authMethod: String
  let secretHash: [UInt8]?
  /// Its public keys, or where they are.
  let jwks: JSONText?
  let jwksURI: String?
  /// True when it gets no tokens without a DPoP proof.
  let requiresDPoP: Bool
  /// What access tokens of its application may be for besides the issuer itself.
  let resources: [String]
  let application: ApplicationSettings
}

/// Reads an OAuth client or an enabled third-party authz client (a public OAuth client of its tokens) of one application.
struct FindClient: TenantStatement {
  static let sql: SQL = """
    WITH found AS (
      SELECT c.id, false AS third_party, c.type, c.redirect_uris, c.grant_types, c.scopes, c.token_endpoint_auth_method,
        c.client_secret_hash, c.jwks, c.jwks_uri, c.dpop_bound_access_tokens, c.identity_application_id
      FROM oauth_clients c
      WHERE c.tenant_id = current_tenant() AND c.id = $1
      UNION ALL
      SELECT c.id, true, 'third_party', '{}', '{refresh_token}', c.scopes, 'none', NULL, NULL, NULL, false,
        c.identity_application_id
      FROM third_party_authz_clients c
      WHERE c.tenant_id = current_tenant() AND c.id = $1 AND c.enabled
    )
    SELECT c.id, c.third_party, c.type, c.redirect_uris, c.grant_types, c.scopes, c.token_endpoint_auth_method,
      c.client_secret_hash, c.jwks, c.jwks_uri, c.dpop_bound_access_tokens, a.resources, a.id, a.slug, a.enrollment,
      a.phone_matching, a.access_token_ttl, a.id_token_ttl, a.refresh_token_ttl, a.refresh_token_idle_ttl,
      a.session_ttl, a.session_idle_ttl, k.id, k.alg, k.private_key_sealed
    FROM found c
    JOIN identity_applications a ON a.tenant_id = current_tenant() AND a.id = c.identity_application_id
    JOIN signing_keys k ON k.tenant_id = current_tenant() AND k.identity_application_id = a.id AND k.status = 'active'
    WHERE $2::text IS NULL OR a.slug = $2
    """
  let client: UUID
  /// A slug; `nil` for any application.
  let application: String?

  func bind(to binder: inout Binder) {
    binder.bind(client)
    binder.bind(application)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> AuthenticatedClient {
    AuthenticatedClient(
      id: try row.next(), isThirdParty: try row.next(), type: try row.next(),
      redirectURIs: try row.next(ColumnArray<String>.self).elements,
      grantTypes: try row.next(ColumnArray<String>.self).elements,
      scopes: try row.next(ColumnArray<String>.self).elements, authMethod: try row.next(), secretHash: try row.next(),
      jwks: try row.next(), jwksURI: try row.next(), requiresDPoP: try row.next(),
      resources: try row.next(ColumnArray<String>.self).elements, application: try ApplicationSettings(&row))
  }
}

extension ClientCredentials {
  /// The client, if it is one of the application with the slug `application` (of any, at the tenant's own endpoint) and
  /// authenticated as it must.
  /// - Throws: `invalid_client`, the same for every reason, or a fault.
  func authenticate(
    _ application: String?, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> AuthenticatedClient {
    guard let uuid = UUID(canonical: id) else { throw Self.invalid }
    let found: AuthenticatedClient?
    do {
      found = try await database.run(FindClient(client: uuid, application: application), repeatable: true).first
    } catch {
      throw .fault(.database(error))
    }
    // The hash is compared even for an unknown client, so that the time tells nothing.
    let presented = Digest.sha256((secret ?? "").utf8)
    let fits = Digest.equal(found?.secretHash ?? [UInt8](repeating: 0, count: 32), presented)
    guard let found else { throw Self.invalid }
    switch found.authMethod {
    case "none": guard !areProof else { throw Self.invalid }
    case "client_secret_basic", "client_secret_post":
      guard fits, secret != nil, method == found.authMethod else { throw Self.invalid }
    case "private_key_jwt":
      guard let assertion, try await isProved(assertion, found, in: database) else { throw Self.invalid }
    default: throw Self.invalid
    }
    return found
  }

  private func isProved(
    _ assertion: (claims: ClientAssertion, checker: ClientAssertions), _ client: AuthenticatedClient,
    in database: TenantDatabase
  ) async throws(OAuthRefusal) -> Bool {
    do {
      return try await assertion.checker.proves(assertion.claims, client, in: database)
    } catch {
      throw .fault(.database(error))
    }
  }

  private static let invalid = OAuthRefusal.oauth(
    OAuthError(.invalidClient, "the client is unknown or did not authenticate as it is registered to"))
}
