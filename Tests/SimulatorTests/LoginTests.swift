import Crypto
import Foundation
import JSON
import Simulator
import Testing

/// Sections 1 and 2 of WeChat's protocol: login codes, session keys, phone numbers.
@Suite struct LoginTests {
  @Test("a code is good once: of ten at the same time one wins, the others get 40163, all with status 200")
  func once() async throws {
    let caller = try await Caller.make()
    let app = caller.world.register(App())
    let code = caller.world.loginCode(app.id, person: "alice")
    let answers = try await withThrowingTaskGroup(of: Caller.Answer.self) { group in
      for _ in 0..<10 { group.addTask { try await caller.login(app, code) } }
      return try await group.reduce(into: [Caller.Answer]()) { $0.append($1) }
    }
    #expect(answers.allSatisfy { $0.status == 200 })
    #expect(answers.filter { $0.errcode == nil }.count == 1)
    #expect(answers.filter { $0.errcode == 40163 }.count == 9)
    let won = try #require(answers.first { $0.errcode == nil })
    #expect(won["openid"].hasPrefix("o") && Data(base64Encoded: won["session_key"])?.count == 16)
    #expect(won.json["errmsg"] == nil && won.headers["content-type"] == "text/plain")
  }

  @Test("a code of another app, an unknown one and an expired one are 40029; the last also 42003 by a switch")
  func invalid() async throws {
    let caller = try await Caller.make()
    let (app, other) = (caller.world.register(App()), caller.world.register(App()))
    #expect(try await caller.login(other, caller.world.loginCode(app.id, person: "a")).errcode == 40029)
    #expect(try await caller.login(app, "nonsense").errcode == 40029)
    let (old, older) = (caller.world.loginCode(app.id, person: "a"), caller.world.loginCode(app.id, person: "b"))
    caller.world.advanceClock(seconds: 301)
    #expect(try await caller.login(app, old).errcode == 40029)
    caller.world.change(app.id) { $0.expiredCodeErrcode = 42003 }
    #expect(try await caller.login(app, older).errcode == 42003)
  }

  @Test("parameters have exactly WeChat's names; a misspelt one is missing, a further one does not matter")
  func parameters() async throws {
    let caller = try await Caller.make()
    let app = caller.world.register(App())
    let code = caller.world.loginCode(app.id, person: "a")
    #expect(try await caller.login(app, code, ["appid": nil, "appId": app.id]).errcode == 41002)
    #expect(try await caller.login(app, code, ["secret": nil, "app_secret": app.secret]).errcode == 41004)
    #expect(try await caller.login(app, code, ["js_code": nil, "code": code]).errcode == 41008)
    #expect(try await caller.login(app, code, ["grant_type": "code"]).errcode == 40002)
    #expect(try await caller.login(app, code, ["secret": "wrong"]).errcode == 40125)
    #expect(try await caller.login(app, code, ["appid": "wx0000"]).errcode == 40013)
    #expect(try await caller.post("sns/jscode2session?appid=\(app.id)", "x=1").errcode == 41002)
    #expect(try await caller.login(app, code, ["extra": "1"]).errcode == nil)
  }

  @Test("an errmsg ends with a rid whose first part is the time")
  func rid() async throws {
    let caller = try await Caller.make()
    let errmsg = try await caller.get("sns/jscode2session")["errmsg"]
    let match = try #require(errmsg.firstMatch(of: /^appid missing,? rid: ([0-9a-f]{8})-[0-9a-f]{8}-[0-9a-f]{8}$/))
    let time = try #require(UInt32(match.output.1, radix: 16))
    #expect(abs(Double(time) - Date().timeIntervalSince1970) < 60)
  }

  @Test("unionid is not there without an Open Platform account, appears with one and changes with another")
  func unionid() async throws {
    let caller = try await Caller.make()
    let app = caller.world.register(App())
    func login() async throws -> Caller.Answer {
      try await caller.login(app, caller.world.loginCode(app.id, person: "alice"))
    }
    let unbound = try await login()
    #expect(unbound.json["unionid"] == nil && !unbound.text.contains("unionid"))
    caller.world.change(app.id) { $0.openPlatformAccount = "one" }
    let bound = try await login()
    caller.world.change(app.id) { $0.openPlatformAccount = "two" }
    let moved = try await login()
    #expect(!bound["unionid"].isEmpty && bound["unionid"] != moved["unionid"])
    #expect(Set([unbound["openid"], bound["openid"], moved["openid"]]).count == 1)
    let sibling = caller.world.register(App(openPlatformAccount: "one"))
    let there = try await caller.login(sibling, caller.world.loginCode(sibling.id, person: "alice"))
    #expect(there["unionid"] == bound["unionid"] && there["openid"] != bound["openid"])
  }

  @Test("a later login replaces the session key; the old one no longer signs")
  func sessionKey() async throws {
    let caller = try await Caller.make()
    let app = caller.world.register(App())
    let first = try await caller.login(app, caller.world.loginCode(app.id, person: "alice"))
    let soon = try await caller.login(app, caller.world.loginCode(app.id, person: "alice"))
    #expect(first["session_key"] == soon["session_key"])
    let token = try await caller.stable(app)["access_token"]
    func check(_ key: String) async throws -> Int? {
      let signature = HMAC<SHA256>.authenticationCode(for: [UInt8](), using: SymmetricKey(data: Array(key.utf8)))
      return try await caller.get(
        "wxa/checksession",
        [
          "access_token": token, "openid": first["openid"], "sig_method": "hmac_sha256",
          "signature": signature.map { String(format: "%02x", $0) }.joined(),
        ]
      ).errcode
    }
    #expect(try await check(first["session_key"]) == 0)
    caller.world.advanceClock(seconds: 3600)
    let later = try await caller.login(app, caller.world.loginCode(app.id, person: "alice"))
    #expect(later["session_key"] != first["session_key"])
    #expect(try await check(first["session_key"]) == 87009)
    #expect(try await check(later["session_key"]) == 0)
  }

  @Test("a blocked person gets 40226, a banned app its errcode, too many logins 45011")
  func refused() async throws {
    let caller = try await Caller.make()
    let app = caller.world.register(App())
    var person = Person(id: "risky")
    person.isBlocked = true
    caller.world.register(person)
    #expect(try await caller.login(app, caller.world.loginCode(app.id, person: "risky")).errcode == 40226)
    caller.world.change(app.id) { $0.loginsPerMinute = 2 }
    var errcodes: [Int?] = []
    for _ in 0..<3 { errcodes.append(try await caller.login(app, caller.world.loginCode(app.id, person: "b")).errcode) }
    #expect(errcodes.contains(45011))
    caller.world.change(app.id) { $0.bannedWith = 50002 }
    #expect(try await caller.login(app, caller.world.loginCode(app.id, person: "c")).errcode == 50002)
  }

  @Test("a phone code is good once, for its own openid, with an app token and the permission")
  func phone() async throws {
    let caller = try await Caller.make()
    let app = caller.world.register(App())
    caller.world.register(Person(id: "bob", phoneNumber: "5551234", countryCode: "1"))
    let token = try await caller.stable(app)["access_token"]
    let path = "wxa/business/getuserphonenumber?access_token=\(token)"
    let code = caller.world.phoneCode(app.id, person: "bob")
    let openid = caller.world.openid("alice", appID: app.id)
    #expect(try await caller.post(path, #"{"code":"\#(code)","openid":"\#(openid)"}"#).errcode == 40003)
    let told = try await caller.post(path, #"{"code":"\#(code)"}"#)
    let info = told.json["phone_info"]?.object
    #expect(info?["phoneNumber"]?.string == "+15551234" && info?["purePhoneNumber"]?.string == "5551234")
    #expect(info?["countryCode"]?.string == "1")
    #expect(info?["watermark"]?.object?["appid"]?.string == app.id)
    #expect(try await caller.post(path, #"{"code":"\#(code)"}"#).errcode == 40029)
    #expect(try await caller.post(path, "not json").errcode == 47001)
    #expect(try await caller.post(path, "").errcode == 44002)
    #expect(try await caller.get(path).errcode == 43002)
    let login = caller.world.loginCode(app.id, person: "bob")
    #expect(try await caller.post(path, #"{"code":"\#(login)"}"#).errcode == 40029)
    caller.world.change(app.id) { $0.mayReadPhoneNumbers = false }
    #expect(try await caller.post(path, #"{"code":"x"}"#).errcode == 48001)
    #expect(try await caller.post("wxa/business/getuserphonenumber?access_token=x", "{}").errcode == 40014)
  }
}
