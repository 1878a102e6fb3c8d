import EventLoop
import Glibc

/// One connection to the server.
final class RawConnection: @unchecked Sendable {
  // Unchecked: everything belongs to the thread of the server's loop.

  private let descriptor: Int32
  private let number: Int
  private let loop: EventLoop
  private var isOpen = true
  private var isEnding = false
  private var input: [UInt8] = []
  private var output: ArraySlice<UInt8> = []
  private var answer: ((Exchange) -> Void)?
  private var closed: (() -> Void)?

  init(_ descriptor: Int32, number: Int, loop: EventLoop) {
    self.descriptor = descriptor
    self.number = number
    self.loop = loop
  }

  /// The watch keeps the connection alive until it is closed.
  func serve(answer: @escaping (Exchange) -> Void, closed: @escaping () -> Void) {
    self.answer = answer
    self.closed = closed
    loop.watch(descriptor, for: .read) { ready in self.act(ready) }
  }

  func send(_ bytes: [UInt8]) {
    loop.execute { [self] in
      output += bytes
      flush()
    }
  }

  func close(reset: Bool) {
    loop.execute { [self] in
      if reset {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
        return end()
      }
      isEnding = true
      flush()
    }
  }

  private func act(_ ready: EventLoop.Interest) {
    if ready.contains(.write) { flush() }
    guard isOpen, ready.contains(.read) else { return }
    var bytes = [UInt8](repeating: 0, count: 16 << 10)
    let count = read(descriptor, &bytes, bytes.count)
    if count < 0, errno == EAGAIN { return }
    guard count > 0 else { return end() }
    input += bytes[..<count]
    while let exchange = nextExchange() { answer?(exchange) }
  }

  private func nextExchange() -> Exchange? {
    let text = String(decoding: input, as: UTF8.self)
    guard let blank = text.firstRange(of: "\r\n\r\n") else { return nil }
    let head = String(text[..<blank.upperBound])
    let length = head.lowercased().firstMatch(of: /content-length: *([0-9]+)/).flatMap { Int($0.1) } ?? 0
    let end = head.utf8.count + length
    guard input.count >= end else { return nil }
    let body = Array(input[head.utf8.count..<end])
    input.removeFirst(end)
    return Exchange(connection: number, head: head, body: body, raw: self)
  }

  private func flush() {
    while isOpen, !output.isEmpty {
      let count = output.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if count < 0, errno == EAGAIN { return loop.update(descriptor, to: [.read, .write]) }
      guard count > 0 else { return end() }
      output.removeFirst(count)
    }
    guard isOpen else { return }
    if isEnding { return end() }
    loop.update(descriptor, to: .read)
  }

  private func end() {
    guard isOpen else { return }
    isOpen = false
    loop.unwatch(descriptor)
    Glibc.close(descriptor)
    closed?()
    (answer, closed) = (nil, nil)
  }
}
