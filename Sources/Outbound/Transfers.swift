import CCurl
import EventLoop
import Foundation

/// libcurl's multi handle on the loop's thread: the loop watches the sockets curl names and keeps the one timer it asks for.
final class Transfers: @unchecked Sendable {
  // Unchecked: everything belongs to the loop's thread; `guardPair` is written once, before use.

  private let loop: EventLoop
  private let guardPair: UnsafeMutablePointer<qiao_curl_guard_pair>
  private let isGuarded: Bool
  private var multi: UnsafeMutableRawPointer?
  private var timer: EventLoop.TimerID?
  private var running: [UnsafeMutableRawPointer: Transfer] = [:]
  private var watched: Set<Int32> = []

  init(loop: EventLoop, reach: HTTPClient.Reach) {
    self.loop = loop
    isGuarded = reach != .anywhere
    guardPair = .allocate(capacity: 1)
    // The context is a flag, not an object: 1 lets loopback through.
    let context = UnsafeMutableRawPointer(bitPattern: reach == .publicOrLoopback ? 1 : 2)
    guardPair.initialize(to: qiao_curl_guard_pair(guard: addressGuard, context: context))
  }

  deinit {
    guardPair.deallocate()
  }

  func start() {
    curl_global_init(Int(CURL_GLOBAL_DEFAULT))
    multi = curl_multi_init()
    _ = qiao_curl_set_multi(multi, socketChanged, timerChanged, Unmanaged.passUnretained(self).toOpaque())
    _ = qiao_curl_set_multi_long(multi, CURLMOPT_MAXCONNECTS, 256)
  }

  func stop() {
    for (easy, transfer) in running {
      curl_multi_remove_handle(multi, easy)
      complete(transfer, .interrupted("the client was closed"))
    }
    running.removeAll()
    for socket in watched { loop.unwatch(socket) }
    if let timer { loop.cancel(timer) }
    curl_multi_cleanup(multi)
    multi = nil
  }

  func begin(_ transfer: Transfer, deadline: Duration) {
    guard let multi, let easy = curl_easy_init() else {
      return transfer.finish(.notConnected("the client is closed"), status: 0)
    }
    transfer.easy = easy
    configure(easy, transfer, deadline: deadline)
    running[easy] = transfer
    curl_multi_add_handle(multi, easy)
  }

  private func configure(_ easy: UnsafeMutableRawPointer, _ transfer: Transfer, deadline: Duration) {
    let context = Unmanaged.passUnretained(transfer).toOpaque()
    let (seconds, attoseconds) = deadline.components
    _ = qiao_curl_set_string(easy, CURLOPT_URL, transfer.request.url.expose())
    _ = qiao_curl_set_string(easy, CURLOPT_CUSTOMREQUEST, transfer.request.method)
    _ = qiao_curl_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https")
    _ = qiao_curl_set_long(easy, CURLOPT_TIMEOUT_MS, Int(seconds * 1000 + attoseconds / 1_000_000_000_000_000))
    _ = qiao_curl_set_long(easy, CURLOPT_NOSIGNAL, 1)
    _ = qiao_curl_set_long(easy, CURLOPT_FOLLOWLOCATION, 0)
    _ = qiao_curl_set_long(easy, CURLOPT_TCP_NODELAY, 1)
    if transfer.request.method == "HEAD" { _ = qiao_curl_set_long(easy, CURLOPT_NOBODY, 1) }
    if let body = transfer.request.body {
      _ = qiao_curl_set_long(easy, CURLOPT_POSTFIELDSIZE, body.count)
      _ = body.withUnsafeBytes {
        // Copied by libcurl, so the array need not stay where it is.
        qiao_curl_set_pointer(
          easy, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: $0.baseAddress ?? UnsafeRawPointer(context)))
      }
    }
    // "Expect: 100-continue" costs a round trip for nothing.
    for line in transfer.request.headers.map({ "\($0.name): \($0.value)" }) + ["Expect:"] {
      transfer.headerList = curl_slist_append(transfer.headerList, line)
    }
    _ = qiao_curl_set_pointer(easy, CURLOPT_HTTPHEADER, transfer.headerList)
    _ = qiao_curl_set_write(easy, bodyArrived, context)
    _ = qiao_curl_set_header(easy, headerArrived, context)
    if isGuarded { _ = qiao_curl_set_guard(easy, guardPair) }
  }

  // MARK: What libcurl asks for

  fileprivate func change(_ socket: Int32, _ what: Int32) {
    guard what != CURL_POLL_REMOVE else {
      watched.remove(socket)
      return loop.unwatch(socket)
    }
    var interest: EventLoop.Interest = []
    if what & CURL_POLL_IN != 0 { interest.insert(.read) }
    if what & CURL_POLL_OUT != 0 { interest.insert(.write) }
    watched.insert(socket)
    loop.watch(socket, for: interest) { [weak self] ready in self?.act(socket, ready) }
  }

  fileprivate func setTimer(milliseconds: Int) {
    if let timer { loop.cancel(timer) }
    timer = nil
    guard milliseconds >= 0 else { return }
    timer = loop.schedule(after: .milliseconds(milliseconds)) { [weak self] in self?.act(CURL_SOCKET_TIMEOUT, []) }
  }

  private func act(_ socket: Int32, _ ready: EventLoop.Interest) {
    var bits: Int32 = 0
    if ready.contains(.read) { bits |= CURL_CSELECT_IN }
    if ready.contains(.write) { bits |= CURL_CSELECT_OUT }
    var count: Int32 = 0
    curl_multi_socket_action(multi, socket, bits, &count)
    var code = CURLE_OK
    while let easy = qiao_curl_next_done(multi, &code) {
      curl_multi_remove_handle(multi, easy)
      if let transfer = running.removeValue(forKey: easy) { complete(transfer, failure(code, of: transfer)) }
    }
  }

  private func complete(_ transfer: Transfer, _ failure: HTTPFailure?) {
    let status = transfer.easy.map { qiao_curl_status($0) } ?? 0
    curl_slist_free_all(transfer.headerList)
    curl_easy_cleanup(transfer.easy)
    transfer.finish(failure, status: status)
  }

  private func failure(_ code: CURLcode, of transfer: Transfer) -> HTTPFailure? {
    switch code {
    case CURLE_OK: nil
    case CURLE_OPERATION_TIMEDOUT: .timeout
    case CURLE_WRITE_ERROR where transfer.isTooLarge: .tooLarge
    case CURLE_COULDNT_CONNECT where isGuarded: .refusedAddress
    case CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT: .invalidURL
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT, CURLE_SSL_CONNECT_ERROR,
      CURLE_PEER_FAILED_VERIFICATION:
      .notConnected(String(cString: curl_easy_strerror(code)))
    default: .interrupted(String(cString: curl_easy_strerror(code)))
    }
  }
}

private let bodyArrived: qiao_curl_write = { bytes, size, count, context in
  guard let context else { return 0 }
  let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
  return transfer.take(body: UnsafeRawBufferPointer(start: bytes, count: size * count))
}

private let headerArrived: qiao_curl_write = { bytes, size, count, context in
  guard let context else { return 0 }
  let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
  transfer.take(header: UnsafeRawBufferPointer(start: bytes, count: size * count))
  return size * count
}

private let socketChanged: qiao_curl_socket = { _, socket, what, context, _ in
  guard let context else { return 0 }
  Unmanaged<Transfers>.fromOpaque(context).takeUnretainedValue().change(socket, what)
  return 0
}

private let timerChanged: qiao_curl_timer = { _, milliseconds, context in
  guard let context else { return 0 }
  Unmanaged<Transfers>.fromOpaque(context).takeUnretainedValue().setTimer(milliseconds: milliseconds)
  return 0
}

private let addressGuard: qiao_curl_guard = { context, family, address in
  guard let address else { return 0 }
  let bytes = Array(UnsafeBufferPointer(start: address, count: family == AF_INET ? 4 : 16))
  return AddressGuard.permits(bytes, loopback: context == UnsafeMutableRawPointer(bitPattern: 1)) ? 1 : 0
}
