import Foundation
import HTTPTypes
import Hummingbird
import JSON

extension Control {
  /// `POST /_sim/pushes` and `POST /_sim/pushes/verify`.
  func addPushes(to group: RouterGroup<SimulatorContext>) {
    let sender = PushSender()
    group.post("pushes") { request, _ in
      var fields = ControlFields(try await object(request))
      guard let appID = try fields.string("appid"), let url = try fields.string("url"),
        let token = try fields.string("token"), let event = try fields.string("event"),
        let user = try fields.string("user")
      else {
        throw ControlError(
          status: .unprocessableContent,
          message:
            "send appid, url, token, encoding_aes_key, event and user; mode, format, revoke_info, flaw, quirk, copies and age_seconds as wanted"
        )
      }
      var message = PushMessage(event: event, openid: Names.openid(user, appID: appID))
      message.mode = try fields.choice("mode", PushMessage.Mode.self) ?? .safe
      message.format = try fields.choice("format", PushMessage.Format.self) ?? .xml
      message.flaw = try fields.choice("flaw", PushMessage.Flaw.self)
      message.quirk = try fields.choice("quirk", PushMessage.Quirk.self)
      message.revokeInfo = try fields.string("revoke_info")
      message.age = try fields.integer("age_seconds") ?? 0
      let copies = try fields.integer("copies") ?? 1
      let key = try fields.string("encoding_aes_key") ?? ""
      try fields.finish()
      guard message.mode == .plain || (key.utf8.count == 43 && Base64.decode(key + "=") != nil) else {
        throw ControlError(
          status: .unprocessableContent, message: "encoding_aes_key must have 43 letters and digits")
      }
      guard (1...20).contains(copies) else {
        throw ControlError(status: .unprocessableContent, message: "copies must be from 1 to 20")
      }
      let app = world.state.withLock { $0.apps[appID] }
      // Miniapps are told the openid alone.
      if let app, app.kind != .miniapp, let account = app.openPlatformAccount {
        message.unionid = Names.unionid(user, account: account)
      }
      let (query, body) = try message.sealed(appID: appID, token: token, key: key, now: Int(world.now))
      var answer = await sender.send(query, body: body, format: message.format, to: url)
      for _ in 1..<copies { answer = await sender.send(query, body: body, format: message.format, to: url) }
      return Self.json { Self.write(answer, to: &$0) }
    }
    group.post("pushes/verify") { request, _ in
      var fields = ControlFields(try await object(request))
      guard let url = try fields.string("url"), let token = try fields.string("token") else {
        throw ControlError(status: .unprocessableContent, message: "send url and token")
      }
      try fields.finish()
      let echo = Names.random(19)
      let query = PushMessage.verification(token: token, echo: echo, now: Int(world.now))
      let answer = await sender.verify(query, at: url)
      return Self.json { json in
        Self.write(answer, to: &json)
        json.member("verified", answer.status == 200 && answer.body == echo)
      }
    }
  }

  private static func write(_ answer: PushSender.Answer, to json: inout JSONWriter) {
    json.member("status", answer.status)
    json.member("body", String(answer.body.prefix(1000)))
    json.member("attempts", answer.attempts)
  }
}
