import Hummingbird
import Identity
import Secrets
import Tenancy

/// What is known of every request: its id, and the tenant once its address named one.
public struct QiaoRequestContext: RequestContext {
  /// The framework's part.
  public var coreContext: CoreRequestContextStorage
  /// In the answer, the log and the audit event.
  public private(set) var requestID: String
  /// The address of the caller, without port: the other end of the connection, or whom a trusted proxy names.
  public internal(set) var remoteAddress: String?
  /// Set by `TenantMiddleware`.
  var tenant: TenantDatabase?
  /// Set by `OperatorAuthentication`.
  var isOperator = false

  /// A context for one request.
  public init(source: ApplicationRequestContextSource) {
    coreContext = CoreRequestContextStorage(source: source)
    requestID = ""
    remoteAddress = source.channel.remoteAddress?.ipAddress
    identify(UUIDv7.make().canonical)
  }

  /// Takes an id for the request, in the log too; the framework's own counter goes.
  mutating func identify(_ id: String) {
    requestID = id
    logger[metadataKey: "hb.request.id"] = nil
    logger[metadataKey: "request_id"] = .string(id)
  }
}

/// The context of a route that belongs to a tenant; it cannot exist without the proof that there is one.
struct TenantContext: ChildRequestContext {
  var coreContext: CoreRequestContextStorage
  let requestID: String
  /// The address of the caller, without port.
  let remoteAddress: String?
  /// The tenant's rows.
  let database: TenantDatabase
  /// The key that authenticated, on management routes.
  var apiKey: AuthenticatedKey?

  var tenant: TenantScope { database.tenant }

  init(context: QiaoRequestContext) throws {
    guard let database = context.tenant else { throw Problem.notFound }
    coreContext = context.coreContext
    requestID = context.requestID
    remoteAddress = context.remoteAddress
    self.database = database
  }
}
