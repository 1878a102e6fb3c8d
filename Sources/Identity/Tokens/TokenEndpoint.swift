import Federation
import FoundationEssentials
import OAuth
import Query
import Secrets
import Tenancy

/// The grants of the token endpoint, and what belongs to it: introspection and revocation.
public struct TokenEndpoint: Sendable {
  let issuer: TokenIssuer
  let verifier: AccessTokenVerifier
  private let refresh: Refresh
  private let federation: WeChatFederation
  let now: @Sendable () -> Date

  /// An endpoint of the given parts.
  public init(
    issuer: TokenIssuer, verifier: AccessTokenVerifier, refresh: Refresh, federation: WeChatFederation,
    now: @escaping @Sendable () -> Date
  ) {
    self.issuer = issuer
    self.verifier = verifier
    self.refresh = refresh
    self.federation = federation
    self.now = now
  }

  /// A token request (RFC 6749 section 3.2).
  public struct Request: Sendable {
    /// The form fields.
    public let fields: [String: String]
    /// How the client showed who it is; `nil` when it did not.
    public let client: ClientCredentials?
    /// The slug of the application whose endpoint was asked; `nil` at the tenant's own endpoint.
    public let application: String?
    /// For the audit event.
    public let requestID: String
    /// What proves the key that the tokens are to be bound to (RFC 9449).
    public var proof: DPoPProof?

    /// A request.
    public init(
      fields: [String: String], client: ClientCredentials?, application: String?, requestID: String
    ) {
      self.fields = fields
      self.client = client
      self.application = application
      self.requestID = requestID
    }
  }

  /// The tokens of a request.
  /// - Throws: `OAuthRefusal`.
  public func tokens(for request: Request, in database: TenantDatabase) async throws(OAuthRefusal) -> IssuedTokens {
    guard let name = request.fields["grant_type"] else {
      throw .oauth(OAuthError(.invalidRequest, "grant_type is missing"))
    }
    guard let grant = GrantType(rawValue: name) else {
      throw .oauth(OAuthError(.unsupportedGrantType, "this grant_type is not one of the metadata document"))
    }
    switch grant {
    case .clientCredentials: return try await clientCredentials(request, in: database)
    case .refreshToken: return try await refreshed(request, in: database)
    case .sixWeChatMiniapp: return try await federated(request, in: database)
    case .authorizationCode: return try await redeemed(request, in: database)
    case .deviceCode: return try await polled(request, in: database)
    case .tokenExchange: return try await exchanged(request, in: database)
    }
  }

  /// RFC 6749 section 4.4.
  private func clientCredentials(
    _ request: Request, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> IssuedTokens {
    guard let credentials = request.client else { throw Self.unauthenticated }
    let client = try await credentials.authenticate(request.application, in: database)
    guard client.authMethod != "none", client.grantTypes.contains("client_credentials") else {
      throw .oauth(OAuthError(.unauthorizedClient, "this client is not registered for client_credentials"))
    }
    try Self.requireProof(request, client)
    let allowed = Scope(client.scopes)
    let scope = try asked(request) ?? allowed
    guard allowed.covers(scope) else {
      throw .oauth(OAuthError(.invalidScope, "the scope is wider than what the client is registered for"))
    }
    let resource = request.fields["resource"]
    do {
      try client.registration.admit(resource: resource)
    } catch {
      throw .oauth(error)
    }
    do {
      // Nothing else is written here that the record of the proof could ride on.
      if let proof = request.proof { _ = try await database.run(RecordProof(proof: proof)) }
    } catch {
      throw OAuthRefusal(error)
    }
    do {
      return try issuer.issueForClient(
        client.id.canonical, scope: scope, application: client.application, tenant: database.tenant, now: now(),
        keyThumbprint: request.proof?.thumbprint, resource: resource)
    } catch {
      throw .fault(error)
    }
  }

  /// RFC 6749 section 6. A public client need not name itself; a confidential one must authenticate.
  private func refreshed(_ request: Request, in database: TenantDatabase) async throws(OAuthRefusal) -> IssuedTokens {
    guard let token = request.fields["refresh_token"] else {
      throw .oauth(OAuthError(.invalidRequest, "refresh_token is missing"))
    }
    let scope = try asked(request)
    guard let credentials = request.client, credentials.areProof else {
      // Refresh's own statement lets a client without authentication through only where the grant is a public client's.
      let client = request.client.map(\.id)
      if let client, UUID(canonical: client) == nil {
        throw .oauth(OAuthError(.invalidClient, "the client is unknown or did not authenticate as it is registered to"))
      }
      return try await refresh.tokens(
        for: Refresh.Request(
          token: token, application: request.application, client: client.flatMap { UUID(canonical: $0) }, scope: scope,
          isAuthenticated: false, proof: request.proof, resource: request.fields["resource"]),
        in: database)
    }
    let client = try await credentials.authenticate(request.application, in: database)
    try Self.allow(.refreshToken, client)
    return try await refresh.tokens(
      for: Refresh.Request(
        token: token, application: request.application, client: client.id, scope: scope, isAuthenticated: true,
        proof: request.proof, resource: request.fields["resource"]),
      in: database)
  }

  /// SiX's grant: `assertion` is a `federateCode` of type `Token`, no client authentication.
  private func federated(_ request: Request, in database: TenantDatabase) async throws(OAuthRefusal) -> IssuedTokens {
    guard let assertion = request.fields["assertion"] else {
      throw .oauth(OAuthError(.invalidRequest, "assertion is missing"))
    }
    do {
      return try await federation.redeem(
        federateCode: assertion, application: request.application, in: database, requestID: request.requestID)
    } catch .fault(let fault) {
      throw .fault(fault)
    } catch {
      throw .oauth(OAuthError(.invalidGrant, "the federateCode is unknown, used, expired or not of type Token"))
    }
  }

  /// Refuses a client that is not registered for a grant.
  static func allow(_ grant: GrantType, _ client: AuthenticatedClient) throws(OAuthRefusal) {
    guard client.grantTypes.contains(grant.rawValue) else {
      throw .oauth(OAuthError(.unauthorizedClient, "this client is not registered for \(grant.rawValue)"))
    }
  }

  func asked(_ request: Request) throws(OAuthRefusal) -> Scope? {
    guard let text = request.fields["scope"] else { return nil }
    guard let scope = Scope(parsing: text) else {
      throw .oauth(OAuthError(.invalidScope, "the scope has characters that are not allowed"))
    }
    return scope
  }

  static let unauthenticated = OAuthRefusal.oauth(
    OAuthError(
      .invalidClient, "authenticate the client with client_secret_basic, client_secret_post or private_key_jwt"))
}

extension TokenEndpoint {
  /// What introspection tells of a token (RFC 7662 section 2.2); `nil` stands for `{"active": false}`.
  ///
  /// A `service` client is a resource server of its application and may ask about every token of it; any other client only
  /// about its own.
  /// - Throws: `OAuthRefusal` when the asking client does not authenticate.
  public func introspect(
    _ request: Request, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> AccessTokenVerifier.Live? {
    guard let credentials = request.client, credentials.areProof else { throw Self.unauthenticated }
    let client = try await credentials.authenticate(request.application, in: database)
    guard let token = request.fields["token"] else {
      throw .oauth(OAuthError(.invalidRequest, "token is missing"))
    }
    do {
      let live = try await verifier.live(
        token, application: client.application.slug, in: database, presented: .inspected)
      guard let live, client.type == "service" || live.claims.clientID == client.id.canonical else { return nil }
      return live
    } catch {
      throw .fault(error)
    }
  }

  /// Revokes a token of the asking client (RFC 7009 section 2.1); one that is unknown or another client's is left alone and
  /// answered the same, so that nothing is told.
  /// - Throws: `OAuthRefusal` when the asking client does not authenticate.
  public func revoke(_ request: Request, in database: TenantDatabase) async throws(OAuthRefusal) {
    guard let credentials = request.client else { throw Self.unauthenticated }
    let client = try await credentials.authenticate(request.application, in: database)
    guard let token = request.fields["token"] else {
      throw .oauth(OAuthError(.invalidRequest, "token is missing"))
    }
    do {
      if token.hasPrefix("qrt_") {
        try await refresh.revoke(token, of: client.id, in: database)
      } else if let live = try await verifier.live(
        token, application: client.application.slug, in: database, presented: .inspected),
        live.claims.clientID == client.id.canonical
      {
        let revoke = RevokeAccessToken(tokenID: live.claims.tokenID, expiresAt: live.claims.expiresAt)
        do {
          _ = try await database.run(revoke, repeatable: true)
        } catch {
          throw IdentityFault.database(error)
        }
      }
    } catch let fault as IdentityFault {
      throw .fault(fault)
    } catch {
      throw .fault(.cryptography("revocation"))
    }
  }
}

/// Remembers a revoked access token until it would have expired.
struct RevokeAccessToken: TenantStatement {
  static let sql: SQL = """
    INSERT INTO revoked_access_tokens (tenant_id, jti, expires_at) VALUES (current_tenant(), $1, to_timestamp($2))
    ON CONFLICT ON CONSTRAINT revoked_access_tokens_pkey DO NOTHING
    """
  let tokenID: String
  let expiresAt: Int

  func bind(to binder: inout Binder) {
    binder.bind(tokenID)
    binder.bind(Double(expiresAt))
  }
}
