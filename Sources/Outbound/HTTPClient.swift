import CCurl
import EventLoop

/// Sends requests through libcurl's multi interface on an event loop (libcurl-multi(3)): thousands under way need no thread.
///
/// Connections are kept and used again, redirects are not followed, TLS is verified, the environment's proxies are honoured.
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

  deinit {
    loop.execute { [transfers] in transfers.stop() }
  }

  /// Sends a request and reads the whole answer.
  /// - Parameter deadline: from now to the last byte.
  /// - Throws: `HTTPFailure`.
  public func send(_ request: HTTPRequest, deadline: Duration) async throws(HTTPFailure) -> HTTPResponse {
    let transfer = Transfer(request, mostBytes: mostBytes)
    let result = await withUnsafeContinuation {
      (waiter: UnsafeContinuation<Result<HTTPResponse, HTTPFailure>, Never>) in
      transfer.waiter = waiter
      loop.execute { [transfers] in transfers.begin(transfer, deadline: deadline) }
    }
    return try result.get()
  }
}
