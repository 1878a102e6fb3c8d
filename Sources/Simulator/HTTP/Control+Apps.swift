import Hummingbird
import JSON

extension Control {
  /// Registers an app from its JSON; used by the seed file too.
  func app(_ object: JSONObject) throws -> App {
    var fields = ControlFields(object)
    var app = App(
      id: try fields.string("appid"), secret: try fields.string("secret"),
      kind: try fields.choice("kind", App.Kind.self) ?? .miniapp,
      openPlatformAccount: try fields.string("open_platform_account"))
    try read(&fields, into: &app)
    try fields.finish()
    guard app.id.wholeMatch(of: /[A-Za-z0-9]{4,64}/) != nil else {
      throw ControlError(status: .unprocessableContent, message: "appid must be 4 to 64 letters and digits")
    }
    return world.register(app)
  }

  @Sendable func createApp(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    let app = try app(try await object(request))
    return Self.json(.created) { Self.write(app, to: &$0) }
  }

  @Sendable func listApps(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    let apps = world.state.withLock { $0.apps.values.sorted { $0.id < $1.id } }
    return Self.json { json in
      json.key("items")
      json.beginArray()
      for app in apps {
        json.beginObject()
        Self.write(app, to: &json)
        json.endObject()
      }
      json.endArray()
    }
  }

  @Sendable func changeApp(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    var fields = ControlFields(try await object(request))
    let id = context.parameters.get("id") ?? ""
    guard var app = world.state.withLock({ $0.apps[id] }) else {
      throw ControlError(status: .notFound, message: "there is no app with this appid; POST /_sim/apps makes one")
    }
    if let secret = try fields.string("secret") { app.secret = secret }
    if fields.contains("open_platform_account") {
      app.openPlatformAccount = try fields.string("open_platform_account")
    }
    try read(&fields, into: &app)
    try fields.finish()
    world.register(app)
    return Self.json { Self.write(app, to: &$0) }
  }

  private func read(_ fields: inout ControlFields, into app: inout App) throws {
    if let addresses = try fields.strings("ip_whitelist") { app.ipWhitelist = addresses }
    if let frozen = try fields.boolean("secret_frozen") { app.isSecretFrozen = frozen }
    if let confirmation = try fields.choice("confirmation", App.Confirmation.self) {
      app.confirmation = confirmation
      app.refusedAt = world.now
    }
    if let permitted = try fields.boolean("phone_permission") { app.mayReadPhoneNumbers = permitted }
    if let errcode = try fields.integer("banned_with") { app.bannedWith = errcode == 0 ? nil : errcode }
    if let limit = try fields.integer("logins_per_minute") { app.loginsPerMinute = limit == 0 ? nil : limit }
    try readLimits("calls_per_minute", &fields, into: &app.callsPerMinute)
    try readLimits("calls_per_day", &fields, into: &app.callsPerDay)
    if let errcode = try fields.integer("wrong_secret_errcode") { app.wrongSecretErrcode = errcode }
    if let errcode = try fields.integer("expired_code_errcode") { app.expiredCodeErrcode = errcode }
    if let form = try fields.choice("region_form", App.RegionForm.self) { app.regionForm = form }
    if let isSnapshot = try fields.boolean("snapshot") { app.isSnapshot = isSnapshot }
    if let domain = try fields.string("redirect_domain") { app.redirectDomain = domain.isEmpty ? nil : domain }
  }

  /// `{"sns/userinfo": 5}`; `null` takes a limit away.
  private func readLimits(
    _ name: String, _ fields: inout ControlFields, into limits: inout [String: Int]
  ) throws {
    for (endpoint, value) in try fields.object(name)?.members ?? [] {
      guard App.limits[endpoint] != nil, value == .null || value.integer != nil else {
        let known = App.limits.keys.sorted().joined(separator: ", ")
        throw ControlError(
          status: .unprocessableContent, message: "\(name) must give whole numbers for \(known)")
      }
      limits[endpoint] = value.integer
    }
  }

  private static func write(_ app: App, to json: inout JSONWriter) {
    json.member("appid", app.id)
    json.member("secret", app.secret)
    json.member("kind", app.kind.rawValue)
    json.member("open_platform_account", app.openPlatformAccount)
    json.member("ip_whitelist", app.ipWhitelist)
    json.member("secret_frozen", app.isSecretFrozen)
    json.member("confirmation", app.confirmation.rawValue)
    json.member("phone_permission", app.mayReadPhoneNumbers)
    json.member("banned_with", app.bannedWith ?? 0)
    json.member("logins_per_minute", app.loginsPerMinute ?? 0)
    write(app.callsPerMinute, "calls_per_minute", to: &json)
    write(app.callsPerDay, "calls_per_day", to: &json)
    json.member("wrong_secret_errcode", app.wrongSecretErrcode)
    json.member("expired_code_errcode", app.expiredCodeErrcode)
    json.member("region_form", app.regionForm.rawValue)
    json.member("snapshot", app.isSnapshot)
    json.member("redirect_domain", app.redirectDomain)
  }

  private static func write(_ limits: [String: Int], _ name: String, to json: inout JSONWriter) {
    json.key(name)
    json.beginObject()
    for (endpoint, limit) in limits.sorted(by: { $0.key < $1.key }) { json.member(endpoint, limit) }
    json.endObject()
  }
}
