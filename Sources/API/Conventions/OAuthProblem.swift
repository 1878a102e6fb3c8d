import HTTPTypes
import Hummingbird
import JSON
import OAuth

/// An error answer of an OAuth endpoint (RFC 6749 section 5.2, RFC 6750 section 3).
struct OAuthProblem: Error {
  let error: OAuthError
  /// True where nothing was wrong but that nothing was sent: then the answer holds no error (RFC 6750 section 3.1).
  private(set) var isSilent = false
  let status: HTTPResponse.Status
  var headers: HTTPFields = [:]

  /// An error of the token, introspection or revocation endpoint.
  init(_ error: OAuthError, usedBasic: Bool = false) {
    self.error = error
    switch error.code {
    case .invalidClient:
      status = .unauthorized
      headers[.wwwAuthenticate] = "Basic realm=\"qiao\", charset=\"UTF-8\""
    case .temporarilyUnavailable:
      status = .serviceUnavailable
      headers[.retryAfter] = "2"
    default: status = .badRequest
    }
  }

  /// A limit or a fault of ours, with the status and the header fields that it has everywhere.
  init(_ problem: Problem) {
    let code: OAuthError.Code =
      switch problem.status.code {
      case 429, 503: .temporarilyUnavailable
      case 500...: .serverError
      default: .invalidRequest
      }
    // What RFC 6749 section 5.2 allows in a description.
    error = OAuthError(code, problem.detail.filter { $0.isASCII && $0 != "\"" && $0 != "\\" })
    status = problem.status
    headers = problem.headers
  }

  /// An error of a resource that takes access tokens; `scope` is what a token would need.
  init(bearer error: OAuthError?, scope: String? = nil) {
    guard let error else {
      isSilent = true
      self.error = OAuthError(.invalidToken, "send an access token as 'Authorization: Bearer <token>'")
      status = .unauthorized
      headers[.wwwAuthenticate] = "Bearer realm=\"qiao\""
      return
    }
    self.error = error
    status = error.code == .invalidRequest ? .badRequest : error.code == .insufficientScope ? .forbidden : .unauthorized
    headers[.wwwAuthenticate] =
      "Bearer realm=\"qiao\", error=\"\(error.code.rawValue)\", error_description=\"\(error.description)\""
      + Self.attribute(scope)
  }

  /// The `scope` of a challenge (RFC 6750 section 3).
  static func attribute(_ scope: String?) -> String { scope.map { ", scope=\"\($0)\"" } ?? "" }

  func response() -> Response {
    let body = JSONWriter.object { json in
      guard !isSilent else { return }
      json.member("error", error.code.rawValue)
      json.member("error_description", error.description)
    }
    var headers = headers
    headers[.contentType] = "application/json"
    headers[.cacheControl] = "no-store"
    return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
  }
}
