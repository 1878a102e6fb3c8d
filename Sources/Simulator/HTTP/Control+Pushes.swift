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
            "send appid, url, token, encoding_aes_key, event and user; mode, format, revoke_info, quirk and flaw as wanted"
        )
      }
      var message = PushMessage(event: event, openid: Names.openid(user, appID: appID))
      message.mode = try fields.choice("mode", PushMessage.Mode.self) ?? .safe
      message.format = try fields.choice("format", PushMessage.Format.self) ?? .xml
      message.quirk = try fields.choice("quirk", PushMessage.Quirk.self)
      message.flaw = try fields.choice("flaw", PushMessage.Flaw.self)
      message.revokeInfo = try fields.string("revoke_info")
      let key = try fields.string("encoding_aes_key") ?? ""
      try fields.finish()
      guard message.mode == .plain || key.utf8.count == 43 else {
        throw ControlError(status: .unprocessableContent, message: "encoding_aes_key must have 43 characters")
      }
      let (query, body) = try message.sealed(appID: appID, token: token, key: key, now: Int(world.now))
      return Self.json(await sender.send(query, body: body, format: message.format, to: url))
    }
    group.post("pushes/verify") { request, _ in
      var fields = ControlFields(try await object(request))
      guard let url = try fields.string("url"), let token = try fields.string("token") else {
        throw ControlError(status: .unprocessableContent, message: "send url and token")
      }
      try fields.finish()
      let query = PushMessage.verification(
        token: token, echo: Names.digits("echo", url, length: 19), now: Int(world.now))
      return Self.json(await sender.verify(query, at: url))
    }
  }

  private static func json(_ answer: PushSender.Answer) -> Response {
    json { json in
      json.member("status", answer.status)
      json.member("body", String(answer.body.prefix(1000)))
      json.member("attempts", answer.attempts)
    }
  }
}
