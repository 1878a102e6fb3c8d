import CCurl
import Glibc

extension Transfer {
  /// Seconds a kept connection may have been idle: servers close theirs after about a minute, and a request that is sent into
  /// a connection just being closed is lost.
  static let mostIdleSeconds = 30

  /// Sets every option of an easy handle (libcurl's curl_easy_setopt(3)).
  /// - Throws: `HTTPFailure` when libcurl refuses one: an option that does not take is a promise that does not hold.
  func configure(
    _ easy: UnsafeMutableRawPointer, left: Duration, reach: HTTPClient.Reach
  ) throws(HTTPFailure) {
    guard !request.url.expose().utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }),
      qiao_curl_set_string(easy, CURLOPT_URL, request.url.expose()) == CURLE_OK
    else { throw .invalidURL }
    var codes = [
      qiao_curl_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https"),
      qiao_curl_set_long(easy, CURLOPT_TIMEOUT_MS, max(1, left.wholeMilliseconds)),
      qiao_curl_set_long(easy, CURLOPT_NOSIGNAL, 1),
      qiao_curl_set_long(easy, CURLOPT_FOLLOWLOCATION, 0),
      qiao_curl_set_long(easy, CURLOPT_TCP_NODELAY, 1),
      qiao_curl_set_long(easy, CURLOPT_MAXAGE_CONN, Self.mostIdleSeconds),
      // Whatever the machine's OpenSSL is set to allow (RFC 8996).
      qiao_curl_set_long(easy, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2)),
      qiao_curl_set_long(easy, CURLOPT_SSL_VERIFYPEER, 1),
      qiao_curl_set_long(easy, CURLOPT_SSL_VERIFYHOST, 2),
    ]
    // A proxy would resolve the name where the guard cannot see the address.
    if reach != .anywhere { codes.append(qiao_curl_set_string(easy, CURLOPT_PROXY, "")) }
    // Who looks a name up for others takes a new connection and nothing older from the cache than the gate does; the others
    // take more, because libcurl throws away what is too old for any transfer that ends.
    codes.append(
      qiao_curl_set_long(easy, CURLOPT_DNS_CACHE_TIMEOUT, leadsFor == nil ? 120 : NameGate<Transfer>.seconds))
    if leadsFor != nil { codes.append(qiao_curl_set_long(easy, CURLOPT_FRESH_CONNECT, 1)) }
    codes.append(setMethodAndBody(easy))
    codes.append(setHeaders(easy))
    codes.append(setCallbacks(easy, reach: reach))
    guard codes.allSatisfy({ $0 == CURLE_OK }) else { throw .notConnected("libcurl lacks an option") }
  }

  private func setMethodAndBody(_ easy: UnsafeMutableRawPointer) -> CURLcode {
    if request.method == "HEAD" { return qiao_curl_set_long(easy, CURLOPT_NOBODY, 1) }
    if let body = request.body {
      let code = qiao_curl_set_long(easy, CURLOPT_POSTFIELDSIZE, body.count)
      guard code == CURLE_OK else { return code }
      // An array may move, so libcurl takes a copy of its own.
      let copied = (body.isEmpty ? [0] : body).withUnsafeBytes {
        qiao_curl_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, $0.baseAddress)
      }
      guard copied == CURLE_OK else { return copied }
    }
    return qiao_curl_set_string(easy, CURLOPT_CUSTOMREQUEST, request.method)
  }

  private func setHeaders(_ easy: UnsafeMutableRawPointer) -> CURLcode {
    // "Expect: 100-continue" costs a round trip for nothing. A field without a value needs a semicolon (CURLOPT_HTTPHEADER).
    let lines = request.headers.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" } + ["Expect:"]
    for line in lines { headerList = curl_slist_append(headerList, line) }
    return qiao_curl_set_pointer(easy, CURLOPT_HTTPHEADER, headerList)
  }

  private func setCallbacks(_ easy: UnsafeMutableRawPointer, reach: HTTPClient.Reach) -> CURLcode {
    let context = Unmanaged.passUnretained(self).toOpaque()
    if reach != .anywhere {
      permits = { AddressGuard.permits($0, loopback: reach == .publicOrLoopback) }
    }
    questions.initialize(to: qiao_curl_questions(guard: mayOpenSocket, send: maySendRequest, context: context))
    for code in [
      qiao_curl_set_write(easy, bodyArrived, context), qiao_curl_set_header(easy, headerArrived, context),
      qiao_curl_set_questions(easy, questions),
    ] where code != CURLE_OK { return code }
    return CURLE_OK
  }
}

extension Duration {
  /// Milliseconds, rounded down.
  fileprivate var wholeMilliseconds: Int {
    Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000)
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
  return transfer.take(header: UnsafeRawBufferPointer(start: bytes, count: size * count))
}

private let mayOpenSocket: qiao_curl_guard = { context, family, address in
  guard let context, let address else { return 0 }
  let bytes = Array(UnsafeBufferPointer(start: address, count: family == AF_INET ? 4 : 16))
  return Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue().mayOpen(bytes) ? 1 : 0
}

private let maySendRequest: qiao_curl_send = { context in
  guard let context else { return 0 }
  return Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue().maySend() ? 1 : 0
}
