import Hummingbird
import JSON

extension Control {
  @Sendable func createCodes(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    var fields = ControlFields(try await object(request))
    guard let appID = try fields.string("appid"), let user = try fields.string("user") else {
      throw ControlError(
        status: .unprocessableContent, message: "send {\"appid\": …, \"user\": …}; kind is login, phone or oauth")
    }
    let kind = try fields.choice("kind", Code.Kind.self) ?? .login
    let scope = try fields.string("scope")
    let count = try fields.integer("count")
    let distinct = try fields.boolean("distinct_users") ?? false
    let isSnapshot = try fields.boolean("snapshot") ?? false
    try fields.finish()
    guard (1...10_000).contains(count ?? 1) else {
      throw ControlError(status: .unprocessableContent, message: "count must be from 1 to 10000")
    }
    try check(kind, of: appID, isSnapshot: isSnapshot)
    let codes = try (0..<(count ?? 1)).map { index in
      try world.state.withLock { state throws(WeChatError) in
        try state.issueCode(
          kind, appID: appID, person: distinct ? "\(user)-\(index)" : user, scope: scope, isSnapshot: isSnapshot)
      }
    }
    return Self.json(.created) { json in
      if count == nil { json.member("code", codes[0]) } else { json.member("codes", codes) }
    }
  }

  /// A code that WeChat would never give out is a mistake of the test's, not of the world's.
  private func check(_ kind: Code.Kind, of appID: String, isSnapshot: Bool) throws {
    guard let app = world.state.withLock({ $0.apps[appID] }) else {
      throw ControlError(
        status: .notFound, message: "there is no app with this appid; POST /_sim/apps registers one")
    }
    guard (kind == .oauth) == (app.kind != .miniapp) else {
      throw ControlError(
        status: .unprocessableContent,
        message: "a miniapp gets login and phone codes, every other app oauth codes; this one is \(app.kind.rawValue)")
    }
    guard !isSnapshot || app.kind == .officialAccount else {
      throw ControlError(status: .unprocessableContent, message: "only an official account meets snapshot pages")
    }
  }
}
