import FoundationEssentials
import JSON
import OAuth
import Observability
import Query
import Secrets
import Tenancy

/// What a device is told to show and to poll with (RFC 8628 section 3.2).
public struct DeviceAuthorizationResponse: Sendable {
  let deviceCode: Secret<String>
  let userCode: UserCode
  let verificationURI: String

  /// Writes the members of the response.
  public func write(to json: inout JSONWriter) {
    json.member("device_code", deviceCode.expose())
    json.member("user_code", userCode.shown)
    json.member("verification_uri", verificationURI)
    json.member("verification_uri_complete", "\(verificationURI)?user_code=\(userCode.shown)")
    json.member("expires_in", DeviceCode.lifetime)
    json.member("interval", DeviceCode.interval)
  }
}

extension TokenEndpoint {
  /// The device authorization endpoint (RFC 8628 section 3.1).
  /// - Throws: `OAuthRefusal`.
  public func authorizeDevice(
    _ request: Request, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> DeviceAuthorizationResponse {
    guard let credentials = request.client else { throw Self.unauthenticated }
    let client = try await credentials.authenticate(request.application, in: database)
    try Self.allow(.deviceCode, client)
    var scope = try asked(request) ?? Scope(client.scopes)
    // The person is always asked, as `offline_access` wants; but who may not refresh has no use for it.
    if !client.grantTypes.contains(GrantType.refreshToken.rawValue) {
      scope = Scope(scope.tokens.filter { $0 != Scope.offlineAccess })
    }
    guard Scope(client.scopes).covers(scope) else {
      throw .oauth(OAuthError(.invalidScope, "the scope is wider than what the client is registered for"))
    }
    let resource = request.fields["resource"]
    do {
      try client.registration.admit(resource: resource)
    } catch {
      throw .oauth(error)
    }
    let code = OpaqueToken.make(prefix: DeviceCode.prefix)
    // Two of the codes of ten minutes are the same once in thousands of years; then another one is made.
    for _ in 0..<3 {
      let userCode = UserCode.make()
      let store = StoreDeviceCode(
        code: code, application: client.application.id, client: client.id, userCode: userCode, scope: scope,
        resource: resource)
      do {
        _ = try await database.run(store)
        let issuer = issuer.issuer(tenant: database.tenant, application: client.application.slug)
        return DeviceAuthorizationResponse(
          deviceCode: code.text, userCode: userCode, verificationURI: "\(issuer)/device")
      } catch {
        guard case .unique = error else { throw .fault(.database(error)) }
      }
    }
    throw .oauth(OAuthError(.temporarilyUnavailable, "no user code is free"))
  }

  /// The `urn:ietf:params:oauth:grant-type:device_code` grant (RFC 8628 section 3.4).
  func polled(_ request: Request, in database: TenantDatabase) async throws(OAuthRefusal) -> IssuedTokens {
    guard let credentials = request.client else { throw Self.unauthenticated }
    let client = try await credentials.authenticate(request.application, in: database)
    try Self.allow(.deviceCode, client)
    try Self.requireProof(request, client)
    guard let text = request.fields["device_code"] else {
      throw .oauth(OAuthError(.invalidRequest, "device_code is missing"))
    }
    guard let code = OpaqueToken(text, prefix: DeviceCode.prefix) else { throw Self.invalidDeviceCode }
    let redeem = RedeemDeviceCode(
      code: code, client: client.id, session: .make(), refreshToken: .make(),
      requestID: request.requestID, keyThumbprint: request.proof?.thumbprint, resource: request.fields["resource"])
    let poll = PollDeviceCode(code: code, client: client.id, resource: redeem.resource)
    let redeemed: RedeemedDeviceCode?
    let state: PollDeviceCode.Output?
    do {
      let (first, second) = try await database.run(redeem, poll, proving: request.proof)
      (redeemed, state) = (first.first, second.first)
    } catch {
      throw OAuthRefusal(error)
    }
    guard let redeemed else { throw .oauth(Self.refusal(state)) }
    let facts = TokenIssuer.Facts(
      tenant: database.tenant, application: redeemed.application, user: redeemed.user, clientID: client.id.canonical,
      scope: Scope(parsing: redeemed.scope) ?? Scope([]), session: redeem.session, amr: redeemed.amr,
      authTime: redeemed.authTime, issuedAt: redeemed.redeemedAt, refreshToken: redeem.refreshToken,
      withUserClaims: false, givesRefreshToken: client.grantTypes.contains(GrantType.refreshToken.rawValue),
      keyThumbprint: redeem.keyThumbprint, resource: redeemed.resource)
    do {
      return try issuer.issue(facts)
    } catch {
      throw .fault(error)
    }
  }

  /// Why a device gets no tokens (RFC 8628 section 3.5).
  private static func refusal(_ state: PollDeviceCode.Output?) -> OAuthError {
    guard let state, !state.isUsed else { return invalidDeviceCodeError }
    if state.isExpired { return OAuthError(.expiredToken, "the device code has expired: begin again") }
    if state.isForOther { return OAuthError(.invalidTarget, "resource is not the one that was authorized") }
    switch state.isApproved {
    case nil where state.isEarly: return OAuthError(.slowDown, "wait 5 seconds longer between two requests")
    case nil: return OAuthError(.authorizationPending, "nobody has answered for this device yet")
    case false: return OAuthError(.accessDenied, "the user did not agree")
    // Approved, and still nothing to redeem: the user is not active any more.
    default: return invalidDeviceCodeError
    }
  }

  private static let invalidDeviceCodeError = OAuthError(
    .invalidGrant, "the device code is unknown, used or of another client")
  private static let invalidDeviceCode = OAuthRefusal.oauth(invalidDeviceCodeError)
}
