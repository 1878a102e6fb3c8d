import Observability

/// A request to somebody else's server.
public struct HTTPRequest: Sendable {
  /// `GET`, `POST` …
  public var method: String
  /// The whole URL; secret, because WeChat wants secrets in its query.
  public var url: Secret<String>
  /// Header fields.
  public var headers: [(name: String, value: String)]
  /// The body; `nil` for none.
  public var body: [UInt8]?

  /// A request.
  public init(
    _ method: String = "GET", _ url: Secret<String>, headers: [(name: String, value: String)] = [], body: [UInt8]? = nil
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
  }
}

/// What came back.
public struct HTTPResponse: Sendable {
  /// The status code.
  public let status: Int
  /// Header fields, names in lower case; of repeated ones the last.
  public let headers: [String: String]
  /// The body.
  public let body: [UInt8]
}

/// Why nothing usable came back. It names the kind and never the URL.
public enum HTTPFailure: Error, Sendable, Equatable {
  /// The deadline passed; the other side may or may not have acted.
  case timeout
  /// No connection: name, route, refusal or TLS. The other side did not act.
  case notConnected(String)
  /// The connection broke after it was made; the other side may or may not have acted.
  case interrupted(String)
  /// The answer is larger than allowed.
  case tooLarge
  /// The address is one this request must not reach.
  case refusedAddress
  /// The URL is not http or https, or is malformed.
  case invalidURL
}
