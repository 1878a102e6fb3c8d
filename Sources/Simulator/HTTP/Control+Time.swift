import Hummingbird
import JSON

extension Control {
  @Sendable func moveClock(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    var fields = ControlFields(try await object(request))
    let advance = try fields.integer("advance_seconds")
    let set = try fields.integer("set")
    let real = try fields.boolean("real")
    try fields.finish()
    world.state.withLock { state in
      if real == true { state.clock.followMachine() }
      if let set { state.clock.set(Double(set)) }
      if let advance { state.clock.advance(Double(advance)) }
    }
    return try await showClock(request, context)
  }

  @Sendable func showClock(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    Self.json { $0.member("now", Int(world.now)) }
  }

  @Sendable func expireTokens(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    var fields = ControlFields(try await object(request))
    guard let appID = try fields.string("appid") else {
      throw ControlError(status: .unprocessableContent, message: "send {\"appid\": …}")
    }
    try fields.finish()
    world.expireTokens(appID)
    return Response(status: .noContent)
  }

  @Sendable func reset(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    world.reset()
    return Response(status: .noContent)
  }
}

extension World {
  /// Seconds of the Unix epoch by the simulated clock.
  var now: Double { state.withLock { $0.clock.now } }
}
