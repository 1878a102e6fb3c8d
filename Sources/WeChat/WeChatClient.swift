import Federation
import JSON
import Observability
import Outbound

/// Calls WeChat's servers; knows no tenant and no database.
///
/// Every call has a deadline of 3 s, a bounded number under way per AppID and a circuit breaker per AppID. Nothing is retried
/// here: a one-time code may be spent although no answer came. URLs are never logged, `secret` and `access_token` stand in them.
public struct WeChatClient: Sendable {
  /// From the call to the last byte of its answer.
  static let deadline = Duration.seconds(3)

  private let http: HTTPClient
  private let baseURL: String
  private let bulkheads: Bulkheads
  private let onCall: @Sendable (_ endpoint: String, _ errcode: String) -> Void

  /// A client of the servers at `baseURL`, without a slash at its end.
  /// - Parameters:
  ///   - callsPerApp: how many calls of one AppID may be under way at once.
  ///   - onCall: told of each call's end: the endpoint's path, and WeChat's errcode or `transport`.
  public init(
    http: HTTPClient, baseURL: String, callsPerApp: Int = 256,
    onCall: @escaping @Sendable (_ endpoint: String, _ errcode: String) -> Void
  ) {
    self.http = http
    self.baseURL = baseURL
    bulkheads = Bulkheads(most: callsPerApp)
    self.onCall = onCall
  }

  /// Calls `path` for `appID` and reads its JSON.
  /// - Throws: `ProviderFailure` for every errcode but 0, and when no answer or no JSON came.
  func call(
    _ method: String = "GET", _ path: String, _ query: [(name: String, value: Secret<String>)], body: [UInt8]? = nil,
    appID: String
  ) async throws(ProviderFailure) -> JSONObject {
    do {
      try bulkheads.enter(appID)
    } catch .busy {
      throw .tooManyCalls
    } catch {
      throw .unavailable("WeChat did not answer the last calls of this AppID; it is asked again in a moment.")
    }
    let url = query.enumerated().reduce("\(baseURL)/\(path)") { url, item in
      url + (item.offset == 0 ? "?" : "&") + item.element.name + "=" + Self.encoded(item.element.value.expose())
    }
    var request = HTTPRequest(method, Secret(url), body: body)
    if body != nil { request.headers = [("Content-Type", "application/json")] }
    let answer: HTTPResponse
    do {
      answer = try await http.send(request, deadline: Self.deadline)
    } catch {
      return try failed(path, appID, "WeChat did not answer (\(error)).")
    }
    guard answer.status == 200 else {
      return try failed(path, appID, "WeChat answered with HTTP status \(answer.status).")
    }
    guard let object = LenientJSON.object(answer.body) else {
      return try failed(path, appID, "WeChat's answer is not JSON.")
    }
    bulkheads.leave(appID, answered: true)
    onCall(path, String(object.errcode))
    guard object.errcode == 0 else {
      throw ProviderFailure(errcode: object.errcode, errmsg: object["errmsg"]?.string ?? "")
    }
    return object
  }

  private func failed(_ path: String, _ appID: String, _ reason: String) throws(ProviderFailure) -> JSONObject {
    bulkheads.leave(appID, answered: false)
    onCall(path, "transport")
    throw .unavailable(reason)
  }

  /// Percent-encodes all but unreserved characters (RFC 3986 section 2.3).
  static func encoded(_ value: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var text: [UInt8] = []
    for byte in value.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: text.append(byte)
      default: text.append(contentsOf: [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]])
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
