import HTTPTypes
import Hummingbird
import Identity
import Tenancy

/// Lets browser apps call an issuer from the origins of their redirect URIs (the Fetch standard's CORS protocol), and from no other.
///
/// No answer allows credentials: a token request carries its own, and cookies of ours are for pages of ours.
struct CrossOrigin: RouterMiddleware {
  typealias Context = TenantContext

  let origins: RegisteredOrigins

  func handle(
    _ request: Request, context: TenantContext, next: (Request, TenantContext) async throws -> Response
  ) async throws -> Response {
    let headers = try await headers(request, context)
    do {
      var response = try await next(request, context)
      response.headers.append(contentsOf: headers)
      return response
    } catch {
      // A browser app is to read why it was refused.
      throw HeadedError(error: error, headers: headers)
    }
  }

  private func headers(_ request: Request, _ context: TenantContext) async throws -> HTTPFields {
    // Caches must not give one origin what was said to another, or to none.
    var headers: HTTPFields = [.vary: "Origin"]
    let given = request.headers[values: .origin]
    guard given.count == 1, let slug = context.parameters.get("application"),
      try await origins.admits(given[0], application: slug, in: context.database)
    else { return headers }
    headers[.accessControlAllowOrigin] = given[0]
    headers[.accessControlExposeHeaders] = "WWW-Authenticate, DPoP-Nonce, Retry-After"
    return headers
  }

  /// The answer to a browser's question before a request (CORS preflight) for an address with these methods.
  static func preflight(_ methods: HTTPRequest.Method...) -> @Sendable (Request, TenantContext) async throws -> Response
  {
    let allowed = methods.map(\.rawValue).joined(separator: ", ")
    return { _, _ in
      let headers: HTTPFields = [
        .accessControlAllowMethods: allowed, .accessControlAllowHeaders: "Authorization, Content-Type, DPoP",
        // Two hours are the most that browsers take; a client's addresses may change sooner.
        .accessControlMaxAge: "600",
      ]
      return Response(status: .noContent, headers: headers)
    }
  }
}

/// An error with header fields for its answer.
struct HeadedError: Error {
  let error: any Error
  let headers: HTTPFields

  /// The error behind the header fields, for who wants to know what went wrong.
  static func cause(of error: any Error) -> any Error { (error as? HeadedError)?.error ?? error }
}
