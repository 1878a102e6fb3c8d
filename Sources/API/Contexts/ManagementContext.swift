import Hummingbird
import Identity
import Tenancy

/// The context of a management route; it cannot exist without a tenant and a live key of it.
struct ManagementContext: ChildRequestContext {
  var coreContext: CoreRequestContextStorage
  let requestID: String
  let database: TenantDatabase
  /// The key that authenticated.
  let key: AuthenticatedKey

  var tenant: TenantScope { database.tenant }

  /// Who is named in audit events.
  var author: Author { .key(key, requestID: requestID) }

  init(context: TenantContext) throws {
    guard let key = context.apiKey else { throw Problem.unauthorized }
    self.key = key
    coreContext = context.coreContext
    requestID = context.requestID
    database = context.database
  }
}

/// The context of an operator route; it cannot exist without the operator's token.
struct OperatorContext: ChildRequestContext {
  var coreContext: CoreRequestContextStorage
  let requestID: String

  /// Who is named in audit events.
  var author: Author { .serviceOperator(requestID: requestID) }

  init(context: QiaoRequestContext) throws {
    guard context.isOperator else { throw Problem.unauthorized }
    coreContext = context.coreContext
    requestID = context.requestID
  }
}
