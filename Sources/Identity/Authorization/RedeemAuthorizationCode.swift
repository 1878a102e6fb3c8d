import FoundationEssentials
import OAuth
import Query
import Secrets
import Tenancy

extension TokenEndpoint {
  /// The `authorization_code` grant (RFC 6749 section 4.1.3, RFC 7636 section 4.5).
  ///
  /// A code that is presented wrongly is burned: whoever holds it and is refused has stolen it or is broken.
  func redeemed(_ request: Request, in database: TenantDatabase) async throws(OAuthRefusal) -> IssuedTokens {
    guard let credentials = request.client else { throw Self.unauthenticated }
    let client = try await credentials.authenticate(request.application, in: database)
    guard client.grantTypes.contains(GrantType.authorizationCode.rawValue) else {
      throw .oauth(OAuthError(.unauthorizedClient, "this client is not registered for authorization_code"))
    }
    try Self.requireProof(request, client)
    guard let text = request.fields["code"] else { throw .oauth(OAuthError(.invalidRequest, "code is missing")) }
    guard let code = OpaqueToken(text, prefix: AuthorizationCode.prefix) else { throw Self.invalidCode }
    let verifier = request.fields["code_verifier"]
    let isWellFormed = verifier.map(PKCE.isVerifier) ?? true
    let redeem = RedeemCode(
      code: code, client: client.id,
      redirectURI: request.fields["redirect_uri"] ?? "", refreshToken: .make(),
      challenge: verifier.map { Base64URL.string(Digest.sha256($0.utf8)) },
      keyThumbprint: request.proof?.thumbprint)
    do {
      guard isWellFormed, let redeemed = try await redeemed(redeem, proving: request.proof, in: database) else {
        _ = try await database.run(BurnCode(code: code), repeatable: true)
        throw Self.invalidCode
      }
      // The code names what its tokens are for; who asks for something else has mistaken it.
      guard request.fields["resource"] == nil || request.fields["resource"] == redeemed.resource else {
        _ = try await database.run(BurnCode(code: code), repeatable: true)
        throw OAuthRefusal.oauth(OAuthError(.invalidTarget, "resource is not the one that was authorized"))
      }
      return try issue(redeemed, redeem, client, tenant: database.tenant)
    } catch let refusal as OAuthRefusal {
      throw refusal
    } catch let error as DatabaseError {
      throw OAuthRefusal(error)
    } catch {
      throw .fault(.cryptography("redeeming a code"))
    }
  }

  /// What a code turns into; a client's first one in a session joins that first.
  private func redeemed(
    _ redeem: RedeemCode, proving proof: DPoPProof?, in database: TenantDatabase
  ) async throws(DatabaseError) -> RedeemedCode? {
    if let redeemed = try await database.run(redeem, proving: proof).first { return redeemed }
    return try await database.run(JoinSession(redeem: redeem), redeem).1.first
  }

  private func issue(
    _ code: RedeemedCode, _ redeem: RedeemCode, _ client: AuthenticatedClient, tenant: TenantScope
  ) throws(OAuthRefusal) -> IssuedTokens {
    let facts = TokenIssuer.Facts(
      tenant: tenant, application: code.application, user: code.user, clientID: client.id.canonical,
      scope: Scope(parsing: code.scope) ?? Scope([]), session: code.session, amr: code.amr, authTime: code.authTime,
      issuedAt: code.redeemedAt, refreshToken: redeem.refreshToken, withUserClaims: false, nonce: code.nonce,
      givesRefreshToken: client.grantTypes.contains(GrantType.refreshToken.rawValue),
      keyThumbprint: redeem.keyThumbprint, idTokenClaims: code.claims?.idToken ?? [], resource: code.resource)
    do {
      return try issuer.issue(facts)
    } catch {
      throw .fault(error)
    }
  }

  private static let invalidCode = OAuthRefusal.oauth(
    OAuthError(
      .invalidGrant, "the code is unknown, used, expired, of another client, redirect_uri or code_verifier"))
}
