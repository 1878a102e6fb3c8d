/// A switch that makes an endpoint misbehave, for a number of calls or until it is taken away.
public struct Fault: Sendable {
  /// How it misbehaves.
  public enum Kind: String, Sendable, CaseIterable {
    /// Answers with `errcode` and does nothing.
    case errcode
    /// Answers HTTP 502 with HTML and does nothing.
    case badGateway = "bad_gateway"
    /// Does nothing and answers after `delay` with nothing useful: a client should have given up.
    case hangBefore = "hang_before"
    /// Does its work and then hangs: what a retry must survive.
    case hangAfter = "hang_after"
    /// Does its work and answers after `delay`.
    case delay
    /// Does its work and answers what is not JSON.
    case wrongJSON = "wrong_json"
    /// Puts raw control bytes and broken UTF-8 into strings.
    case dirtyStrings = "dirty_strings"
    /// Swaps `text/plain` and `application/json`.
    case otherContentType = "other_content_type"
    /// Writes `errcode` as a string, `countryCode` as a number, and `errcode: 0` on success.
    case oddTypes = "odd_types"
    /// Does its work and closes the connection in the middle of the answer.
    case cut
  }

  /// How it misbehaves.
  public var kind: Kind
  /// Calls it lasts for; `nil` for all.
  public var times: Int?
  /// For `errcode`.
  public var errcode = -1
  /// Milliseconds, for `delay` and the hangs.
  public var delay = 0

  /// A fault.
  public init(_ kind: Kind, times: Int? = nil, errcode: Int = -1, delay: Int = 0) {
    self.kind = kind
    self.times = times
    self.errcode = errcode
    self.delay = delay
  }
}

extension World.State {
  /// The fault of the next call of an endpoint.
  mutating func nextFault(_ endpoint: String) -> Fault? {
    guard !faults.isEmpty, let fault = faults[endpoint]?.first else { return nil }
    if let times = fault.times {
      if times <= 1 { faults[endpoint]?.removeFirst() } else { faults[endpoint]?[0].times = times - 1 }
    }
    return fault
  }
}

extension World {
  /// Makes `endpoint` (its path without the leading slash) misbehave; several queue up.
  public func inject(_ fault: Fault, at endpoint: String) {
    state.withLock { $0.faults[endpoint, default: []].append(fault) }
  }

  /// Takes all faults away.
  public func clearFaults() {
    state.withLock { $0.faults.removeAll() }
  }
}
