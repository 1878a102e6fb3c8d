import Foundation
import JSON
import Outbound
import Simulator
import Testing

/// Switches that make an endpoint misbehave.
@Suite("Faults")
struct FaultTests {
  private static let path = "sns/jscode2session"

  private static func inject(_ wechat: TestWeChat, _ fields: String) async throws {
    let made = try await wechat.control("POST", "faults", #"{"endpoint":"\#(path)",\#(fields)}"#)
    #expect(made.status == 201)
  }

  @Test("an errcode and a 502 leave the code unspent, and last as often as told")
  func before() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App())
      let code = wechat.world.loginCode(app.id, person: "a")
      try await Self.inject(wechat, #""kind":"errcode","errcode":-1,"times":2"#)
      try await Self.inject(wechat, #""kind":"bad_gateway","times":1"#)
      #expect(try await wechat.code2Session(app, code).errcode == -1)
      #expect(try await wechat.code2Session(app, code).errcode == -1)
      let gateway = try await wechat.code2Session(app, code)
      #expect(gateway.status == 502 && gateway.text.contains("<html>"))
      #expect(try await wechat.code2Session(app, code).errcode == nil)
    }
  }

  @Test("a hang after the work spends the code, a hang before it does not")
  func hangs() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App())
      for (kind, errcode) in [("hang_after", Optional(40163)), ("hang_before", nil)] {
        let code = wechat.world.loginCode(app.id, person: "a")
        try await Self.inject(wechat, #""kind":"\#(kind)","times":1"#)
        let query = TestWeChat.form([
          "appid": app.id, "secret": app.secret, "js_code": code, "grant_type": "authorization_code",
        ])
        await #expect(throws: HTTPFailure.self) {
          try await wechat.send("GET", "\(Self.path)?\(query)", within: .milliseconds(300))
        }
        #expect(try await wechat.code2Session(app, code).errcode == errcode, "\(kind)")
      }
    }
  }

  @Test("broken JSON, raw control bytes and a cut answer reach the caller")
  func broken() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App(kind: .web))
      let tokens = try await wechat.exchange(app, try await wechat.oauthCode(app, "a"))
      func fault(_ kind: String) async throws {
        try await wechat.control("POST", "faults", #"{"endpoint":"sns/userinfo","kind":"\#(kind)","times":1}"#)
      }
      try await fault("wrong_json")
      let wrong = try await wechat.userinfo(tokens)
      #expect(wrong.status == 200 && wrong.json.members.isEmpty)
      try await fault("dirty_strings")
      let dirty = try await wechat.userinfo(tokens).body
      #expect(dirty.contains(0x08) && dirty.contains(0x14) && dirty.contains(0xFF))
      try await fault("cut")
      await #expect(throws: HTTPFailure.self) { try await wechat.userinfo(tokens) }
      #expect(try await wechat.userinfo(tokens).text("nickname") == "a")
    }
  }

  @Test("odd types are errcode as text, countryCode as a number and errcode 0")
  func oddTypes() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App())
      let token = try await wechat.stableToken(app).text("access_token")
      try await wechat.control(
        "POST", "faults", #"{"endpoint":"wxa/business/getuserphonenumber","kind":"odd_types","times":2}"#)
      let phone = try await wechat.phone(token, wechat.world.phoneCode(app.id, person: "a"))
      #expect(phone["phone_info"]?.object?["countryCode"]?.integer == 86)
      #expect(phone.json.members.filter { $0.name == "errcode" }.count == 1)
      #expect(try await wechat.phone(token, "nonsense")["errcode"]?.string == "40029")
    }
  }
}
