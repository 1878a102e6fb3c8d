import HTTPTypes
import Hummingbird
import Identity
import OAuth

extension HTTPField.Name {
  /// A proof (RFC 9449 section 4.1).
  static let dpop = HTTPField.Name("DPoP")!
  /// The nonce for the next proof (RFC 9449 section 8).
  static let dpopNonce = HTTPField.Name("DPoP-Nonce")!
}

extension OAuthProblem {
  /// An error of a resource that was asked with a bound access token (RFC 9449 section 7.1).
  init(dpop error: OAuthError, scope: String? = nil) {
    self.error = error
    status = error.code == .invalidRequest ? .badRequest : error.code == .insufficientScope ? .forbidden : .unauthorized
    let algorithms = DPoP.algorithms.joined(separator: " ")
    headers[.wwwAuthenticate] =
      "DPoP realm=\"qiao\", error=\"\(error.code.rawValue)\", error_description=\"\(error.description)\", algs=\"\(algorithms)\""
      + Self.attribute(scope)
  }
}
