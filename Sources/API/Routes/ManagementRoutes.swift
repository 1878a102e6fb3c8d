import HTTPTypes
import Hummingbird
import Identity
import Tenancy

extension Services {
  /// Adds the operator API (contract section 6).
  func addOperatorRoutes(to router: Router<QiaoRequestContext>) {
    let group = router.group("v1").add(
      middleware: OperatorAuthentication(token: operatorToken, limit: limits.forOperator)
    )
    .group(context: OperatorContext.self)
    let idempotency = Idempotency(ring: ring)
    for endpoint in operatorEndpoints {
      group.on(RouterPath(endpoint.path), method: endpoint.method) { request, context in
        guard endpoint.method == .post else { return try await endpoint.handle(request, context) }
        return try await idempotency.answer(request, from: OperatorAnswers(database), caller: "operator") { request in
          if endpoint.body == nil { try await request.refuseBody() }
          return try await endpoint.handle(request, context)
        }
      }
    }
  }

  /// Adds the management API of a tenant (contract section 7) below `/t/{tenant}`.
  func addManagementRoutes(to tenant: RouterGroup<TenantContext>) {
    let group = tenant.group("v1").add(middleware: KeyAuthentication()).group(context: ManagementContext.self)
    let idempotency = Idempotency(ring: ring)
    for endpoint in managementEndpoints {
      group.on(RouterPath(endpoint.path), method: endpoint.method) { request, context in
        if let scope = endpoint.scope, !context.key.scopes.contains(scope.rawValue) {
          throw Problem.scopeMissing(scope.rawValue)
        }
        guard endpoint.method == .post else { return try await endpoint.handle(request, context) }
        let answers = TenantAnswers(context.database)
        return try await idempotency.answer(request, from: answers, caller: context.key.id.description) { request in
          if endpoint.body == nil { try await request.refuseBody() }
          return try await endpoint.handle(request, context)
        }
      }
    }
  }

  /// All operations of the operator.
  var operatorEndpoints: [Endpoint<OperatorContext>] {
    TenantRoutes(tenants: Tenants(database: database, directory: directory), cursors: cursors).endpoints
  }

  /// All operations of a tenant's keys.
  var managementEndpoints: [Endpoint<ManagementContext>] {
    APIKeyRoutes(cursors: cursors, now: now).endpoints
      + ApplicationRoutes(applications: applications, cursors: cursors).endpoints
      + ThirdPartyAuthzClientRoutes(clients: clients, cursors: cursors, publicURL: publicURL).endpoints
      + UserRoutes(cursors: cursors).endpoints
      + UserCredentialRoutes(cursors: cursors).endpoints
      + OAuthClientRoutes(cursors: cursors, rules: OAuthClientRules(isProduction: isProduction)).endpoints
      + AuditEventRoutes(cursors: cursors).endpoints
      + ReconciliationRoutes(cursors: cursors).endpoints
      + AppTokenRoutes(hub: appTokens).endpoints + JobRoutes(cursors: cursors).endpoints
  }

  private var cursors: Cursors { Cursors(keys: ring.derivedKeys("cursors")) }
}
