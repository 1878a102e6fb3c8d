import Hummingbird
import JSON

extension Control {
  @Sendable func showSwitches(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    let switches = world.state.withLock { $0.switches }
    return Self.json { json in
      json.member("content_type", switches.contentType.rawValue)
      json.member("success_errcode", switches.successErrcode.rawValue)
      json.member("errcode_is_string", switches.errcodeIsString)
      json.member("country_code_is_number", switches.countryCodeIsNumber)
      json.member("accepts_used_codes", switches.acceptsUsedCodes)
      json.member("redirects_twice", switches.redirectsTwice)
    }
  }

  @Sendable func changeSwitches(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    var fields = ControlFields(try await object(request))
    var new = world.state.withLock { $0.switches }
    if let type = try fields.choice("content_type", Switches.ContentType.self) { new.contentType = type }
    if let errcode = try fields.choice("success_errcode", Switches.SuccessErrcode.self) { new.successErrcode = errcode }
    if let value = try fields.boolean("errcode_is_string") { new.errcodeIsString = value }
    if let value = try fields.boolean("country_code_is_number") { new.countryCodeIsNumber = value }
    if let value = try fields.boolean("accepts_used_codes") { new.acceptsUsedCodes = value }
    if let value = try fields.boolean("redirects_twice") { new.redirectsTwice = value }
    try fields.finish()
    world.change { $0 = new }
    return try await showSwitches(request, context)
  }
}
