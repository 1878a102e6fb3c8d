import CCurl
import EventLoop
import Synchronization

/// One request under way.
final class Transfer: @unchecked Sendable {
  // Unchecked: `waiter` has its lock; the variables belong to the loop's thread from `begin` on.

  typealias Waiter = UnsafeContinuation<Result<HTTPResponse, HTTPFailure>, Never>

  /// All names and values of the header together.
  static let mostHeaderBytes = 64 << 10

  let request: HTTPRequest
  let mostBytes: Int
  let end: ContinuousClock.Instant
  let questions: UnsafeMutablePointer<qiao_curl_questions>
  /// Answers whether an address may be connected to.
  var permits: (([UInt8]) -> Bool)?
  /// Told once the name is resolved and a socket is opened.
  var opened: (() -> Void)?
  /// The name whose address others wait for.
  var leadsFor: String?
  /// Ends waiting for a name's address.
  var lineTimer: EventLoop.TimerID?
  var easy: UnsafeMutableRawPointer?
  var headerList: UnsafeMutablePointer<curl_slist>?
  var isCancelled = false
  private(set) var isTooLarge = false
  private(set) var isAddressRefused = false
  private let waiter = Mutex<Waiter?>(nil)
  private var sendings = 0
  private var headerBytes = 0
  private var body: [UInt8] = []
  private var headers: [String: String] = [:]

  init(_ request: HTTPRequest, mostBytes: Int, end: ContinuousClock.Instant) {
    self.request = request
    self.mostBytes = mostBytes
    self.end = end
    questions = .allocate(capacity: 1)
  }

  deinit {
    questions.deallocate()
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

  /// Takes one header line; a status line begins a new answer (100 Continue). Returns how much was accepted.
  func take(header bytes: UnsafeRawBufferPointer) -> Int {
    headerBytes += bytes.count
    guard headerBytes <= Self.mostHeaderBytes else {
      isTooLarge = true
      return 0
    }
    let line = String(decoding: bytes, as: UTF8.self)
    guard let colon = line.firstIndex(of: ":") else {
      if line.hasPrefix("HTTP/") { headers.removeAll() }
      return bytes.count
    }
    let value = line[line.index(after: colon)...].drop { $0 == " " }
    headers[line[..<colon].lowercased()] = String(value.prefix { !$0.isNewline })
    return bytes.count
  }

  /// Answers whether a socket to `address` may be opened.
  func mayOpen(_ address: [UInt8]) -> Bool {
    opened?()
    opened = nil
    if permits?(address) ?? true { return true }
    isAddressRefused = true
    return false
  }

  /// Answers whether the request may be put on the wire, which libcurl asks again before it repeats it.
  func maySend() -> Bool {
    sendings += 1
    return sendings == 1 || request.isRepeatable
  }

  func response(status: Int) -> HTTPResponse {
    HTTPResponse(status: status, headers: headers, body: body)
  }

  func wait(_ continuation: Waiter) {
    waiter.withLock { $0 = continuation }
  }

  /// Tells the caller; only the first time counts.
  func finish(_ result: Result<HTTPResponse, HTTPFailure>) {
    let continuation = waiter.withLock { waiter in
      defer { waiter = nil }
      return waiter
    }
    continuation?.resume(returning: result)
  }
}
