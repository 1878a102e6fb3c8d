import Crypto
import CryptoExtras
import FoundationEssentials
import JSON

/// A message as WeChat pushes it to a developer's server (WeChat: message push), rightly or wrong in one respect.
public struct PushMessage: Sendable {
  /// How the body is protected.
  public enum Mode: String, Sendable, CaseIterable {
    /// The query is signed, the body is not.
    case plain
    /// The body says everything twice: in plain, and encrypted and signed.
    case compatible
    /// Encrypted and signed.
    case safe
  }

  /// The notation.
  public enum Format: String, Sendable, CaseIterable {
    /// WeChat's default.
    case xml
    /// By the developer's choice.
    case json
  }

  /// What is wrong with it.
  public enum Flaw: String, Sendable, CaseIterable {
    /// `msg_signature` and `signature` of another Token.
    case wrongSignature = "wrong_signature"
    /// Rightly signed, and changed afterwards: of the encrypted form one letter, of the plain form all of it.
    case tampered
    /// Signed ten minutes ago.
    case old
    /// Another AppID at the end of the frame.
    case wrongAppID = "wrong_appid"
    /// Padding that is none.
    case wrongPadding = "wrong_padding"
    /// A frame that claims to be longer than it is.
    case wrongLength = "wrong_length"
    /// A body of more than a mebibyte.
    case huge
    /// A document type with an entity that grows.
    case dtd
    /// A hundred elements or objects in each other.
    case deep
    /// Cut in the middle.
    case cut
  }

  /// What looks wrong and is WeChat's way: a receiver must take it.
  public enum Quirk: String, Sendable, CaseIterable {
    /// Padding of more than 16, which a receiver with blocks of 16 refuses.
    case widePadding = "wide_padding"
    /// JSON names with a space before them, as in WeChat's samples.
    case leadingSpace = "leading_space"
    /// `MsgType` of `Event` instead of `event`.
    case capitalEvent = "capital_event"
    /// No `OpenID`, as reported of `user_info_modified`.
    case noOpenID = "no_openid"
  }

  /// The event's name, such as `user_authorization_revoke`.
  public var event: String
  /// Whom it is about.
  public var openid: String
  /// For website and mobile apps.
  public var unionid: String?
  /// For `user_authorization_revoke`.
  public var revokeInfo: String?
  /// How it is protected.
  public var mode = Mode.safe
  /// The notation.
  public var format = Format.xml
  /// What is wrong.
  public var flaw: Flaw?
  /// What looks wrong.
  public var quirk: Quirk?
  /// Seconds that it was on the way, so that an earlier event arrives after a later one.
  public var age = 0

  /// A message.
  public init(event: String, openid: String) {
    self.event = event
    self.openid = openid
  }

  /// The query and the body of the POST.
  /// - Parameters:
  ///   - token: the Token of the push settings.
  ///   - key: the EncodingAESKey, 43 characters.
  ///   - now: Unix seconds.
  public func sealed(
    appID: String, token: String, key: String, now: Int
  ) throws -> (query: [(String, String)], body: [UInt8]) {
    let sent = (flaw == .old ? now - 600 : now) - age
    let (timestamp, nonce) = (String(sent), String(UInt32.random(in: 1...UInt32.max)))
    let token = flaw == .wrongSignature ? token + "x" : token
    var query = [
      ("signature", Self.signature([token, timestamp, nonce])), ("timestamp", timestamp), ("nonce", nonce),
    ]
    let fields = inner(appID: appID, at: sent)
    var body = wrapped(fields, isInner: true)
    if mode != .plain {
      var encrypt = Base64.encode(try frame(body, appID: flaw == .wrongAppID ? "wx0000" : appID, key: key))
      query += [
        ("openid", openid), ("encrypt_type", "aes"),
        ("msg_signature", Self.signature([token, timestamp, nonce, encrypt])),
      ]
      if flaw == .tampered { encrypt = (encrypt.hasPrefix("A") ? "B" : "A") + encrypt.dropFirst() }
      let outer = mode == .safe ? [("ToUserName", "gh_simulator")] : fields
      body = wrapped(outer + [("Encrypt", encrypt)])
    }
    switch flaw {
    case .huge: body += [UInt8](repeating: 0x20, count: 1 << 20)
    case .deep: body = Self.nested(format)
    case .cut: body = Array(body[..<(body.count / 2)])
    case .dtd: body = Array(Self.bomb.utf8) + body
    default: break
    }
    return (query, body)
  }

  /// The query of the GET that verifies a URL.
  public static func verification(token: String, echo: String, now: Int) -> [(String, String)] {
    let (timestamp, nonce) = (String(now), String(UInt32.random(in: 1...UInt32.max)))
    return [
      ("signature", signature([token, timestamp, nonce])), ("timestamp", timestamp), ("nonce", nonce),
      ("echostr", echo),
    ]
  }

  private static let bomb = """
    <!DOCTYPE xml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>
    """

  private static func nested(_ format: Format) -> [UInt8] {
    let (start, end) = format == .xml ? ("<xml>", "</xml>") : ("{\"xml\":", "}")
    let middle = format == .xml ? "x" : "0"
    return Array((String(repeating: start, count: 100) + middle + String(repeating: end, count: 100)).utf8)
  }

  private func inner(appID: String, at sent: Int) -> [(String, String)] {
    var fields = [
      ("ToUserName", "gh_simulator"), ("FromUserName", openid), ("CreateTime", String(sent)),
      ("MsgType", quirk == .capitalEvent ? "Event" : "event"), ("Event", event), ("AppID", appID),
    ]
    if quirk != .noOpenID { fields.append(("OpenID", openid)) }
    if let revokeInfo { fields.append(("RevokeInfo", revokeInfo)) }
    if let unionid { fields.append(("UnionID", unionid)) }
    return fields
  }

  private func wrapped(_ fields: [(String, String)], isInner: Bool = false) -> [UInt8] {
    let space = isInner && quirk == .leadingSpace ? " " : ""
    switch format {
    case .json:
      return JSONWriter.object { json in
        for (name, value) in fields {
          let isNumber = name == "CreateTime"
          if isNumber { json.member(space + name, Int(value) ?? 0) } else { json.member(space + name, value) }
        }
      }
    case .xml:
      let inner = fields.map { name, value in
        name == "CreateTime" ? "<\(name)>\(value)</\(name)>" : "<\(name)><![CDATA[\(value)]]></\(name)>"
      }
      return Array("<xml>\(inner.joined(separator: "\n"))\n</xml>".utf8)
    }
  }

  /// `random(16) + length(4, big-endian) + message + AppID`, PKCS #7 to blocks of 32, AES-256-CBC.
  private func frame(_ message: [UInt8], appID: String, key: String) throws -> [UInt8] {
    guard let secret = Base64.decode(key + "=") else { throw WeChatError(-1, "the EncodingAESKey is not base64") }
    var message = message
    if quirk == .widePadding {
      // Space at the end is nothing in either notation.
      while 32 - (20 + message.count + appID.utf8.count) % 32 <= 16 { message.append(0x20) }
    }
    let length = UInt32(message.count + (flaw == .wrongLength ? 9000 : 0))
    var plain = (0..<16).map { _ in UInt8.random(in: 0...255) }
    plain += [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> UInt32($0)) } + message + Array(appID.utf8)
    let padding = 32 - plain.count % 32
    plain += [UInt8](repeating: flaw == .wrongPadding ? 0 : UInt8(padding), count: padding)
    let iv = try AES._CBC.IV(ivBytes: Array(secret[..<16]))
    return Array(try AES._CBC.encrypt(plain, using: SymmetricKey(data: secret), iv: iv, noPadding: true))
  }

  private static func signature(_ parts: [String]) -> String {
    let text = parts.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }.flatMap { $0 }
    return Hexadecimal.encode(Insecure.SHA1.hash(data: text))
  }
}
