import HTTPTypes
import Hummingbird
import Identity
import Logging
import OAuth
import Observability
import Query
import Tenancy

/// The outermost responder: a tenant's own host name becomes its path, every error becomes an answer, and each request is
/// counted once with its route template.
struct Edge<Inner: HTTPResponder>: HTTPResponder where Inner.Context == QiaoRequestContext {
  typealias Context = QiaoRequestContext

  let inner: Inner
  let directory: TenantDirectory
  /// Hosts that are the service's own.
  let ownHosts: Set<String>
  /// The methods of each route template.
  let routes: [(template: [Substring], method: HTTPRequest.Method)]
  let metrics: Metrics
  let logger: Logger
  /// The proxies whose word about a caller is taken.
  let proxies: TrustedProxies
  /// Of each caller's address.
  let limit: RateLimiter?

  func respond(to request: Request, context: QiaoRequestContext) async throws -> Response {
    let start = ContinuousClock.now
    let context = trusting(request, context)
    var response: Response
    do {
      // A probe is not a caller: an orchestrator must hear the truth however busy its address is.
      if let address = context.remoteAddress, !Self.isProbe(request.uri.path) { try limit.admit(address) }
      let request = try await onTenantPath(request)
      if request.method == .head, Self.spends(request.uri.path) { throw try unrouted(request) }
      response = try await inner.respond(to: request, context: context)
      if isUnrouted(context) { response = try unrouted(request).response(requestID: context.requestID) }
    } catch {
      response = answer(error, to: request, context: context)
    }
    response.headers[.requestID] = context.requestID
    response.headers[.xContentTypeOptions] = "nosniff"
    count(request.method, response.status.code, context: context, since: start)
    return response
  }

  /// The context with what a trusted proxy says: the caller's address, and the id of the request if it is harmless text.
  private func trusting(_ request: Request, _ context: QiaoRequestContext) -> QiaoRequestContext {
    guard let peer = context.remoteAddress.flatMap({ IPAddress($0) }), proxies.contains(peer) else { return context }
    var context = context
    context.remoteAddress = proxies.client(peer: peer, forwardedFor: request.headers[values: .forwardedFor]).description
    let given = request.headers[values: .requestID]
    if given.count == 1, (1...64).contains(given[0].utf8.count), given[0].utf8.allSatisfy(Self.isSafe) {
      context.identify(given[0])
    }
    return context
  }

  private static func isSafe(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
    default: false
    }
  }

  /// The router marks a request that no route took, after it made an answer of its own.
  private func isUnrouted(_ context: QiaoRequestContext) -> Bool {
    context.endpointPath == nil || context.endpointPath == "NotFound"
  }

  /// Paths that belong to the service on whichever host they are asked.
  private static func isOwn(_ path: String) -> Bool {
    isProbe(path) || path == "/openapi.json" || path.hasPrefix("/assets/")
  }
  private static func isProbe(_ path: String) -> Bool { path == "/livez" || path == "/readyz" }

  /// On a host of a tenant the prefix `/t/{tenant}` is left out; it is put back before the route is looked up.
  private func onTenantPath(_ request: Request) async throws -> Request {
    guard let authority = request.head.authority, let host = Self.host(authority), !ownHosts.contains(host),
      host.contains("."), IPAddress(host) == nil, !Self.isOwn(request.uri.path)
    else { return request }
    let scope: TenantScope
    do throws(TenantDirectory.Refusal) {
      scope = try await directory.scope(host: host)
    } catch .notFound {
      return request
    } catch {
      throw Problem(error)
    }
    var head = request.head
    let path = head.path ?? "/"
    // The whole address of the tenant itself is good here too; another tenant's is not there.
    if path.hasPrefix("/t/") {
      guard path.dropFirst(3).prefix(while: { $0 != "/" && $0 != "?" }) == scope.slug else { throw Problem.notFound }
      return request
    }
    // RFC 8414 section 3.1 puts the well-known part before the issuer's path.
    let known = path.hasPrefix(Self.metadata) ? Self.metadata : ""
    head.path = "\(known)/t/\(scope.slug)\(path.dropFirst(known.count))"
    return Request(head: head, body: request.body)
  }

  private static var metadata: String { "/.well-known/oauth-authorization-server" }

  /// The host of an authority, in lower case without port.
  private static func host(_ authority: String) -> String? {
    if authority.hasPrefix("[") { return authority.prefix { $0 != "]" }.dropFirst().lowercased() }
    return authority.prefix { $0 != ":" }.lowercased()
  }

  /// 405 with `Allow` where the path exists for another method, else 404.
  private func unrouted(_ request: Request) throws -> Problem {
    let path = request.uri.path.split(separator: "/")
    var methods = routes.filter { Self.matches($0.template, path) }.map(\.method.rawValue)
    if methods.contains("GET"), !Self.spends(request.uri.path) { methods.append("HEAD") }
    guard !methods.isEmpty else { return .notFound }
    let allowed = Set(methods).sorted().joined(separator: ", ")
    return Problem(
      .methodNotAllowed, "method_not_allowed", "Use one of: \(allowed).", headers: [.allow: allowed])
  }

  private static func matches(_ template: [Substring], _ path: [Substring]) -> Bool {
    template.count == path.count && zip(template, path).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
  }

  private func answer(_ error: any Error, to request: Request, context: QiaoRequestContext) -> Response {
    if let headed = error as? HeadedError {
      var response = answer(headed.error, to: request, context: context)
      response.headers.append(contentsOf: headed.headers)
      return response
    }
    if let failed = error as? PageError {
      let problem = problem(for: failed.error, context: context)
      return AuthorizationPages.failed(problem, failed.frame, requestID: context.requestID)
    }
    if SixProblem.isForm(of: request) {
      return SixProblem(problem: problem(for: error, context: context)).response()
    }
    if let problem = error as? OAuthProblem { return problem.response() }
    let problem = problem(for: error, context: context)
    return ErrorForm(path: request.uri.path).response(problem, to: request, requestID: context.requestID)
  }

  /// What a caller is told of an error, once it is logged where it is ours.
  private func problem(for error: any Error, context: QiaoRequestContext) -> Problem {
    switch error {
    case let problem as Problem: return problem
    case let problem as OAuthProblem:
      return Problem(
        problem.status, problem.error.code.rawValue, problem.error.description, headers: problem.headers)
    case let error as DatabaseError: return problem(of: .database(error), context: context)
    case let fault as IdentityFault: return problem(of: fault, context: context)
    case FederationRefusal.fault(let fault): return problem(of: fault, context: context)
    case let refusal as FederationRefusal: return Problem(refusal)
    case let refusal as ManagementRefusal:
      return Problem(refusal) ?? refusal.fault.map { problem(of: $0, context: context) } ?? .internalError
    case let error as any HTTPResponseError:
      return Problem(error.status, "bad_request", "The request is not acceptable HTTP here.")
    default:
      logger.error("unexpected error", metadata: context.logged(["type": "\(type(of: error))"]))
      return .internalError
    }
  }

  /// What a caller is told of a fault of ours, once it is logged.
  private func problem(of fault: IdentityFault, context: QiaoRequestContext) -> Problem {
    if case .database(let error) = fault {
      if error.isTransient {
        logger.warning("database unavailable", metadata: context.logged(["reason": "\(error)"]))
        return .unavailable()
      }
    }
    logger.error("fault", metadata: context.logged(["fault": "\(fault)"]))
    return .internalError
  }

  /// Anybody can invent methods; as labels only these are used.
  private static func label(_ method: HTTPRequest.Method) -> String {
    switch method {
    case .get, .head, .post, .put, .patch, .delete, .options: method.rawValue
    default: "other"
    }
  }

  private func count(
    _ method: HTTPRequest.Method, _ status: Int, context: QiaoRequestContext, since start: ContinuousClock.Instant
  ) {
    let route = isUnrouted(context) ? "none" : context.endpointPath ?? "none"
    let method = Self.label(method)
    let elapsed = ContinuousClock.now - start
    metrics.add("qiao_http_requests_total", [route, method, String(status)])
    metrics.observe("qiao_http_request_duration_seconds", [route], elapsed)
    let level: Logger.Level = status >= 500 ? .error : status >= 400 ? .info : .debug
    logger.log(
      level: level, "request",
      metadata: context.logged([
        "route": "\(route)", "method": "\(method)", "status": "\(status)", "ms": "\(elapsed / .milliseconds(1))",
      ]))
  }
}
