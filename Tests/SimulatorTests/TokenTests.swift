import Foundation
import JSON
import Simulator
import Testing

/// Section 3: the two families of app tokens.
@Suite struct AppTokenTests {
  private func legacy(_ caller: Caller, _ app: App) async throws -> Caller.Answer {
    try await caller.get(
      "cgi-bin/token", ["grant_type": "client_credential", "appid": app.id, "secret": app.secret])
  }

  /// 48001 says that the token was accepted.
  private func use(_ caller: Caller, _ token: String) async throws -> Int? {
    try await caller.post("wxa/business/getuserphonenumber?access_token=\(token)", "{}").errcode
  }

  private func app(_ caller: Caller) -> App {
    var app = App()
    app.mayReadPhoneNumbers = false
    return caller.world.register(app)
  }

  @Test("cgi-bin/token makes a new one each time; the one before lives five minutes more")
  func legacyFamily() async throws {
    let caller = try await Caller.make()
    let app = app(caller)
    let first = try await legacy(caller, app)
    let second = try await legacy(caller, app)
    #expect(first["access_token"] != second["access_token"] && first.json["expires_in"]?.integer == 7200)
    #expect(try await use(caller, first["access_token"]) == 48001)
    caller.world.advanceClock(seconds: 301)
    #expect(try await use(caller, first["access_token"]) == 40001)
    #expect(try await use(caller, second["access_token"]) == 48001)
    caller.world.advanceClock(seconds: 7200)
    #expect(try await use(caller, second["access_token"]) == 42001)
  }

  @Test("stable_token gives the same one with less and less to live, and a new one in its last five minutes")
  func stableFamily() async throws {
    let caller = try await Caller.make()
    let app = app(caller)
    let first = try await caller.stable(app)
    caller.world.advanceClock(seconds: 6000)
    let same = try await caller.stable(app)
    #expect(first["access_token"] == same["access_token"])
    #expect((1190...1200).contains(same.json["expires_in"]?.integer ?? 0))
    caller.world.advanceClock(seconds: 950)
    let next = try await caller.stable(app)
    #expect(next["access_token"] != first["access_token"])
    #expect(try await use(caller, first["access_token"]) == 48001)
    // The families do not touch each other.
    let other = try await legacy(caller, app)
    #expect(try await use(caller, next["access_token"]) == 48001)
    #expect(try await use(caller, other["access_token"]) == 48001)
  }

  @Test("a force kills the old token, does nothing within 30 s, and is there twenty times a day")
  func force() async throws {
    let caller = try await Caller.make()
    let app = app(caller)
    let first = try await caller.stable(app)["access_token"]
    let forced = try await caller.stable(app, force: true)["access_token"]
    #expect(forced != first)
    #expect(try await use(caller, first) == 40001)
    #expect(try await caller.stable(app, force: true)["access_token"] == forced)
    var last: Caller.Answer?
    for _ in 0..<20 {
      caller.world.advanceClock(seconds: 31)
      last = try await caller.stable(app, force: true)
    }
    #expect(last?.errcode == 45009)
  }

  @Test("what is wrong is told in WeChat's order: address, parameters, grant, app, secret, freeze, confirmation, ban")
  func order() async throws {
    let caller = try await Caller.make()
    let app = app(caller)
    caller.world.change(app.id) { app in
      (app.ipWhitelist, app.isSecretFrozen) = (["192.0.2.1"], true)
      (app.confirmation, app.bannedWith) = (.pending, 50007)
    }
    let path = "cgi-bin/stable_token"
    let address = try await caller.post(path, #"{"appid":"\#(app.id)"}"#)
    #expect(address.errcode == 40164)
    #expect(address["errmsg"].contains("invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist"))
    caller.world.change(app.id) { $0.ipWhitelist = [] }
    #expect(try await caller.post(path, #"{"secret":"x"}"#).errcode == 41002)
    #expect(try await caller.post(path, #"{"appid":"\#(app.id)"}"#).errcode == 41004)
    #expect(try await caller.post(path, #"{"appid":"\#(app.id)","secret":"x"}"#).errcode == 40002)
    #expect(try await caller.post(path, "appid=\(app.id)", type: "application/x-www-form-urlencoded").errcode == 41002)
    #expect(try await caller.get(path).errcode == 43002)
    #expect(try await caller.stable(App()).errcode == 40013)
    #expect(try await caller.stable(app, secret: "wrong").errcode == 40125)
    caller.world.change(app.id) { $0.wrongSecretErrcode = 40001 }
    #expect(try await caller.stable(app, secret: "wrong").errcode == 40001)
    #expect(try await caller.stable(app).errcode == 40243)
    caller.world.change(app.id) { $0.isSecretFrozen = false }
    for (confirmation, errcode) in [(App.Confirmation.pending, 89503), (.refusedOnce, 89507), (.refusedTwice, 89506)] {
      caller.world.change(app.id) { $0.confirmation = confirmation }
      #expect(try await caller.stable(app).errcode == errcode)
    }
    caller.world.change(app.id) { $0.confirmation = .notNeeded }
    #expect(try await caller.stable(app).errcode == 50007)
    caller.world.change(app.id) { $0.bannedWith = nil }
    #expect(try await caller.stable(app).errcode == nil)
  }

  @Test("beyond its calls a minute an app gets 45011, and in the next minute it goes on")
  func limits() async throws {
    let caller = try await Caller.make()
    let app = app(caller)
    caller.world.change(app.id) { $0.callsPerMinute["cgi-bin/stable_token"] = 3 }
    var errcodes: [Int?] = []
    for _ in 0..<5 { errcodes.append(try await caller.stable(app).errcode) }
    #expect(errcodes.contains(45011) && errcodes.first == .some(nil))
    caller.world.advanceClock(seconds: 61)
    #expect(try await caller.stable(app).errcode == nil)
  }
}
