import EventLoop
import Foundation
import JSON
import Logging
import Observability
import Outbound
import Simulator
import TestSupport

/// A simulator of one test's own, on a port of its own.
struct TestWeChat: Sendable {
  let world: World
  let port: Int

  private static let client = HTTPClient(loop: EventLoop(name: "simulator-tests"))

  /// Runs `body` against a new world.
  static func run(_ body: @escaping @Sendable (TestWeChat) async throws -> Void) async throws {
    let listening = Signal<Int>()
    let server = SimulatorServer(port: 0, logger: Logger(label: "simulator") { _ in SwiftLogNoOpLogHandler() }) {
      listening.send($0)
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await server.run() }
      let port = try await listening.next("the simulator to listen")
      defer { group.cancelAll() }
      try await body(TestWeChat(world: server.world, port: port))
    }
  }

  /// What came back.
  struct Answer: Sendable {
    let status: Int
    let headers: [String: String]
    let body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }
    var json: JSONObject { (try? JSONValue(parsing: body))?.object ?? JSONObject() }
    var errcode: Int? { json["errcode"]?.integer }
    subscript(_ name: String) -> JSONValue? { json[name] }
    func text(_ name: String) -> String { json[name]?.string ?? "" }
  }

  var url: String { "http://127.0.0.1:\(port)" }

  /// A GET of one of WeChat's endpoints or pages.
  func get(_ path: String, _ query: KeyValuePairs<String, String> = [:]) async throws -> Answer {
    try await send("GET", query.isEmpty ? path : "\(path)?\(Self.form(query))")
  }

  /// A POST of JSON text.
  func post(_ path: String, _ body: String, type: String = "application/json") async throws -> Answer {
    try await send("POST", path, body, type: type)
  }

  /// A call of the control API.
  @discardableResult
  func control(_ method: String, _ path: String, _ body: String = "{}") async throws -> Answer {
    try await send(method, "_sim/\(path)", method == "GET" || method == "DELETE" ? nil : body)
  }

  func send(
    _ method: String, _ path: String, _ body: String? = nil, type: String = "application/json",
    within limit: Duration = .seconds(10)
  ) async throws -> Answer {
    let request = HTTPRequest(
      method, Secret("\(url)/\(path)"), headers: body == nil ? [] : [(name: "Content-Type", value: type)],
      body: body.map { Array($0.utf8) })
    let response = try await Self.client.send(request, deadline: limit)
    return Answer(status: response.status, headers: response.headers, body: response.body)
  }

  /// Percent-encoded names and values, in order.
  static func form(_ pairs: KeyValuePairs<String, String>) -> String {
    let safe = CharacterSet(charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
    return pairs.map { "\($0)=\($1.addingPercentEncoding(withAllowedCharacters: safe) ?? "")" }.joined(separator: "&")
  }
}

extension TestWeChat {
  func code2Session(_ app: App, _ code: String) async throws -> Answer {
    try await get(
      "sns/jscode2session",
      ["appid": app.id, "secret": app.secret, "js_code": code, "grant_type": "authorization_code"])
  }

  func legacyToken(_ app: App) async throws -> Answer {
    try await get("cgi-bin/token", ["grant_type": "client_credential", "appid": app.id, "secret": app.secret])
  }

  func stableToken(_ app: App, force: Bool = false) async throws -> Answer {
    try await post(
      "cgi-bin/stable_token",
      #"{"grant_type":"client_credential","appid":"\#(app.id)","secret":"\#(app.secret)","force_refresh":\#(force)}"#)
  }

  /// The errcode that a phone call gets with an app token; the code in it is unknown, so 40029 means the token is good.
  func errcode(of token: String) async throws -> Int? {
    try await post("wxa/business/getuserphonenumber?access_token=\(token)", #"{"code":"nonsense"}"#).errcode
  }

  func phone(_ token: String, _ code: String, openid: String? = nil) async throws -> Answer {
    let openid = openid.map { #","openid":"\#($0)""# } ?? ""
    return try await post("wxa/business/getuserphonenumber?access_token=\(token)", #"{"code":"\#(code)"\#(openid)}"#)
  }

  /// A code of web OAuth.
  func oauthCode(_ app: App, _ user: String, _ more: String = "") async throws -> String {
    try await control("POST", "codes", #"{"appid":"\#(app.id)","user":"\#(user)","kind":"oauth"\#(more)}"#).text("code")
  }

  func exchange(_ app: App, _ code: String) async throws -> Answer {
    try await get(
      "sns/oauth2/access_token",
      ["appid": app.id, "secret": app.secret, "code": code, "grant_type": "authorization_code"])
  }

  func refresh(_ app: App, _ token: String) async throws -> Answer {
    try await get(
      "sns/oauth2/refresh_token", ["appid": app.id, "grant_type": "refresh_token", "refresh_token": token])
  }

  func userinfo(_ tokens: Answer) async throws -> Answer {
    try await get(
      "sns/userinfo",
      ["access_token": tokens.text("access_token"), "openid": tokens.text("openid"), "lang": "zh_CN"])
  }
}
