import Federation
import FoundationEssentials
import JSON
import Observability

/// Reads WeChat's message push, XML or JSON, plain or safe (WeChat: message push; user privacy events).
public struct WeChatPushes: PushProvider {
  /// A push that is older, or as much ahead, has no effect.
  private static let window = 300.0

  /// A reader.
  public init() {}

  /// WeChat's GET that verifies the URL: always plain, also where pushes are encrypted.
  public func echo(query: [String: String], credentials: PushCredentials) throws(PushRefused) -> String {
    guard let echo = query["echostr"], echo.utf8.count <= 256, isSigned(query, credentials) else {
      throw PushRefused()
    }
    return echo
  }

  /// The event of a push.
  public func event(
    query: [String: String], body: [UInt8], credentials: PushCredentials, now: Date
  ) throws(PushRefused) -> PushEvent {
    guard let outer = Self.fields(body) else { throw PushRefused() }
    guard query["encrypt_type"] == "aes" || query["msg_signature"] != nil else {
      guard isSigned(query, credentials), isRecent(query["timestamp"], now) else { throw PushRefused() }
      return try Self.event(outer, isAuthentic: false, now: now)
    }
    guard let encrypt = outer["Encrypt"], let signature = query["msg_signature"], let timestamp = query["timestamp"],
      let nonce = query["nonce"]
    else { throw PushRefused() }
    for settings in credentials.settings {
      guard let key = settings.encodingAESKey,
        let crypto = PushCrypto(token: settings.token, encodingAESKeys: [key], receiver: credentials.appID),
        let opened = try? crypto.open(
          encrypt: encrypt, msgSignature: signature, timestamp: timestamp, nonce: nonce, now: now)
      else { continue }
      guard let inner = Self.fields(opened.message) else { throw PushRefused() }
      return try Self.event(inner, isAuthentic: true, now: now)
    }
    throw PushRefused()
  }

  private func isSigned(_ query: [String: String], _ credentials: PushCredentials) -> Bool {
    guard let signature = query["signature"], let timestamp = query["timestamp"], let nonce = query["nonce"] else {
      return false
    }
    return credentials.settings.contains {
      PushCrypto.signs(signature, token: $0.token, timestamp: timestamp, nonce: nonce)
    }
  }

  private func isRecent(_ timestamp: String?, _ now: Date) -> Bool {
    guard let sent = timestamp.flatMap(Double.init) else { return false }
    return abs(now.timeIntervalSince1970 - sent) <= Self.window
  }

  /// The fields of a message in either form; a space before a name, as in WeChat's own samples, is overlooked.
  private static func fields(_ bytes: [UInt8]) -> [String: String]? {
    if bytes.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) == 0x3C { return PushXML(bytes)?.fields }
    guard let object = LenientJSON.object(bytes) else { return nil }
    var fields: [String: String] = [:]
    for (name, _) in object.members {
      fields[name.trimmingPrefix(while: { $0 == " " }).description] = object.looseString(name)
    }
    return fields
  }

  private static func event(
    _ fields: [String: String], isAuthentic: Bool, now: Date
  ) throws(PushRefused) -> PushEvent {
    guard let created = fields["CreateTime"].flatMap(Double.init),
      abs(now.timeIntervalSince1970 - created) <= window
    else { throw PushRefused() }
    let name = fields["Event"]?.lowercased() ?? ""
    let openid = fields["OpenID"] ?? fields["FromUserName"]
    let kind: PushEvent.Kind =
      switch name {
      case "user_info_modified": .profileModified
      case "user_authorization_revoke": .authorizationRevoked(numbers(fields["RevokeInfo"]))
      case "user_authorization_cancellation": .accountCancelled
      default: .other
      }
    let identity =
      fields["MsgId"]
      ?? [
        name, fields["FromUserName"] ?? "", openid ?? "", fields["CreateTime"] ?? "", fields["RevokeInfo"] ?? "",
      ].joined(separator: "|")
    return PushEvent(
      kind: kind, openid: openid, unionid: fields["UnionID"], at: Date(timeIntervalSince1970: created),
      identity: identity, isAuthentic: isAuthentic)
  }

  /// `6`, or several with anything between them.
  private static func numbers(_ text: String?) -> [Int] {
    (text ?? "").split { !$0.isNumber }.compactMap { Int($0) }
  }
}
