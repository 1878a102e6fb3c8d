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
  /// False for what must not reach the other side twice, such as a one-time code.
  ///
  /// libcurl sends a request again by itself when a kept connection breaks before a byte of the answer came; with false that
  /// is `interrupted` instead.
  public var isRepeatable: Bool

  /// A request.
  public init(
    _ method: String = "GET", _ url: Secret<String>, headers: [(name: String, value: String)] = [],
    body: [UInt8]? = nil, isRepeatable: Bool = true
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.isRepeatable = isRepeatable
  }

  /// False when a part would end early or begin another line on the wire.
  var isWellFormed: Bool {
    !method.isEmpty && method.utf8.allSatisfy { (0x41...0x5A).contains($0) }
      && headers.allSatisfy { name, value in
        !name.isEmpty && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x3A }
          && value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
      }
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

/// Why nothing usable came back: it names the kind and never the URL, nor a part of it.
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
  /// The method or a header field cannot be put on the wire.
  case invalidRequest
  /// The caller's task was cancelled; the other side may or may not have acted.
  case cancelled
}
