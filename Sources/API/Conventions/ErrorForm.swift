import HTTPTypes
import Hummingbird
import OAuth
import Pages

/// In which form an address tells what went wrong, where nothing nearer to it has said so already.
///
/// It is known from the path alone, so that limits and faults that come before any route, tenant or issuer is known have it too.
enum ErrorForm {
  /// RFC 9457: documents, management and federation.
  case problem
  /// RFC 6749 section 5.2: endpoints that clients call.
  case oauth
  /// A hosted page: everything else below an issuer.
  case page

  private static let documents: Set<String> = [".well-known/openid-configuration", "jwks.json"]
  private static let endpoints: Set<String> = [
    "token", "userinfo", "introspect", "revoke", "par", "device_authorization",
  ]

  /// The form of a path with the tenant in front or, on a tenant's own host, without.
  init(path: String) {
    var parts = path.split(separator: "/")[...]
    if parts.first == "t" { parts = parts.dropFirst(2) }
    guard parts.first == "i", parts.count > 2 else {
      self = ["token", "oauth2/token"].contains(parts.joined(separator: "/")) ? .oauth : .problem
      return
    }
    let own = parts.dropFirst(2).joined(separator: "/")
    self = Self.documents.contains(own) ? .problem : Self.endpoints.contains(own) ? .oauth : .page
  }

  /// The answer to a request that met `problem`.
  ///
  /// That there is no such tenant or issuer, or that the operator suspended it, is the same problem at every address of programs.
  func response(_ problem: Problem, to request: Request, requestID: String) -> Response {
    switch self {
    case .oauth where problem.status != .notFound && problem.code != Problem.tenantSuspended.code:
      return OAuthProblem(problem).response()
    case .page:
      let language = PageLanguage.choose(uiLocales: nil, acceptLanguage: request.headers[.acceptLanguage])
      let frame = PageFrame(language: language, branding: Branding(displayName: "Qiao"))
      return AuthorizationPages.failed(problem, frame, requestID: requestID)
    default: return problem.response(requestID: requestID)
    }
  }
}

/// An error behind a hosted page whose look is known by then.
struct PageError: Error {
  let error: any Error
  let frame: PageFrame
}
