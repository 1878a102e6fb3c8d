import CCurl
import EventLoop

/// libcurl's multi handle on the loop's thread: the loop watches the sockets curl names and keeps the one timer it asks for.
final class Transfers: @unchecked Sendable {
  // Unchecked: everything belongs to the loop's thread.

  private let loop: EventLoop
  private let reach: HTTPClient.Reach
  private var multi: UnsafeMutableRawPointer?
  private var timer: EventLoop.TimerID?
  private var running: [UnsafeMutableRawPointer: Transfer] = [:]
  private var watched: Set<Int32> = []
  private var gate = NameGate<Transfer>()

  init(loop: EventLoop, reach: HTTPClient.Reach) {
    self.loop = loop
    self.reach = reach
  }

  func start() {
    qiao_block_sigpipe()
    curl_global_init(Int(CURL_GLOBAL_DEFAULT))
    multi = curl_multi_init()
    _ = qiao_curl_set_multi(multi, socketChanged, timerChanged, Unmanaged.passUnretained(self).toOpaque())
    _ = qiao_curl_set_multi_long(multi, CURLMOPT_MAXCONNECTS, 256)
  }

  func stop() {
    guard let multi else { return }
    for (easy, transfer) in running {
      curl_multi_remove_handle(multi, easy)
      complete(transfer, .failure(.interrupted("the client was closed")))
    }
    running.removeAll()
    for transfer in gate.leaveAll() { complete(transfer, .failure(.interrupted("the client was closed"))) }
    curl_multi_cleanup(multi)
    self.multi = nil
    for socket in watched { loop.unwatch(socket) }
    watched.removeAll()
    if let timer { loop.cancel(timer) }
    timer = nil
  }

  func begin(_ transfer: Transfer) {
    guard !transfer.isCancelled else { return transfer.finish(.failure(.cancelled)) }
    guard transfer.request.isWellFormed else { return transfer.finish(.failure(.invalidRequest)) }
    guard let name = transfer.request.nameToResolve, multi != nil else { return start(transfer) }
    switch gate.ask(name, transfer, .now) {
    case .start: start(transfer)
    case .lead: lead(transfer, name)
    case .wait:
      let left = ContinuousClock.now.duration(to: transfer.end)
      transfer.lineTimer = loop.schedule(after: left) { [weak self] in
        self?.gate.leave(name) { $0 === transfer }
        self?.complete(transfer, .failure(.timeout))
      }
    }
  }

  func cancel(_ transfer: Transfer) {
    transfer.isCancelled = true
    if let name = transfer.request.nameToResolve { gate.leave(name) { $0 === transfer } }
    if let easy = transfer.easy, running.removeValue(forKey: easy) != nil { curl_multi_remove_handle(multi, easy) }
    complete(transfer, .failure(.cancelled))
  }

  /// Starts a transfer that looks the name up for those who wait.
  private func lead(_ transfer: Transfer, _ name: String) {
    transfer.leadsFor = name
    // Told inside libcurl, which does not take new transfers there.
    transfer.opened = { [weak self, loop] in
      loop.execute { [weak self] in self?.found(name, by: transfer) }
    }
    start(transfer)
  }

  private func found(_ name: String, by leader: Transfer) {
    leader.leadsFor = nil
    for waiting in gate.found(name, .now) { start(waiting) }
  }

  private func start(_ transfer: Transfer) {
    if let timer = transfer.lineTimer { loop.cancel(timer) }
    transfer.lineTimer = nil
    guard let multi, let easy = curl_easy_init() else {
      return complete(transfer, .failure(.notConnected("the client is closed")))
    }
    transfer.easy = easy
    let left = ContinuousClock.now.duration(to: transfer.end)
    guard left > .zero else { return complete(transfer, .failure(.timeout)) }
    do {
      try transfer.configure(easy, left: left, reach: reach)
    } catch {
      return complete(transfer, .failure(error))
    }
    running[easy] = transfer
    guard curl_multi_add_handle(multi, easy) == CURLM_OK else {
      running[easy] = nil
      return complete(transfer, .failure(.notConnected("libcurl takes no more requests")))
    }
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
    guard let multi else { return }
    var bits: Int32 = 0
    if ready.contains(.read) { bits |= CURL_CSELECT_IN }
    if ready.contains(.write) { bits |= CURL_CSELECT_OUT }
    var count: Int32 = 0
    curl_multi_socket_action(multi, socket, bits, &count)
    var code = CURLE_OK
    while let easy = qiao_curl_next_done(multi, &code) {
      curl_multi_remove_handle(multi, easy)
      guard let transfer = running.removeValue(forKey: easy) else { continue }
      if let failure = HTTPFailure(code, of: transfer) {
        complete(transfer, .failure(failure))
      } else {
        complete(transfer, .success(transfer.response(status: qiao_curl_status(easy))))
      }
    }
  }

  private func complete(_ transfer: Transfer, _ result: Result<HTTPResponse, HTTPFailure>) {
    curl_easy_cleanup(transfer.easy)
    curl_slist_free_all(transfer.headerList)
    if let timer = transfer.lineTimer { loop.cancel(timer) }
    transfer.easy = nil
    transfer.headerList = nil
    transfer.lineTimer = nil
    transfer.opened = nil
    transfer.finish(result)
    guard let name = transfer.leadsFor else { return }
    transfer.leadsFor = nil
    if let next = gate.gaveUp(name) { lead(next, name) }
  }
}

extension HTTPFailure {
  /// What libcurl's result means; `nil` for success. Its own texts about kinds of errors hold no URL.
  fileprivate init?(_ code: CURLcode, of transfer: Transfer) {
    switch code {
    case CURLE_OK: return nil
    case CURLE_OPERATION_TIMEDOUT: self = .timeout
    case CURLE_WRITE_ERROR where transfer.isTooLarge: self = .tooLarge
    case CURLE_COULDNT_CONNECT where transfer.isAddressRefused: self = .refusedAddress
    case CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT: self = .invalidURL
    case CURLE_ABORTED_BY_CALLBACK: self = .interrupted("the connection broke before an answer")
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT, CURLE_SSL_CONNECT_ERROR,
      CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_SSL_CACERT_BADFILE:
      self = .notConnected(String(cString: curl_easy_strerror(code)))
    default: self = .interrupted(String(cString: curl_easy_strerror(code)))
    }
  }
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
