import Crypto
import CryptoExtras
import Foundation
import JSON
import Simulator
import Testing

/// Message pushes, as they are made and sent (WeChat: message push); what a receiver makes of them is tested with the API.
@Suite("Pushes")
struct PushTests {
  private static let appID = "wx0123456789abcdef"
  private static let key = String(repeating: "abcdefg", count: 6) + "A"

  private static func open(_ message: PushMessage) throws -> (text: String, receiver: String, padding: Int) {
    let (_, body) = try message.sealed(appID: appID, token: "t", key: key, now: 1_800_000_000)
    let text = String(decoding: body, as: UTF8.self)
    let encrypt = try #require(
      message.format == .json
        ? try JSONValue(parsing: body).object?["Encrypt"]?.string
        : text.firstMatch(of: /<Encrypt><!\[CDATA\[(.*?)\]\]>/).map { String($0.1) })
    let secret = try #require(Data(base64Encoded: key + "="))
    let plain = Array(
      try AES._CBC.decrypt(
        try #require(Data(base64Encoded: encrypt)), using: SymmetricKey(data: secret),
        iv: AES._CBC.IV(ivBytes: secret.prefix(16)), noPadding: true))
    let padding = Int(plain.last ?? 0)
    let length = plain[16..<20].reduce(0) { $0 << 8 | Int($1) }
    let receiver = plain[(20 + length)..<(plain.count - padding)]
    return (
      String(decoding: plain[20..<20 + length], as: UTF8.self), String(decoding: receiver, as: UTF8.self), padding
    )
  }

  @Test("the frame holds the event and the AppID, padded to blocks of 32", arguments: PushMessage.Format.allCases)
  func frame(format: PushMessage.Format) throws {
    for length in 0..<40 {
      var message = PushMessage(event: "user_authorization_revoke", openid: String(repeating: "o", count: length))
      message.format = format
      message.revokeInfo = "301"
      let opened = try Self.open(message)
      #expect(opened.receiver == Self.appID && (1...32).contains(opened.padding))
      #expect(opened.text.contains("user_authorization_revoke") && opened.text.contains("301"))
      message.quirk = .widePadding
      #expect(try Self.open(message).padding > 16)
    }
  }

  @Test("the query is signed with the Token, the ciphertext too; verification signs as well")
  func signatures() throws {
    func sha1(_ parts: [String]) -> String {
      Insecure.SHA1.hash(data: Array(parts.sorted().joined().utf8)).map { String(format: "%02x", $0) }.joined()
    }
    let message = PushMessage(event: "user_info_modified", openid: "o1")
    let (pairs, body) = try message.sealed(appID: Self.appID, token: "t", key: Self.key, now: 1_800_000_000)
    let query = Dictionary(pairs) { $1 }
    let (timestamp, nonce) = (query["timestamp"] ?? "", query["nonce"] ?? "")
    #expect(timestamp == "1800000000" && query["encrypt_type"] == "aes" && query["openid"] == "o1")
    #expect(query["signature"] == sha1(["t", timestamp, nonce]))
    let encrypt = try #require(String(decoding: body, as: UTF8.self).firstMatch(of: /<Encrypt><!\[CDATA\[(.*?)\]\]>/))
    #expect(query["msg_signature"] == sha1(["t", timestamp, nonce, String(encrypt.1)]))
    let verification = Dictionary(PushMessage.verification(token: "t", echo: "42", now: 1_800_000_000)) { $1 }
    #expect(verification["signature"] == sha1(["t", "1800000000", verification["nonce"] ?? ""]))
  }

  @Test("a quirk is in the message it names")
  func quirks() throws {
    var message = PushMessage(event: "user_info_modified", openid: "o1")
    message.format = .json
    message.quirk = .leadingSpace
    #expect(try Self.open(message).text.contains(#"" OpenID":"o1""#))
    message.quirk = .capitalEvent
    #expect(try Self.open(message).text.contains(#""MsgType":"Event""#))
    message.quirk = .noOpenID
    #expect(try !Self.open(message).text.contains("OpenID"))
    message.quirk = nil
    message.age = 250
    #expect(try Self.open(message).text.contains(#""CreateTime":1799999750"#))
    message.mode = .compatible
    let (_, body) = try message.sealed(appID: Self.appID, token: "t", key: Self.key, now: 1_800_000_000)
    let both = try #require(try JSONValue(parsing: body).object)
    #expect(both["Event"]?.string == "user_info_modified" && both["Encrypt"]?.string != nil)
  }

  @Test("a push is sent three times at most, and once when it is answered")
  func attempts() async throws {
    try await TestWeChat.run { wechat async throws in
      // Any address that answers will do to count attempts.
      let url = "\(wechat.url)/sns/jscode2session"
      let body = #"{"appid":"\#(Self.appID)","url":"\#(url)","token":"t","encoding_aes_key":"\#(Self.key)","#
      let push = body + #""event":"user_info_modified","user":"a"}"#
      func gateway(_ times: Int) async throws {
        try await wechat.control(
          "POST", "faults", #"{"endpoint":"sns/jscode2session","kind":"bad_gateway","times":\#(times)}"#)
      }
      #expect(try await wechat.control("POST", "pushes", push)["attempts"]?.integer == 1)
      try await gateway(2)
      let third = try await wechat.control("POST", "pushes", push)
      #expect(third["attempts"]?.integer == 3 && third["status"]?.integer == 200)
      try await gateway(4)
      let lost = try await wechat.control("POST", "pushes", push)
      #expect(lost["attempts"]?.integer == 3 && lost["status"]?.integer == 502)
      try await wechat.control("DELETE", "faults")
      wechat.world.resetCounters()
      try await wechat.control("POST", "pushes", body + #""event":"user_info_modified","user":"a","copies":4}"#)
      #expect(wechat.world.count(endpoint: "sns/jscode2session") == 4)
    }
  }

  @Test("who does not answer in time is asked again")
  func patience() async throws {
    try await TestWeChat.run { wechat async throws in
      try await wechat.control(
        "POST", "faults", #"{"endpoint":"sns/auth","kind":"hang_before","times":2}"#)
      let sender = PushSender(patience: .milliseconds(200))
      let answer = await sender.send([], body: [0x7B, 0x7D], format: .json, to: "\(wechat.url)/sns/auth")
      #expect(answer.attempts == 3 && answer.status == 200)
    }
  }

  @Test("a URL that does not give the echostr back is not verified")
  func verification() async throws {
    try await TestWeChat.run { wechat async throws in
      let answer = try await wechat.control("POST", "pushes/verify", #"{"url":"\#(wechat.url)/sns/auth","token":"t"}"#)
      #expect(answer["verified"]?.boolean == false && answer["status"]?.integer == 200)
    }
  }
}
