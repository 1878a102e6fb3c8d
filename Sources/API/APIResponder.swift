import FoundationEssentials
import Hummingbird
import Identity
import Tenancy

extension Services {
  /// The whole API as one responder.
  public func responder() -> some HTTPResponder<QiaoRequestContext> {
    let router = router()
    let routes = router.routes.map { (template: $0.path.description.split(separator: "/"), method: $0.method) }
    return Edge(
      inner: router.buildResponder(), directory: directory, ownHosts: ownHosts, routes: routes, metrics: metrics,
      logger: logger, proxies: proxies, limit: limits.address)
  }

  /// All routes.
  func router() -> Router<QiaoRequestContext> {
    let router = Router(context: QiaoRequestContext.self, options: .autoGenerateHeadEndpoints)
    OperationsRoutes(services: self).add(to: router)
    PageAssetRoutes().add(to: router)
    addOperatorRoutes(to: router)
    let admission = TenantMiddleware(directory: directory, database: database, limit: limits.tenant)
    let oauth = OAuthRoutes(
      issuers: issuers, endpoint: tokenEndpoint, verifier: verifier, assertions: assertions,
      authorization: authorization, dpop: dpop,
      crossOrigin: CrossOrigin(origins: RegisteredOrigins()),
      limit: limits.client)
    let tenant = router.group("t/{tenant}").add(middleware: admission).group(context: TenantContext.self)
    addManagementRoutes(to: tenant)
    FederationRoutes(federation: federation, limit: limits.client).add(to: tenant)
    PushRoutes(inbox: pushes).add(to: tenant)
    oauth.add(to: tenant)
    AuthorizationRoutes(
      issuers: issuers, authorization: authorization, logout: logout, account: account, secondFactors: secondFactors,
      devices: devices, isSecure: publicURL.hasPrefix("https:"),
      limit: limits.client
    ).add(to: tenant)
    oauth.addInserted(
      to: router.group(".well-known/oauth-authorization-server/t/{tenant}").add(middleware: admission)
        .group(context: TenantContext.self))
    return router
  }

  /// What `/openapi.json` says.
  var documentedOperations: [DocumentedOperation] {
    operatorEndpoints.map { DocumentedOperation($0, below: "/v1", caller: .operatorToken) }
      + managementEndpoints.map { DocumentedOperation($0, below: "/t/{tenant}/v1", caller: .apiKey) }
      + ProtocolOperations.all
  }

  /// Hosts under which paths are taken as they are: the public one, and names of this machine.
  private var ownHosts: Set<String> {
    ["localhost", "127.0.0.1", "::1", URL(string: publicURL)?.host()?.lowercased() ?? "localhost"]
  }
}
