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
      json.member("withheld", switches.withheld.rawValue)
      json.member("expired_code", switches.expiredCode)
      json.member("wrong_secret", switches.wrongSecret)
      json.member("accepts_used_codes", switches.acceptsUsedCodes)
      json.member("refusal_redirects", switches.refusalRedirects)
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
    if let withheld = try fields.choice("withheld", Switches.Withheld.self) { new.withheld = withheld }
    if let errcode = try fields.errcode("expired_code", of: [40029, 42003]) { new.expiredCode = errcode }
    if let errcode = try fields.errcode("wrong_secret", of: [40125, 40001]) { new.wrongSecret = errcode }
    if let value = try fields.boolean("accepts_used_codes") { new.acceptsUsedCodes = value }
    if let value = try fields.boolean("refusal_redirects") { new.refusalRedirects = value }
    if let value = try fields.boolean("redirects_twice") { new.redirectsTwice = value }
    try fields.finish()
    world.change { $0 = new }
    return try await showSwitches(request, context)
  }

  @Sendable func showLimits(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    let limits = world.state.withLock { $0.limits }
    return Self.json { json in
      json.key("items")
      json.beginArray()
      for (endpoint, limit) in limits.sorted(by: { $0.key < $1.key }) {
        json.beginObject()
        json.member("endpoint", endpoint)
        if let calls = limit.perMinute { json.member("per_minute", calls) }
        if let calls = limit.perDay { json.member("per_day", calls) }
        json.endObject()
      }
      json.endArray()
    }
  }

  /// `{"documented": true}` puts WeChat's limits in force, `{"endpoint", "per_minute", "per_day"}` one of one's own.
  @Sendable func setLimit(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    var fields = ControlFields(try await object(request))
    let documented = try fields.boolean("documented")
    let endpoint = try fields.string("endpoint")
    let limit = Limit(perMinute: try fields.integer("per_minute"), perDay: try fields.integer("per_day"))
    try fields.finish()
    if documented == true { world.limit(Limit.documented) }
    if let endpoint {
      guard Limit.documented[endpoint] != nil else {
        let known = Limit.documented.keys.sorted().joined(separator: ", ")
        throw ControlError(status: .unprocessableContent, message: "endpoint must be one of \(known)")
      }
      world.state.withLock { $0.limits[endpoint] = limit == Limit() ? nil : limit }
    }
    return try await showLimits(request, context)
  }

  @Sendable func clearLimits(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    world.limit([:])
    return Response(status: .noContent)
  }
}

extension ControlFields {
  fileprivate mutating func errcode(_ name: String, of known: [Int]) throws -> Int? {
    guard let errcode = try integer(name) else { return nil }
    guard known.contains(errcode) else {
      let all = known.map(String.init).joined(separator: " or ")
      throw ControlError(status: .unprocessableContent, message: "\(name) must be \(all)")
    }
    return errcode
  }
}
