import EventLoop
import Foundation
import Observability
import Outbound

/// Sends pushes the way WeChat does: five seconds for an answer, three attempts.
public struct PushSender: Sendable {
  /// What came back at the last attempt.
  public struct Answer: Sendable {
    /// 0 when none came.
    public let status: Int
    /// As text.
    public let body: String
    /// Attempts it took, 1 to 3.
    public let attempts: Int
  }

  private let client: HTTPClient
  private let patience: Duration

  /// A sender with a thread of its own.
  /// - Parameter patience: how long it waits for an answer.
  public init(patience: Duration = .seconds(5)) {
    client = HTTPClient(loop: EventLoop(name: "pushes"))
    self.patience = patience
  }

  /// Sends a message; repeats it while no 2xx comes.
  public func send(
    _ query: [(String, String)], body: [UInt8], format: PushMessage.Format, to url: String
  ) async -> Answer {
    var last = Answer(status: 0, body: "", attempts: 0)
    for attempt in 1...3 {
      let type = format == .xml ? "text/xml" : "application/json"
      let request = HTTPRequest(
        "POST", Secret(Self.address(url, query)), headers: [(name: "Content-Type", value: type)], body: body)
      let response = try? await client.send(request, deadline: patience)
      last = Answer(
        status: response?.status ?? 0, body: String(decoding: response?.body ?? [], as: UTF8.self), attempts: attempt)
      if (200..<300).contains(last.status) { break }
    }
    return last
  }

  /// Asks a URL to prove itself; the body of the answer must be the `echostr`.
  public func verify(_ query: [(String, String)], at url: String) async -> Answer {
    let response = try? await client.send(HTTPRequest("GET", Secret(Self.address(url, query))), deadline: patience)
    return Answer(
      status: response?.status ?? 0, body: String(decoding: response?.body ?? [], as: UTF8.self), attempts: 1)
  }

  private static func address(_ url: String, _ query: [(String, String)]) -> String {
    let text = query.map { "\($0)=\(PercentEncoding.encode($1))" }
    return "\(url)?\(text.joined(separator: "&"))"
  }
}
