import CCurl

/// One request under way. Built by the caller, then owned by the loop's thread until it tells the caller.
final class Transfer: @unchecked Sendable {
  // Unchecked: passed from the caller's task to the loop thread; never used by both at once.

  let request: HTTPRequest
  let mostBytes: Int
  var waiter: UnsafeContinuation<Result<HTTPResponse, HTTPFailure>, Never>?
  var easy: UnsafeMutableRawPointer?
  var headerList: UnsafeMutablePointer<curl_slist>?
  private(set) var isTooLarge = false
  private var body: [UInt8] = []
  private var headers: [String: String] = [:]

  init(_ request: HTTPRequest, mostBytes: Int) {
    self.request = request
    self.mostBytes = mostBytes
  }

  /// Takes a piece of the body; returns how much was accepted.
  func take(body bytes: UnsafeRawBufferPointer) -> Int {
    guard body.count + bytes.count <= mostBytes else {
      isTooLarge = true
      return 0
    }
    body.append(contentsOf: bytes)
    return bytes.count
  }

  /// Takes one header line; a status line begins a new answer (100 Continue).
  func take(header bytes: UnsafeRawBufferPointer) {
    let line = String(decoding: bytes, as: UTF8.self)
    guard let colon = line.firstIndex(of: ":") else {
      if line.hasPrefix("HTTP/") { headers.removeAll() }
      return
    }
    let value = line[line.index(after: colon)...].drop { $0 == " " }
    headers[line[..<colon].lowercased()] = String(value.prefix { !$0.isNewline })
  }

  func finish(_ failure: HTTPFailure?, status: Int) {
    let result: Result<HTTPResponse, HTTPFailure> =
      failure.map { .failure($0) } ?? .success(HTTPResponse(status: status, headers: headers, body: body))
    waiter?.resume(returning: result)
    waiter = nil
  }
}
