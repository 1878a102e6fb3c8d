import Hummingbird
import JSON

extension Control {
  func addPeople(to group: RouterGroup<SimulatorContext>) {
    group.post("users", use: createUser)
    group.get("users/{id}", use: showUser)
    group.post("users/{id}/change-password", use: changePassword)
    group.post("device", use: signInDevice)
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

  @Sendable func createUser(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    let person = try person(try await object(request))
    return Self.json(.created) { Self.write(person, to: &$0) }
  }

  @Sendable func changePassword(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    world.changePassword(context.parameters.get("id") ?? "")
    return Self.json { $0.member("status", "ok") }
  }

  @Sendable func signInDevice(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    var fields = ControlFields(try await object(request))
    let user = try fields.string("user")
    try fields.finish()
    world.state.withLock { state in
      state.deviceOwner = user
      if let user, state.people[user] == nil { state.people[user] = Person(id: user) }
    }
    return Response(status: .noContent)
  }

  @Sendable func showUser(_ request: Request, _ context: SimulatorContext) async throws -> Response {
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

  private static func write(_ person: Person, to json: inout JSONWriter) {
    json.member("id", person.id)
    json.member("nickname", person.nickname)
    json.member("avatar_url", person.avatarURL)
    json.member("phone_number", person.phoneNumber)
    json.member("country_code", person.countryCode)
    json.member("blocked", person.isBlocked)
  }
}
