import EventLoop
import Foundation
import JSON
import Logging
import Observability
import Outbound
import Simulator
import TestSupport

/// A simulator on a port of its own, and somebody who calls it.
struct Caller: Sendable {
  let world: World
  let url: String
  private let client: HTTPClient

  static func make() async throws -> Caller {
    let (ports, listening) = AsyncStream.makeStream(of: Int.self)
    let logger = Logger(label: "simulator") { _ in SwiftLogNoOpLogHandler() }
    let server = SimulatorServer(port: 0, logger: logger) { listening.yield($0) }
    // Runs until the process of the tests ends.
    let running = Task { try await server.run() }
    _ = running
    let port = try await waitFor("the simulator to listen") {
      for await port in ports { return port }
      throw CancellationError()
    }
    return Caller(
      world: server.world, url: "http://127.0.0.1:\(port)", client: HTTPClient(loop: EventLoop(name: "caller")))
  }

  struct Answer: Sendable {
    let status: Int
    let headers: [String: String]
    let bytes: [UInt8]
    var text: String { String(decoding: bytes, as: UTF8.self) }
    var json: JSONObject { (try? JSONValue(parsing: bytes))?.object ?? JSONObject() }
    var errcode: Int? { json["errcode"]?.integer }
    subscript(_ name: String) -> String { json[name]?.string ?? "" }
  }

  func get(_ path: String, _ query: [String: String] = [:]) async throws -> Answer {
    let safe = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-._~"))
    let text = query.map { "\($0.key)=\($0.value.addingPercentEncoding(withAllowedCharacters: safe) ?? "")" }
    return try await send("GET", path + (text.isEmpty ? "" : "?" + text.joined(separator: "&")))
  }

  func post(_ path: String, _ body: String, type: String = "application/json") async throws -> Answer {
    try await send("POST", path, [(name: "Content-Type", value: type)], Array(body.utf8))
  }

  func send(
    _ method: String, _ path: String, _ headers: [(name: String, value: String)] = [], _ body: [UInt8]? = nil,
    deadline: Duration = .seconds(10)
  ) async throws -> Answer {
    let response = try await client.send(
      HTTPRequest(method, Secret("\(url)/\(path)"), headers: headers, body: body), deadline: deadline)
    return Answer(status: response.status, headers: response.headers, bytes: response.body)
  }

  /// Exchanges a login code.
  func login(_ app: App, _ code: String, _ change: [String: String?] = [:]) async throws -> Answer {
    var query: [String: String] = [
      "appid": app.id, "secret": app.secret, "js_code": code, "grant_type": "authorization_code",
    ]
    for (name, value) in change { query[name] = value }
    return try await get("sns/jscode2session", query)
  }

  /// Fetches the stable token.
  func stable(_ app: App, force: Bool = false, secret: String? = nil) async throws -> Answer {
    try await post(
      "cgi-bin/stable_token",
      #"{"grant_type":"client_credential","appid":"\#(app.id)","secret":"\#(secret ?? app.secret)","force_refresh":\#(force)}"#
    )
  }
}
