import EventLoop
import Federation
import Observability
import Outbound
import RawServer
import Synchronization
import Testing

@testable import WeChat

/// One loop for all tests of the target.
let loop = EventLoop(name: "wechat-tests")

/// A client of a server that answers chosen bytes, and what the client told of its calls.
struct Stage {
  let server: RawServer
  let client: WeChatClient
  let calls: Calls
  let credentials = AppCredentials(appID: "wx1", secret: Secret("S3CR3T&="))

  final class Calls: Sendable {
    private let list = Mutex<[String]>([])
    var all: [String] { list.withLock { $0 } }
    func add(_ call: String) { list.withLock { $0.append(call) } }
  }

  init(deadline: Duration = .seconds(10), callsPerApp: Int = 64, _ handle: @escaping @Sendable (Exchange) -> Void)
    throws
  {
    let calls = Calls()
    server = try RawServer(handle)
    client = WeChatClient(
      http: HTTPClient(loop: loop), baseURL: server.url, deadline: deadline, callsPerApp: callsPerApp
    ) { calls.add("\($0) \($1)") }
    self.calls = calls
  }

  init(_ body: [UInt8], status: String = "200 OK", type: String = "text/plain") throws {
    try self.init { $0.send(answer(body, status: status, type: type)) }
  }

  init(_ body: String) throws { try self.init(Array(body.utf8)) }

  /// The first request that arrived.
  func request() async throws -> Exchange {
    var requests = server.requests.makeAsyncIterator()
    return try #require(await requests.next())
  }
}

/// The failure of a call; `nil` when it did not fail.
func failure(_ call: () async throws(ProviderFailure) -> Void) async -> ProviderFailure? {
  do {
    try await call()
    return nil
  } catch {
    return error
  }
}
