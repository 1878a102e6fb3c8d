import EventLoop
import Glibc
import Synchronization

/// An HTTP/1.1 server on loopback that answers the bytes a test chose, or does not answer.
///
/// It runs on an event loop of its own, so hundreds of connections need no threads, and tells of everything by streams, so
/// that no test has to sleep.
public final class RawServer: Sendable {
  /// The server could not be started; errno.
  public struct Failure: Error {
    /// The reason, an errno.
    public let code: Int32
  }

  /// The port the system gave.
  public let port: Int
  /// Every request, in the order of arrival.
  public let requests: AsyncStream<Exchange>
  /// The number of every connection the client closed or lost.
  public let closures: AsyncStream<Int>

  private let loop = EventLoop(name: "raw-server")
  private let listener: Int32
  private let accepted = Mutex(0)
  private let told: (requests: AsyncStream<Exchange>.Continuation, closures: AsyncStream<Int>.Continuation)

  /// Starts a server that calls `answer` on its own thread for every request.
  /// - Throws: `Failure`.
  public init(_ answer: @escaping @Sendable (Exchange) -> Void) throws(Failure) {
    let requests = AsyncStream.makeStream(of: Exchange.self)
    let closures = AsyncStream.makeStream(of: Int.self)
    self.requests = requests.stream
    self.closures = closures.stream
    told = (requests.continuation, closures.continuation)
    (listener, port) = try Self.listen()
    let descriptor = listener
    // A test that ends at once may have let go of the server before this runs.
    loop.execute { [weak self] in
      self?.loop.watch(descriptor, for: .read) { [weak self] _ in self?.accept(answer) }
    }
  }

  deinit {
    loop.execute { [loop, listener] in
      loop.unwatch(listener)
      close(listener)
      loop.shutdown()
    }
  }

  /// A server that answers every request with the same bytes and keeps the connection.
  public convenience init(answering bytes: [UInt8]) throws(Failure) {
    try self.init { $0.send(bytes) }
  }

  /// `http://127.0.0.1:port`
  public var url: String { "http://127.0.0.1:\(port)" }

  /// Connections taken so far.
  public var connections: Int { accepted.withLock { $0 } }

  private func accept(_ answer: @escaping @Sendable (Exchange) -> Void) {
    while true {
      let descriptor = Glibc.accept(listener, nil, nil)
      guard descriptor >= 0 else { return }
      _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
      let number = accepted.withLock { count in
        count += 1
        return count
      }
      let connection = RawConnection(descriptor, number: number, loop: loop)
      connection.serve(
        answer: { [requests = told.requests] exchange in
          answer(exchange)
          requests.yield(exchange)
        }, closed: { [closures = told.closures] in closures.yield(number) })
    }
  }

  private static func listen() throws(Failure) -> (Int32, Int) {
    let descriptor = socket(
      AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        guard bind(descriptor, address, length) == 0, Glibc.listen(descriptor, 1024) == 0 else { return errno }
        return getsockname(descriptor, address, &length) == 0 ? 0 : errno
      }
    }
    guard descriptor >= 0, code == 0 else { throw Failure(code: code) }
    return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
  }
}
