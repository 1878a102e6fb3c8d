import HTTPTypes
import Hummingbird
import JSON
import OAuth

/// An error answer of an OAuth endpoint (RFC 6749 section 5.2, RFC 6750 section 3).
struct OAuthProblem: Error {
  let error: OAuthError
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

  /// An error of a resource that takes access tokens.
  init(bearer error: OAuthError?) {
    guard let error else {
      self.error = OAuthError(.invalidToken, "send an access token as 'Authorization: Bearer <token>'")
      status = .unauthorized
      headers[.wwwAuthenticate] = "Bearer realm=\"qiao\""
      return
    }
    self.error = error
    status = error.code == .invalidRequest ? .badRequest : error.code == .insufficientScope ? .forbidden : .unauthorized
    headers[.wwwAuthenticate] =
      "Bearer realm=\"qiao\", error=\"\(error.code.rawValue)\", error_description=\"\(error.description)\""
  }

  func response() -> Response {
    let body = JSONWriter.object { json in
      json.member("error", error.code.rawValue)
      json.member("error_description", error.description)
    }
    var headers = headers
    headers[.contentType] = "application/json"
    headers[.cacheControl] = "no-store"
    return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
  }
}
