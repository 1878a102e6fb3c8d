import Federation
import JSON
import OAuth
import Observability
import Outbound

/// Calls WeChat's servers; knows no tenant and no database.
///
/// Every call has a deadline, a bounded number under way per AppID and a circuit breaker per AppID. Nothing is repeated here:
/// a one-time code may be spent although no answer came. URLs are never logged, `secret` and `access_token` stand in them.
public struct WeChatClient: Sendable {
  private let http: HTTPClient
  private let baseURL: String
  private let deadline: Duration
  private let bulkheads: Bulkheads
  private let onFailure: @Sendable (_ endpoint: String, _ appID: String, _ failure: ProviderFailure) -> Void
  private let onCall: @Sendable (_ endpoint: String, _ errcode: String) -> Void

  /// A client of the servers at `baseURL`, without a slash at its end.
  /// - Parameters:
  ///   - deadline: from the call to the last byte of its answer, waiting for a place included.
  ///   - callsPerApp: how many calls of one AppID may be under way at once; more wait within their deadline.
  ///   - onFailure: told of each call that failed, for the log: the endpoint's path, the AppID and what WeChat said.
  ///   - onCall: told of each call's end: the endpoint's path, and WeChat's errcode or `transport`.
  public init(
    http: HTTPClient, baseURL: String, deadline: Duration = .seconds(3), callsPerApp: Int = 64,
    onFailure: @escaping @Sendable (_ endpoint: String, _ appID: String, _ failure: ProviderFailure) -> Void = {
      _, _, _ in
    },
    onCall: @escaping @Sendable (_ endpoint: String, _ errcode: String) -> Void
  ) {
    self.http = http
    self.baseURL = baseURL
    self.deadline = deadline
    bulkheads = Bulkheads(most: callsPerApp)
    self.onFailure = onFailure
    self.onCall = onCall
  }

  /// A call of one endpoint.
  struct Call {
    let method: String
    /// The path without a slash at its start.
    let path: String
    let appID: String
    let proof: Proof
    var query: [(name: String, value: Secret<String>)] = []
    var body: [UInt8]?
    /// True when the call spends something, so that it must not reach WeChat twice.
    var spends = false
  }

  /// Makes a call and reads its JSON.
  /// - Throws: `ProviderFailure` for every errcode but 0, and when no answer or no JSON came.
  func send(_ call: Call) async throws(ProviderFailure) -> JSONObject {
    let end = ContinuousClock.now + deadline
    do {
      try await bulkheads.enter(call.appID, until: end)
    } catch {
      switch error {
      case .busy: throw .tooManyCalls
      case .open:
        throw .unavailable("WeChat did not answer the last calls of this AppID; it is asked again in a moment.")
      case .cancelled: throw .unavailable("The call was given up.")
      }
    }
    let answer: HTTPResponse
    do {
      answer = try await http.send(request(call), deadline: ContinuousClock.now.duration(to: end))
    } catch {
      throw failed(call, error == .cancelled ? .abandoned : .failed, "WeChat did not answer (\(error)).")
    }
    guard answer.status == 200 else {
      throw failed(call, .failed, "WeChat answered with HTTP status \(answer.status).")
    }
    guard let object = LenientJSON.object(answer.body), let errcode = object.errcode else {
      throw failed(call, .failed, "WeChat's answer is not JSON.")
    }
    bulkheads.leave(call.appID, .answered)
    onCall(call.path, String(errcode))
    guard errcode == 0 else {
      let failure = ProviderFailure(errcode: errcode, errmsg: object["errmsg"]?.string ?? "", proof: call.proof)
      onFailure(call.path, call.appID, failure)
      throw failure
    }
    return object
  }

  private func failed(_ call: Call, _ outcome: CircuitBreaker.Outcome, _ reason: String) -> ProviderFailure {
    bulkheads.leave(call.appID, outcome)
    onCall(call.path, "transport")
    let failure = ProviderFailure.unavailable(reason)
    onFailure(call.path, call.appID, failure)
    return failure
  }

  private func request(_ call: Call) -> HTTPRequest {
    let query = call.query.map { "\($0.name)=\(PercentEncoding.encode($0.value.expose()))" }.joined(separator: "&")
    let url = Secret("\(baseURL)/\(call.path)" + (query.isEmpty ? "" : "?" + query))
    var request = HTTPRequest(call.method, url, body: call.body, isRepeatable: !call.spends)
    if call.body != nil { request.headers = [("Content-Type", "application/json")] }
    return request
  }
}
