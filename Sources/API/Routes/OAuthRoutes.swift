import HTTPTypes
import Hummingbird
import Identity
import JSON
import NIOCore
import OAuth
import Tenancy

/// The OAuth and OpenID endpoints of an identity application, and the tenant's own token endpoint of SiX's form.
struct OAuthRoutes: Sendable {
  let issuers: Issuers
  let endpoint: TokenEndpoint
  let verifier: AccessTokenVerifier
  let assertions: ClientAssertions
  let authorization: Authorization
  let dpop: DPoP
  /// Which browser apps may read the answers.
  let crossOrigin: CrossOrigin
  /// Of each client.
  let limit: RateLimiter?

  func add(to group: RouterGroup<TenantContext>) {
    group.post("oauth2/token", use: tenantToken)
    group.post("token", use: tenantToken)
    let issuer = group.group("i/{application}").add(middleware: UnknownIssuer(issuers: issuers))
    let open = issuer.group().add(middleware: crossOrigin)
    open.get(".well-known/openid-configuration", use: metadata)
    open.get("jwks.json", use: keys)
    open.post("token", use: token)
    open.get("userinfo", use: userinfo)
    open.post("userinfo", use: userinfo)
    issuer.post("introspect", use: introspect)
    issuer.post("par", use: push)
    open.post("revoke", use: revoke)
    for path in [".well-known/openid-configuration", "jwks.json"] {
      open.on(RouterPath(path), method: .options, use: CrossOrigin.preflight(.get))
    }
    for path in ["token", "revoke"] {
      open.on(RouterPath(path), method: .options, use: CrossOrigin.preflight(.post))
    }
    open.on("userinfo", method: .options, use: CrossOrigin.preflight(.get, .post))
    issuer.post("device_authorization", use: authorizeDevice)
  }

  /// RFC 8414 puts its well-known part in front of the issuer's path.
  func addInserted(to group: RouterGroup<TenantContext>) {
    let open = group.group("i/{application}").add(middleware: crossOrigin)
    open.get(use: metadata)
    open.on("", method: .options, use: CrossOrigin.preflight(.get))
  }

  // MARK: Documents

  @Sendable private func metadata(_ request: Request, _ context: TenantContext) async throws -> Response {
    .document(try await issuer(context).metadata, request)
  }

  @Sendable private func keys(_ request: Request, _ context: TenantContext) async throws -> Response {
    .document(try await issuer(context).keys, request)
  }

  /// The slug of the application in the address. Whether there is one is known to the statement that answers.
  func application(_ context: TenantContext) throws -> String {
    guard let slug = context.parameters.get("application") else { throw Problem.notFound }
    return slug
  }

  private func issuer(_ context: TenantContext) async throws -> PublishedIssuer {
    guard let issuer = try await issuers.find(try application(context), in: context.database) else {
      throw Problem.notFound
    }
    return issuer
  }

  // MARK: Tokens

  @Sendable private func token(_ request: Request, _ context: TenantContext) async throws -> Response {
    try await withNonce(request) {
      try await tokens(request, context, application: try application(context))
    }
  }

  @Sendable private func tenantToken(_ request: Request, _ context: TenantContext) async throws -> Response {
    try await withNonce(request) { try await tokens(request, context, application: nil) }
  }

  private func tokens(
    _ request: Request, _ context: TenantContext, application: String?
  ) async throws -> Response {
    var asked = try await read(request, context, application: application)
    asked.proof = try proof(request)
    let issued = try await oauth { () async throws(OAuthRefusal) in
      try await endpoint.tokens(for: asked, in: context.database)
    }
    var response = Response.json(.ok, JSONWriter.object(capacity: 2500) { issued.write(to: &$0) })
    response.headers[HTTPField.Name("Pragma")!] = "no-cache"
    return response
  }

  @Sendable private func introspect(_ request: Request, _ context: TenantContext) async throws -> Response {
    let asked = try await read(request, context, application: try application(context))
    let live = try await oauth { () async throws(OAuthRefusal) in
      try await endpoint.introspect(asked, in: context.database)
    }
    guard let live else { return .json { $0.member("active", false) } }
    let claims = live.claims
    return .json(
      .ok,
      JSONWriter.object(capacity: 600) { json in
        json.member("active", true)
        json.member("scope", claims.scope.text)
        json.member("client_id", claims.clientID)
        if let username = live.user?.username { json.member("username", username) }
        json.member("token_type", claims.keyThumbprint == nil ? "Bearer" : "DPoP")
        if let key = claims.keyThumbprint { json.confirmation(key) }
        if let actor = claims.actor { json.member("act", raw: JSONValue.object(actor).text) }
        json.member("exp", claims.expiresAt)
        json.member("iat", claims.issuedAt)
        json.member("sub", claims.subject)
        json.member("aud", claims.audience)
        json.member("iss", claims.issuer)
        json.member("jti", claims.tokenID)
        if let session = claims.sessionID { json.member("sid", session.description) }
      })
  }

  @Sendable private func revoke(_ request: Request, _ context: TenantContext) async throws -> Response {
    let asked = try await read(request, context, application: try application(context))
    try await oauth { () async throws(OAuthRefusal) in
      try await endpoint.revoke(asked, in: context.database)
    }
    return Response(status: .ok, headers: [.cacheControl: "no-store"])
  }

  @Sendable private func userinfo(_ request: Request, _ context: TenantContext) async throws -> Response {
    try await withNonce(request) { try await claims(request, context) }
  }

  private func claims(_ request: Request, _ context: TenantContext) async throws -> Response {
    let token = try await presentedToken(request)
    let live = try await live(token, try application(context), context)
    guard let live, let user = live.user else {
      throw token.problem(
        OAuthError(.invalidToken, "the access token is expired, revoked, not of this issuer or bound to another key"))
    }
    guard live.claims.scope.contains("openid") else {
      throw token.problem(OAuthError(.insufficientScope, "the access token lacks the scope openid"), scope: "openid")
    }
    return .json(
      .ok, JSONWriter.object(capacity: 600) { live.claims.writeUserInfo(user, live.requestedClaims, to: &$0) })
  }

  // MARK: Requests

  /// The form of a request and how its client authenticates.
  func read(
    _ request: Request, _ context: TenantContext, application: String?
  ) async throws -> TokenEndpoint.Request {
    let fields = try await request.form()
    let credentials = try credentials(fields, request.headers[.authorization])
    if let id = credentials?.id { try limit.admit("\(context.tenant.slug) \(id.prefix(64))") }
    return TokenEndpoint.Request(
      fields: fields, client: credentials, application: application, requestID: context.requestID)
  }

  func oauth<Value>(_ body: () async throws(OAuthRefusal) -> Value) async throws -> Value {
    do {
      return try await body()
    } catch .oauth(let error) {
      throw OAuthProblem(error)
    } catch .fault(let fault) {
      throw fault
    }
  }
}
