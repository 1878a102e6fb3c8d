import Hummingbird
import Identity
import Logging
import Secrets
import Synchronization
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
  var tenant: TenantDatabase? {
    didSet { trace.note(tenant?.tenant.id) }
  }
  /// What the outermost responder logs although a middleware found it out.
  private let trace = RequestTrace()
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

  /// The fields of a log line about this request: which it was, whose it was, and `more`.
  func logged(_ more: Logger.Metadata) -> Logger.Metadata {
    var fields = more
    fields["request_id"] = .string(requestID)
    if let tenant = trace.tenant { fields["tenant"] = .string(tenant.description) }
    return fields
  }
}

/// What became known of a request on its way in; contexts are values, and the way out has only the first one.
private final class RequestTrace: Sendable {
  private let found = Mutex<ID<Tenant>?>(nil)

  var tenant: ID<Tenant>? { found.withLock { $0 } }

  func note(_ tenant: ID<Tenant>?) { found.withLock { $0 = tenant } }
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
