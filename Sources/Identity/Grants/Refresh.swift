import FoundationEssentials
import OAuth
import Query
import Secrets
import Tenancy

/// The `refresh_token` grant (RFC 6749 section 6) with rotation and reuse detection (RFC 9700 section 4.14.2).
public struct Refresh: Sendable {
  private let issuer: TokenIssuer
  private let succession: RefreshSuccession

  /// A refresh whose successors are made with keys derived from `ring`.
  public init(issuer: TokenIssuer, ring: KeyRing) {
    self.issuer = issuer
    succession = RefreshSuccession(keys: ring.derivedKeys("refresh token successor"))
  }

  /// Who asks, and for how much.
  public struct Request: Sendable {
    /// The refresh token as presented.
    public let token: String
    /// The slug of the application whose endpoint was asked; `nil` at the tenant's own endpoint.
    public let application: String?
    /// The client that authenticated or named itself.
    public let client: UUID?
    /// A narrower scope, if one was asked for.
    public let scope: Scope?
    /// True when the client authenticated; without that only grants of public clients are refreshed.
    public let isAuthenticated: Bool
    /// What proves the key that the tokens are to be bound to (RFC 9449).
    public let proof: DPoPProof?
    /// The resource that the access token is asked for (RFC 8707 section 2.2).
    public let resource: String?

    /// A request.
    public init(
      token: String, application: String?, client: UUID?, scope: Scope?, isAuthenticated: Bool,
      proof: DPoPProof? = nil, resource: String? = nil
    ) {
      self.token = token
      self.application = application
      self.client = client
      self.scope = scope
      self.isAuthenticated = isAuthenticated
      self.proof = proof
      self.resource = resource
    }
  }

  /// New tokens for a current refresh token, or the same ones for one that was rotated at most 10 s ago.
  ///
  /// A genuine token from further back has been stolen or copied: the family ends (`invalid_grant`).
  /// - Throws: `OAuthRefusal`.
  public func tokens(for request: Request, in database: TenantDatabase) async throws(OAuthRefusal) -> IssuedTokens {
    guard let token = RefreshToken(request.token) else { throw Self.invalid }
    let successor = succession.next(token)
    do {
      let rotate = RotateRefreshToken(
        token: token, successor: successor, application: request.application, client: request.client,
        scope: request.scope,
        isAuthenticated: request.isAuthenticated, keyThumbprint: request.proof?.thumbprint,
        resource: request.resource)
      if let grant = try await database.run(rotate, proving: request.proof).first {
        if grant.isUnseen, let session = grant.sessionID {
          // The token is rotated: what happens here must not cost the client its answer.
          _ = try? await database.run(TouchSession(session: session), repeatable: true)
        }
        return try issue(grant, successor, request, in: database)
      }
      let find = FindGrant(
        grant: token.grant, application: request.application, client: request.client,
        isAuthenticated: request.isAuthenticated, keyThumbprint: request.proof?.thumbprint)
      guard let found = try await database.run(find, repeatable: true).first else { throw Self.invalid }
      if let successor = succession.next(token, of: found.secretHash) {
        guard found.isRecent else { return try await replayed(token.grant, in: database) }
        try Self.admit(request, found.grant)
        return try issue(found.grant, successor, request, in: database)
      }
      if Digest.equal(found.secretHash, token.hash) {
        try Self.admit(request, found.grant)
        throw Self.invalid
      }
      guard succession.leads(from: token, to: found.generation, of: found.secretHash) else { throw Self.invalid }
      return try await replayed(token.grant, in: database)
    } catch let refusal as OAuthRefusal {
      throw refusal
    } catch let error as DatabaseError {
      throw OAuthRefusal(error)
    } catch {
      throw .fault(.cryptography("refresh"))
    }
  }

  /// Ends the family of a genuine refresh token of `client`; leaves every other alone.
  /// - Throws: `IdentityFault`.
  func revoke(
    _ text: String, of client: UUID, in database: TenantDatabase
  ) async throws(IdentityFault) {
    guard let token = RefreshToken(text) else { return }
    do {
      let find = FindGrant(
        grant: token.grant, application: nil, client: client, isAuthenticated: true, anyKey: true)
      guard let found = try await database.run(find, repeatable: true).first else { return }
      let isCurrent = Digest.equal(found.secretHash, token.hash)
      guard isCurrent || succession.leads(from: token, to: found.generation, of: found.secretHash) else { return }
      _ = try await database.run(RevokeGrant(grant: token.grant), repeatable: true)
    } catch {
      throw .database(error)
    }
  }

  /// Refuses what goes beyond the grant; the statement that rotates does the same by itself.
  private static func admit(_ request: Request, _ grant: RotatedGrant) throws(OAuthRefusal) {
    guard request.resource == nil || request.resource == grant.resource else { throw otherResource }
    let granted = Scope(parsing: grant.scope) ?? Scope([])
    guard request.scope.map(granted.covers) ?? true else {
      throw .oauth(OAuthError(.invalidScope, "the scope is wider than what was granted"))
    }
  }

  private func replayed(_ grant: ID<Grant>, in database: TenantDatabase) async throws -> IssuedTokens {
    _ = try await database.run(RevokeGrant(grant: grant), repeatable: true)
    throw Self.invalid
  }

  private func issue(
    _ grant: RotatedGrant, _ token: RefreshToken, _ request: Request, in database: TenantDatabase
  ) throws(OAuthRefusal) -> IssuedTokens {
    let granted = Scope(parsing: grant.scope) ?? Scope([])
    let facts = TokenIssuer.Facts(
      tenant: database.tenant, application: grant.application, user: grant.user, clientID: grant.clientID.canonical,
      scope: request.scope ?? granted, session: grant.sessionID, amr: grant.amr, authTime: grant.authTime,
      issuedAt: grant.rotatedAt, refreshToken: token, withUserClaims: grant.isFederated,
      keyThumbprint: request.proof?.thumbprint,
      idTokenClaims: grant.claims?.idToken ?? [], resource: grant.resource)
    do {
      return try issuer.issue(facts)
    } catch {
      throw .fault(error)
    }
  }

  private static let otherResource = OAuthRefusal.oauth(
    OAuthError(.invalidTarget, "resource is not the one that was authorized"))
  private static let invalid = OAuthRefusal.oauth(
    OAuthError(.invalidGrant, "the refresh token is unknown, expired, revoked or of another client"))
}
