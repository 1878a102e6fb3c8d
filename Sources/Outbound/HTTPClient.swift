import CCurl
import EventLoop

/// Sends requests through libcurl's multi interface on an event loop (libcurl-multi(3)): thousands under way need no thread.
///
/// Connections are kept and used again, HTTP/2 is used where TLS offers it, redirects are not followed, TLS is verified.
/// The environment's proxies are honoured, but not for guarded reach: a proxy would resolve the name out of the guard's sight.
/// No URL appears in a log or an error, because WeChat wants `secret` and `access_token` in the query.
public final class HTTPClient: Sendable {
  /// Where requests may go.
  public enum Reach: Sendable {
    /// Anywhere: for addresses the operator configured.
    case anywhere
    /// Public addresses only: for addresses a tenant wrote (`jwks_uri`, `backchannel_logout_uri`).
    case publicOnly
    /// Public addresses and loopback: the same outside production.
    case publicOrLoopback
  }

  private let loop: EventLoop
  private let transfers: Transfers
  private let mostBytes: Int

  /// A client on `loop`; answers over `mostBytes` are refused.
  public init(loop: EventLoop, reach: Reach = .anywhere, mostBytes: Int = 1 << 20) {
    self.loop = loop
    self.mostBytes = mostBytes
    transfers = Transfers(loop: loop, reach: reach)
    loop.execute { [transfers] in transfers.start() }
  }

  deinit { close() }

  /// Closes the connections; requests under way fail.
  ///
  /// To be called before the loop's shutdown when requests may still be under way: afterwards nothing could end them.
  public func close() {
    loop.execute { [transfers] in transfers.stop() }
  }

  /// Sends a request and reads the whole answer.
  ///
  /// Cancelling the task ends the transfer at once.
  /// - Parameter deadline: from now to the last byte; not positive is a timeout.
  /// - Throws: `HTTPFailure`.
  public func send(_ request: HTTPRequest, deadline: Duration) async throws(HTTPFailure) -> HTTPResponse {
    let end = ContinuousClock.now + deadline
    let transfer = Transfer(request, mostBytes: mostBytes, end: end)
    let result = await withTaskCancellationHandler {
      await withUnsafeContinuation { (waiter: UnsafeContinuation<Result<HTTPResponse, HTTPFailure>, Never>) in
        transfer.wait(waiter)
        if !loop.execute({ [transfers] in transfers.begin(transfer) }) {
          transfer.finish(.failure(.notConnected("the client is closed")))
        }
      }
    } onCancel: {
      if !loop.execute({ [transfers] in transfers.cancel(transfer) }) { transfer.finish(.failure(.cancelled)) }
    }
    return try result.get()
  }
}
