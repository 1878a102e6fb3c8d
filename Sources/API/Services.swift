import Federation
import FoundationEssentials
import Identity
import Logging
import Observability
import Secrets
import Tenancy

/// The use cases behind the routes, put together from the parts that differ between production and tests.
public struct Services: Sendable {
  /// The database before a tenant is known.
  public let database: Database
  let directory: TenantDirectory
  /// Seals and opens what is stored.
  public let ring: KeyRing
  let issuers: Issuers
  let verifier: AccessTokenVerifier
  let appTokens: AppTokenHub
  /// Wakes the requests that wait for an app access token.
  public let appTokenArrivals: AppTokenArrivals
  /// Asks WeChat for app access tokens: for `verify`, and for the token refresher.
  public let appTokenFetch: AppTokenFetch
  let federation: WeChatFederation
  let tokenEndpoint: TokenEndpoint
  let assertions: ClientAssertions
  let authorization: Authorization
  let logout: Logout
  let account: Account
  let secondFactors: SecondFactors
  let devices: DeviceSignIn
  let dpop: DPoP
  let pushes: PushInbox
  let applications: Applications
  let clients: ThirdPartyAuthzClients
  let publicURL: String
  let operatorToken: Secret<String>?
  let isProduction: Bool
  let limits: RateLimits
  let proxies: TrustedProxies
  let metrics: Metrics
  let logger: Logger
  let now: @Sendable () -> Date

  /// Use cases over `database`, with the given providers.
  public init(
    database: Database, ring: KeyRing, publicURL: String, miniapp: any MiniappProvider, web: any WebProvider,
    phones: any PhoneProvider, pages: any BrowserPages,
    appTokens: any AppTokenProvider, pushes: any PushProvider, operatorToken: Secret<String>?, isProduction: Bool,
    limits: RateLimits,
    proxies: TrustedProxies, metrics: Metrics, logger: Logger,
    readingKeys: @escaping ClientKeySets.Read,
    now: @escaping @Sendable () -> Date
  ) {
    self.database = database
    self.ring = ring
    self.publicURL = publicURL
    self.operatorToken = operatorToken
    self.isProduction = isProduction
    self.limits = limits
    self.proxies = proxies
    self.metrics = metrics
    self.logger = logger
    self.now = now
    directory = TenantDirectory(database: database, slugLifetime: .seconds(300))
    let keys = SigningKeyCache(ring: ring)
    let issuer = TokenIssuer(publicURL: publicURL, keys: keys)
    issuers = Issuers(names: issuer)
    let hints = IDTokenHints(issuer: issuer, keys: keys)
    logout = Logout(hints: hints)
    assertions = ClientAssertions(names: issuer, now: now, read: readingKeys)
    devices = DeviceSignIn(ring: ring)
    dpop = DPoP(publicURL: publicURL, ring: ring, now: now)
    verifier = AccessTokenVerifier(issuer: issuer, keys: keys, now: now)
    appTokenArrivals = AppTokenArrivals()
    let hub = AppTokenHub(ring: ring, arrivals: appTokenArrivals)
    let fetch = AppTokenFetch(provider: appTokens, ring: ring)
    appTokenFetch = fetch
    self.appTokens = hub
    self.pushes = PushInbox(provider: pushes, ring: ring, now: now)
    applications = Applications(ring: ring, issuers: issuers, names: issuer)
    clients = ThirdPartyAuthzClients(ring: ring, tokens: fetch)
    secondFactors = SecondFactors(ring: ring, now: now)
    federation = WeChatFederation(
      codes: CodeExchange(miniapp: miniapp, web: web, ring: ring, now: now),
      phones: PhoneNumbers(provider: phones, tokens: hub),
      issuer: issuer, verifier: verifier, ring: ring, secondFactors: secondFactors, now: now)
    authorization = Authorization(issuer: issuer, hints: hints, weChat: federation, pages: pages, now: now)
    account = Account(authorization: authorization, secondFactors: secondFactors, now: now)
    tokenEndpoint = TokenEndpoint(
      issuer: issuer, verifier: verifier, refresh: Refresh(issuer: issuer, ring: ring), federation: federation, now: now
    )
  }

  /// Erases what deleted tenants left behind.
  public var tenantErasure: TenantErasure { TenantErasure(database: database) }
}
