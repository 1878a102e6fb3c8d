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
    guard !bytes.starts(with: "HTTP/".utf8) else {
      headers.removeAll()
      return bytes.count
    }
    guard let colon = bytes.firstIndex(of: 0x3A) else { return bytes.count }
    let value = bytes[(colon + 1)...].drop { $0 == 0x20 }.prefix { $0 != 0x0D && $0 != 0x0A }
    headers[String(decoding: bytes[..<colon], as: UTF8.self).lowercased()] = String(decoding: value, as: UTF8.self)
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
