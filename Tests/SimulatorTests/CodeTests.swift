import Foundation
import JSON
import Simulator
import Testing

/// One-time codes, and what a login gives (WeChat: code2Session).
@Suite("Codes and logins")
struct CodeTests {
  @Test("a code works once; unknown codes and those of another app do not")
  func once() async throws {
    try await TestWeChat.run { wechat async throws in
      let (app, other) = (wechat.world.register(App()), wechat.world.register(App()))
      let code = wechat.world.loginCode(app.id, person: "a")
      #expect(try await wechat.code2Session(other, code).errcode == 40029)
      let session = try await wechat.code2Session(app, code)
      #expect(session.text("openid") == wechat.world.openid("a", appID: app.id))
      #expect(Data(base64Encoded: session.text("session_key"))?.count == 16)
      #expect(try await wechat.code2Session(app, code).errcode == 40163)
      #expect(try await wechat.code2Session(app, "nonsense").errcode == 40029)
      #expect(try await wechat.code2Session(app, wechat.world.phoneCode(app.id, person: "a")).errcode == 40029)
    }
  }

  @Test("of twenty exchanges at once one wins")
  func race() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App())
      let code = wechat.world.loginCode(app.id, person: "a")
      let errcodes = try await withThrowingTaskGroup(of: Int?.self) { group in
        for _ in 0..<20 { group.addTask { try await wechat.code2Session(app, code).errcode } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(errcodes.filter { $0 == nil }.count == 1 && errcodes.filter { $0 == 40163 }.count == 19)
    }
  }

  @Test("a code that WeChat is told to accept twice works twice")
  func repeats() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App())
      try await wechat.control("PATCH", "switches", #"{"accepts_used_codes":true}"#)
      let code = wechat.world.loginCode(app.id, person: "a")
      for _ in 0..<2 { #expect(try await wechat.code2Session(app, code).errcode == nil) }
    }
  }

  @Test(
    "codes live 300 s, those of websites 600 s; expired they are 40029, or 42003 by a switch",
    arguments: [App.Kind.miniapp, .web, .officialAccount, .mobile])
  func lifetimes(kind: App.Kind) async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App(kind: kind))
      let life = kind == .web ? 600 : 300
      func errcode(after seconds: Int) async throws -> Int? {
        let code =
          kind == .miniapp
          ? wechat.world.loginCode(app.id, person: "a") : try await wechat.oauthCode(app, "a")
        try await wechat.control("POST", "clock", #"{"advance_seconds":\#(seconds)}"#)
        return try await kind == .miniapp
          ? wechat.code2Session(app, code).errcode : wechat.exchange(app, code).errcode
      }
      #expect(try await errcode(after: life - 2) == nil)
      #expect(try await errcode(after: life + 1) == 40029)
      try await wechat.control("PATCH", "apps/\(app.id)", #"{"expired_code_errcode":42003}"#)
      #expect(try await errcode(after: life + 1) == 42003)
    }
  }

  @Test("a person under risk control is 40226, a wrong secret 40125 or 40001, an unknown app 40013")
  func refusals() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App())
      try await wechat.control("POST", "users", #"{"id":"risky","blocked":true}"#)
      #expect(try await wechat.code2Session(app, wechat.world.loginCode(app.id, person: "risky")).errcode == 40226)
      let wrong = App(id: app.id)
      #expect(try await wechat.code2Session(wrong, "x").errcode == 40125)
      try await wechat.control("PATCH", "apps/\(app.id)", #"{"wrong_secret_errcode":40001}"#)
      #expect(try await wechat.code2Session(wrong, "x").errcode == 40001)
      #expect(try await wechat.code2Session(App(), "x").errcode == 40013)
    }
  }

  @Test("unionid is absent without an Open Platform account, appears with it, and is another in another")
  func unionid() async throws {
    try await TestWeChat.run { wechat async throws in
      let (app, sibling) = (wechat.world.register(App()), wechat.world.register(App(openPlatformAccount: "one")))
      func unionid(_ app: App) async throws -> JSONValue? {
        try await wechat.code2Session(app, wechat.world.loginCode(app.id, person: "a"))["unionid"]
      }
      #expect(try await unionid(app) == nil)
      try await wechat.control("PATCH", "apps/\(app.id)", #"{"open_platform_account":"one"}"#)
      let one = try await unionid(app)
      #expect(one != nil)
      #expect(try await unionid(sibling) == one)
      try await wechat.control("PATCH", "apps/\(app.id)", #"{"open_platform_account":"two"}"#)
      let two = try await unionid(app)
      #expect(two != nil && two != one)
      try await wechat.control("PATCH", "apps/\(app.id)", #"{"open_platform_account":null}"#)
      #expect(try await unionid(app) == nil)
    }
  }

  @Test("limits: logins of a person in a minute, calls of an app in a minute and a day")
  func limits() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App())
      try await wechat.control("POST", "clock", #"{"set":1800000000}"#)
      try await wechat.control("PATCH", "apps/\(app.id)", #"{"logins_per_minute":100}"#)
      func login(_ person: String) async throws -> Int? {
        try await wechat.code2Session(app, wechat.world.loginCode(app.id, person: person)).errcode
      }
      for _ in 0..<100 { #expect(try await login("a") == nil) }
      #expect(try await login("a") == 45011)
      #expect(try await login("b") == nil)
      try await wechat.control("POST", "clock", #"{"advance_seconds":60}"#)
      #expect(try await login("a") == nil)
      let few = #"{"calls_per_minute":{"cgi-bin/token":2},"calls_per_day":{"cgi-bin/token":3}}"#
      try await wechat.control("PATCH", "apps/\(app.id)", few)
      var errcodes: [Int?] = []
      for _ in 0..<3 { errcodes.append(try await wechat.legacyToken(app).errcode) }
      try await wechat.control("POST", "clock", #"{"advance_seconds":60}"#)
      for _ in 0..<2 { errcodes.append(try await wechat.legacyToken(app).errcode) }
      #expect(errcodes == [nil, nil, 45011, nil, 45009])
      try await wechat.control("PATCH", "apps/\(app.id)", #"{"calls_per_day":{"cgi-bin/token":null}}"#)
      #expect(try await wechat.legacyToken(app).errcode == nil)
    }
  }
}
