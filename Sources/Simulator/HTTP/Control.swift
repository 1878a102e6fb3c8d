import Foundation
import HTTPTypes
import Hummingbird
import JSON
import NIOCore

/// A refusal of the control API, in words.
struct ControlError: Error {
  let status: HTTPResponse.Status
  let message: String
}

/// The control API under `/_sim/`: what a test or a developer does to the world.
struct Control: Sendable {
  let world: World

  func add(to router: Router<SimulatorContext>) {
    let group = router.group("_sim")
    group.get("health") { _, _ in Self.json { $0.member("status", "ok") } }
    group.post("apps", use: createApp)
    group.get("apps", use: listApps)
    group.patch("apps/{id}", use: changeApp)
    group.post("users", use: createUser)
    group.get("users/{id}", use: showUser)
    group.post("users/{id}/change-password") { _, context in
      world.changePassword(context.parameters.get("id") ?? "")
      return Self.json { $0.member("status", "ok") }
    }
    group.post("codes", use: createCodes)
    group.post("clock", use: moveClock)
    group.get("clock", use: showClock)
    group.post("faults", use: injectFault)
    group.delete("faults", use: clearFaults)
    group.get("counters", use: showCounters)
    group.delete("counters", use: clearCounters)
    group.post("tokens/expire", use: expireTokens)
    group.post("reset", use: reset)
    addPushes(to: group)
  }

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

  /// Registers a person from their JSON; used by the seed file too.
  func person(_ object: JSONObject) throws -> Person {
    var fields = ControlFields(object)
    var person = Person(id: try fields.string("id") ?? "user-\(Names.random(8))")
    if let nickname = try fields.string("nickname") { person.nickname = nickname }
    if let avatar = try fields.string("avatar_url") { person.avatarURL = avatar }
    if let phone = try fields.string("phone_number") { person.phoneNumber = phone }
    if let country = try fields.string("country_code") { person.countryCode = country }
    if let blocked = try fields.boolean("blocked") { person.isBlocked = blocked }
    try fields.finish()
    world.register(person)
    return person
  }

  private func read(_ fields: inout ControlFields, into app: inout App) throws {
    if let addresses = try fields.strings("ip_whitelist") { app.ipWhitelist = addresses }
    if let frozen = try fields.boolean("secret_frozen") { app.isSecretFrozen = frozen }
    if let permitted = try fields.boolean("phone_permission") { app.mayReadPhoneNumbers = permitted }
    if let errcode = try fields.integer("banned_with") { app.bannedWith = errcode == 0 ? nil : errcode }
    if let limit = try fields.integer("logins_per_minute") { app.loginsPerMinute = limit == 0 ? nil : limit }
    if let limits = try fields.object("calls_per_minute") {
      for (name, value) in limits.members { app.callsPerMinute[name] = value.integer }
    }
    if let errcode = try fields.integer("wrong_secret_errcode") { app.wrongSecretErrcode = errcode }
    if let errcode = try fields.integer("expired_code_errcode") { app.expiredCodeErrcode = errcode }
    if let confirmation = try fields.choice("confirmation", App.Confirmation.self) { app.confirmation = confirmation }
    if let form = try fields.choice("region_form", App.RegionForm.self) { app.regionForm = form }
    if let isSnapshot = try fields.boolean("snapshot") { app.isSnapshot = isSnapshot }
    if let domain = try fields.string("redirect_domain") { app.redirectDomain = domain.isEmpty ? nil : domain }
  }

  @Sendable private func createApp(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    let app = try app(try await object(request))
    return Self.json(.created) { Self.write(app, to: &$0) }
  }

  @Sendable private func listApps(_ request: Request, _ context: SimulatorContext) async throws -> Response {
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

  @Sendable private func changeApp(_ request: Request, _ context: SimulatorContext) async throws -> Response {
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

  @Sendable private func createUser(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    let person = try person(try await object(request))
    return Self.json(.created) { Self.write(person, to: &$0) }
  }

  @Sendable private func showUser(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    let id = context.parameters.get("id") ?? ""
    let appID = request.uri.queryParameters.get("appid")
    let (person, app, key) = world.state.withLock { state in
      (
        state.people[id], appID.flatMap { state.apps[$0] },
        appID.flatMap { state.sessionKeys[SessionKey.Owner(person: id, appID: $0)]?.text }
      )
    }
    guard let person else {
      throw ControlError(status: .notFound, message: "there is no such user; POST /_sim/users or /_sim/codes makes one")
    }
    let sealed = try app.flatMap { app in
      try key.flatMap { try OpenData.userInfo(of: person, in: app, sessionKey: $0, at: Int(world.now)) }
    }
    return Self.json { json in
      Self.write(person, to: &json)
      guard let app else { return }
      json.member("openid", Names.openid(id, appID: app.id))
      if let account = app.openPlatformAccount { json.member("unionid", Names.unionid(id, account: account)) }
      json.member("session_key", key)
      if let sealed {
        json.member("encryptedData", sealed.encryptedData)
        json.member("iv", sealed.iv)
        json.member("rawData", sealed.rawData)
        json.member("signature", sealed.signature)
      }
    }
  }

  @Sendable private func createCodes(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    var fields = ControlFields(try await object(request))
    guard let appID = try fields.string("appid"), let user = try fields.string("user") else {
      throw ControlError(
        status: .unprocessableContent, message: "send {\"appid\": …, \"user\": …}; kind is login, phone or oauth")
    }
    let kind = try fields.choice("kind", Code.Kind.self) ?? .login
    let scope = try fields.string("scope")
    let count = try fields.integer("count")
    let distinct = try fields.boolean("distinct_users") ?? false
    try fields.finish()
    guard (1...10_000).contains(count ?? 1) else {
      throw ControlError(status: .unprocessableContent, message: "count must be from 1 to 10000")
    }
    do {
      let codes = try (0..<(count ?? 1)).map { index in
        try world.state.withLock { state throws(WeChatError) in
          try state.issueCode(kind, appID: appID, person: distinct ? "\(user)-\(index)" : user, scope: scope)
        }
      }
      return Self.json(.created) { json in
        if count == nil { json.member("code", codes[0]) } else { json.member("codes", codes) }
      }
    } catch is WeChatError {
      throw ControlError(
        status: .notFound, message: "there is no app with this appid; POST /_sim/apps registers one")
    }
  }

  @Sendable private func moveClock(_ request: Request, _ context: SimulatorContext) async throws -> Response {
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

  @Sendable private func showClock(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    Self.json { $0.member("now", Int(world.now)) }
  }

  @Sendable private func injectFault(_ request: Request, _ context: SimulatorContext) async throws -> Response {
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

  @Sendable private func clearFaults(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    world.clearFaults()
    return Response(status: .noContent)
  }

  @Sendable private func showCounters(_ request: Request, _ context: SimulatorContext) async throws -> Response {
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

  @Sendable private func clearCounters(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    world.resetCounters()
    return Response(status: .noContent)
  }

  @Sendable private func expireTokens(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    var fields = ControlFields(try await object(request))
    guard let appID = try fields.string("appid") else {
      throw ControlError(status: .unprocessableContent, message: "send {\"appid\": …}")
    }
    try fields.finish()
    world.expireTokens(appID)
    return Response(status: .noContent)
  }

  @Sendable private func reset(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    world.reset()
    return Response(status: .noContent)
  }

  // MARK: JSON

  func object(_ request: Request) async throws -> JSONObject {
    let bytes = try await request.body.collect(upTo: 1 << 20)
    guard bytes.readableBytes > 0 else { return JSONObject() }
    guard let object = (try? JSONValue(parsing: Array(buffer: bytes)))?.object else {
      throw ControlError(status: .badRequest, message: "the body must be a JSON object")
    }
    return object
  }

  static func json(_ status: HTTPResponse.Status = .ok, _ body: (inout JSONWriter) -> Void) -> Response {
    Response(
      status: status, headers: [.contentType: "application/json"],
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: JSONWriter.object(body))))
  }

  private static func write(_ app: App, to json: inout JSONWriter) {
    json.member("appid", app.id)
    json.member("secret", app.secret)
    json.member("kind", app.kind.rawValue)
    json.member("open_platform_account", app.openPlatformAccount)
    json.member("ip_whitelist", app.ipWhitelist)
    json.member("secret_frozen", app.isSecretFrozen)
    json.member("phone_permission", app.mayReadPhoneNumbers)
    json.member("banned_with", app.bannedWith ?? 0)
    json.member("logins_per_minute", app.loginsPerMinute ?? 0)
    json.member("wrong_secret_errcode", app.wrongSecretErrcode)
    json.member("expired_code_errcode", app.expiredCodeErrcode)
    json.member("confirmation", app.confirmation.rawValue)
    json.member("region_form", app.regionForm.rawValue)
    json.member("snapshot", app.isSnapshot)
    json.member("redirect_domain", app.redirectDomain)
  }

  private static func write(_ person: Person, to json: inout JSONWriter) {
    json.member("id", person.id)
    json.member("nickname", person.nickname)
    json.member("avatar_url", person.avatarURL)
    json.member("phone_number", person.phoneNumber)
    json.member("country_code", person.countryCode)
    json.member("blocked", person.isBlocked)
  }
}

extension World {
  /// Seconds of the Unix epoch by the simulated clock.
  var now: Double { state.withLock { $0.clock.now } }
}

/// Reads the members of a control body; what nobody asked for is refused.
struct ControlFields {
  private let object: JSONObject
  private var known: Set<String> = []

  init(_ object: JSONObject) { self.object = object }

  func contains(_ name: String) -> Bool { object[name] != nil }

  mutating func string(_ name: String) throws -> String? { try read(name, "a string", \.string) }
  mutating func object(_ name: String) throws -> JSONObject? { try read(name, "an object", \.object) }
  mutating func integer(_ name: String) throws -> Int? { try read(name, "a whole number", \.integer) }
  mutating func boolean(_ name: String) throws -> Bool? { try read(name, "true or false", \.boolean) }

  mutating func strings(_ name: String) throws -> [String]? {
    guard let values = try read(name, "an array of strings", \.array) else { return nil }
    return values.compactMap(\.string)
  }

  mutating func choice<Choice: CaseIterable & RawRepresentable>(
    _ name: String, _ type: Choice.Type
  ) throws -> Choice? where Choice.RawValue == String {
    guard let text = try string(name) else { return nil }
    guard let choice = Choice(rawValue: text) else {
      let all = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw ControlError(status: .unprocessableContent, message: "\(name) must be one of \(all)")
    }
    return choice
  }

  func finish() throws {
    if let unknown = object.members.first(where: { !known.contains($0.name) }) {
      throw ControlError(status: .unprocessableContent, message: "'\(unknown.name.prefix(60))' is not a field here")
    }
  }

  private mutating func read<Value>(
    _ name: String, _ what: String, _ path: KeyPath<JSONValue, Value?>
  ) throws -> Value? {
    known.insert(name)
    guard let value = object[name], value != .null else { return nil }
    guard let read = value[keyPath: path] else {
      throw ControlError(status: .unprocessableContent, message: "\(name) must be \(what)")
    }
    return read
  }
}
