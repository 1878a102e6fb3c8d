import FoundationEssentials
import JSON
import OAuth
import Query
import Secrets
import Tenancy

extension TokenEndpoint {
  /// Delegations of delegations beyond this are refused: each makes the token longer.
  private static let deepestChain = 4

  /// The `urn:ietf:params:oauth:grant-type:token-exchange` grant (RFC 8693), inside one identity application: a client that
  /// authenticates gets, for a user's live access token, one of its own for the same user.
  ///
  /// The new token stands on the session and grant of the old one and ends with them; it never lives longer.
  func exchanged(_ request: Request, in database: TenantDatabase) async throws(OAuthRefusal) -> IssuedTokens {
    guard let credentials = request.client else { throw Self.unauthenticated }
    let client = try await credentials.authenticate(request.application, in: database)
    try Self.allow(.tokenExchange, client)
    try Self.requireProof(request, client)
    let asked: ExchangeRequest
    do {
      asked = try ExchangeRequest(request.fields)
    } catch {
      throw .oauth(error)
    }
    let subject = try await live(asked.subjectToken, of: client, in: database)
    guard let subject, let user = subject.user else {
      throw Self.unacceptable("subject_token is not a live access token of a user of this issuer")
    }
    // Who holds a bound token here did not prove its key; what they get must at least be bound to theirs.
    guard subject.claims.keyThumbprint == nil || request.proof != nil else {
      throw .oauth(OAuthError(.invalidDPoPProof, "subject_token is bound to a key: send a DPoP proof of your own"))
    }
    let scope = try narrowed(subject.claims.scope, by: try self.asked(request), client)
    let audience = try audience(asked.target, instead: subject.claims, client)
    let actor = try await actor(asked.actorToken, behind: subject.claims.actor, client, in: database)
    do {
      if let proof = request.proof { _ = try await database.run(RecordProof(proof: proof)) }
    } catch {
      throw OAuthRefusal(error)
    }
    do {
      return try issuer.issue(
        TokenIssuer.Exchange(
          tenant: database.tenant, application: client.application, user: user.id, subject: subject.claims,
          clientID: client.id.canonical, audience: audience, scope: scope, actor: actor,
          keyThumbprint: request.proof?.thumbprint,
          now: now()))
    } catch {
      throw .fault(error)
    }
  }

  private func live(
    _ token: String, of client: AuthenticatedClient, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> AccessTokenVerifier.Live? {
    do {
      return try await verifier.live(
        token, application: client.application.slug, in: database, presented: .inspected)
    } catch {
      throw .fault(error)
    }
  }

  /// What the subject's token reaches and the client is registered for; what was asked for, if it is inside of both.
  private func narrowed(
    _ granted: Scope, by asked: Scope?, _ client: AuthenticatedClient
  ) throws(OAuthRefusal) -> Scope {
    let registered = Scope(client.scopes)
    guard let asked else {
      return Scope(granted.tokens.filter { registered.contains($0) && $0 != Scope.offlineAccess })
    }
    guard granted.covers(asked), registered.covers(asked) else {
      throw .oauth(
        OAuthError(.invalidScope, "the scope is wider than that of subject_token or than the client is registered for"))
    }
    return asked
  }

  /// What the new token is for: what the old one is, or instead of the issuer one of its resources. From a resource nothing leads
  /// anywhere else: who was given such a token could not go there with it.
  private func audience(
    _ asked: String?, instead subject: AccessTokenClaims, _ client: AuthenticatedClient
  ) throws(OAuthRefusal) -> String {
    guard let asked, asked != subject.audience else { return subject.audience }
    guard subject.audience == subject.issuer else {
      throw .oauth(OAuthError(.invalidTarget, "a token for a resource is exchanged for one for the same resource"))
    }
    do {
      try client.registration.admit(resource: asked)
      return asked
    } catch {
      throw .oauth(error)
    }
  }

  /// The `act` of the new token: the actor in front of those before; without an actor the chain as it was (RFC 8693 section 4.1).
  private func actor(
    _ token: String?, behind earlier: JSONObject?, _ client: AuthenticatedClient, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> JSONObject? {
    guard let token else { return earlier }
    guard let actor = try await live(token, of: client, in: database), actor.claims.clientID == client.id.canonical
    else {
      throw Self.unacceptable("actor_token is not a live access token that this client was given")
    }
    var act = JSONObject([("sub", .string(actor.claims.subject))])
    if let earlier { act["act"] = .object(earlier) }
    guard Self.depth(act) <= Self.deepestChain else {
      throw Self.unacceptable("subject_token was delegated \(Self.deepestChain) times already")
    }
    return act
  }

  private static func depth(_ act: JSONObject) -> Int { 1 + (act["act"]?.object.map(depth) ?? 0) }

  /// RFC 8693 section 2.2.2 has one error for every token that is not acceptable.
  private static func unacceptable(_ what: String) -> OAuthRefusal { .oauth(OAuthError(.invalidRequest, what)) }
}
