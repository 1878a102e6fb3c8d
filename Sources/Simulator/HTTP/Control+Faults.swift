import Hummingbird
import JSON

extension Control {
  @Sendable func injectFault(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    var fields = ControlFields(try await object(request))
    let endpoint = try fields.string("endpoint") ?? ""
    let known = world.endpoints().map(\.path)
    guard known.contains(endpoint) else {
      throw ControlError(
        status: .unprocessableContent, message: "endpoint must be one of \(known.joined(separator: ", "))")
    }
    guard let kind = try fields.choice("kind", Fault.Kind.self) else {
      throw ControlError(
        status: .unprocessableContent,
        message: "kind must be one of \(Fault.Kind.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    let fault = Fault(
      kind, times: try fields.integer("times"), errcode: try fields.integer("errcode") ?? -1,
      delay: try fields.integer("delay_ms") ?? 0)
    try fields.finish()
    world.inject(fault, at: endpoint)
    return Self.json(.created) { $0.member("endpoint", endpoint) }
  }

  @Sendable func clearFaults(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    world.clearFaults()
    return Response(status: .noContent)
  }

  @Sendable func showCounters(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    let counters = world.state.withLock { $0.counters }
    return Self.json { json in
      json.key("items")
      json.beginArray()
      for (counter, count) in counters.sorted(by: { ($0.key.endpoint, $0.key.appID) < ($1.key.endpoint, $1.key.appID) })
      {
        json.beginObject()
        json.member("endpoint", counter.endpoint)
        json.member("appid", counter.appID)
        json.member("errcode", counter.errcode)
        json.member("count", count)
        json.endObject()
      }
      json.endArray()
    }
  }

  @Sendable func clearCounters(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    world.resetCounters()
    return Response(status: .noContent)
  }
}
