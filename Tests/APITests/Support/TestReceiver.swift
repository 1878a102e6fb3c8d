import Crypto
import Foundation
import JSON
import Jobs
import RawServer
import Runtime
import Secrets
import Synchronization
import TestSupport

/// A relying party's `backchannel_logout_uri`, and what arrived at it.
final class TestReceiver: Sendable {
  /// What it answers.
  enum Manner: Sendable {
    case status(String)
    /// It takes the connection and says nothing.
    case silent
  }

  /// A request that arrived.
  struct Told: Sendable {
    let head: String
    let body: String

    var token: String { body.hasPrefix("logout_token=") ? String(body.dropFirst("logout_token=".count)) : "" }
    var header: JSONObject { part(0) }
    var claims: JSONObject { part(1) }
    var session: String { claims["sid"]?.string ?? "" }
    var tokenID: String { claims["jti"]?.string ?? "" }

    private func part(_ index: Int) -> JSONObject {
      let parts = token.split(separator: ".", omittingEmptySubsequences: false)
      guard parts.count == 3, let bytes = Base64URL.decode(parts[index].utf8) else { return JSONObject() }
      return (try? JSONValue(parsing: bytes))?.object ?? JSONObject()
    }

    /// True when a key of the set signed the token (ES256).
    func isSigned(by keys: JSONObject) -> Bool {
      let parts = token.split(separator: ".", omittingEmptySubsequences: false)
      guard parts.count == 3, header["alg"]?.string == "ES256",
        let key = keys["keys"]?.array?.compactMap(\.object).first(where: { $0["kid"] == header["kid"] }),
        let x = Base64URL.decode((key["x"]?.string ?? "").utf8),
        let y = Base64URL.decode((key["y"]?.string ?? "").utf8),
        let parsed = try? P256.Signing.PublicKey(x963Representation: [4] + x + y),
        let signature = Base64URL.decode(parts[2].utf8).flatMap({
          try? P256.Signing.ECDSASignature(rawRepresentation: $0)
        })
      else { return false }
      return parsed.isValidSignature(signature, for: Array("\(parts[0]).\(parts[1])".utf8))
    }
  }

  private struct State {
    var manner = Manner.status("200 OK")
    var told: [Told] = []
  }

  private let server: RawServer
  private let state: Shared
  private let arrived: Signal<Told>

  /// What the server's thread and the tests both see.
  private final class Shared: Sendable {
    let state = Mutex(State())
  }

  /// A receiver; with `isWorked` the shared server's worker delivers to it.
  init(_ manner: Manner = .status("200 OK")) throws {
    let (state, arrived) = (Shared(), Signal<Told>())
    state.state.withLock { $0.manner = manner }
    self.state = state
    self.arrived = arrived
    server = try RawServer { exchange in
      let told = Told(head: exchange.head, body: String(decoding: exchange.body, as: UTF8.self))
      let manner = state.state.withLock { state in
        state.told.append(told)
        return state.manner
      }
      arrived.send(told)
      if case .status(let line) = manner { exchange.send(answer("".utf8, status: line)) }
    }
  }

  /// The setting of a client that is told here.
  var setting: String { #""require_consent":false,"backchannel_logout_uri":"\#(server.url)/logout?kept=1""# }
  /// Everything that arrived.
  var told: [Told] { state.state.withLock { $0.told } }
  /// How it answers from now on.
  func answers(_ manner: Manner) { state.state.withLock { $0.manner = manner } }

  /// Waits for the next token, of a certain session if one is named.
  func next(_ session: String? = nil, limit: Duration = .seconds(10)) async throws -> Told {
    try await arrived.next("a logout token", limit: limit) { session == nil || $0.session == session }
  }

  /// Delivers over the shared server's database for all tests of the process.
  static func work() async throws { _ = try await worker.value }

  private static let worker = Task {
    let runtime = try await TestServer.shared().runtime
    let (heartbeat, _) = runtime.connection(named: "backchannel-heartbeat")
    let loop = WorkerLoop(
      runtime.backchannelLogouts(heartbeat: heartbeat), pool: runtime.pool, metrics: runtime.metrics,
      logger: runtime.logger, interval: .milliseconds(100))
    return Task { try await loop.run() }
  }
}
