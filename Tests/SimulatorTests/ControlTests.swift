import Foundation
import JSON
import Outbound
import Simulator
import Testing

/// The control API under `/_sim/` and the fault switches.
@Suite struct ControlTests {
  @Test("an app and its codes are made by two calls, and what was called is counted")
  func control() async throws {
    let caller = try await Caller.make()
    let made = try await caller.post("_sim/apps", #"{"kind":"miniapp","open_platform_account":"one"}"#)
    #expect(made.status == 201)
    let codes = try await caller.post("_sim/codes", #"{"appid":"\#(made["appid"])","user":"alice","count":3}"#)
    #expect(codes.json["codes"]?.array?.count == 3)
    let code = codes.json["codes"]?.array?.first?.string ?? ""
    let app = App(id: made["appid"], secret: made["secret"])
    #expect(try await !caller.login(app, code)["unionid"].isEmpty)
    _ = try await caller.login(app, code)
    let counters = try await caller.get("_sim/counters").text
    #expect(counters.contains("sns/jscode2session") && counters.contains("40163"))
    #expect(caller.world.count(endpoint: "sns/jscode2session", appID: app.id) == 2)
    let user = try await caller.get("_sim/users/alice", ["appid": app.id])
    #expect(!user["encryptedData"].isEmpty && !user["signature"].isEmpty)
    #expect((200..<300).contains(try await caller.post("_sim/reset", "{}").status))
    #expect(try await caller.login(app, code).errcode == 40013)
  }

  @Test("what the control API does not know is refused with a sentence that helps")
  func refused() async throws {
    let caller = try await Caller.make()
    for (path, body) in [
      ("_sim/apps", #"{"kind":"website"}"#), ("_sim/apps", #"{"knd":"web"}"#), ("_sim/codes", #"{"appid":"wx1"}"#),
      ("_sim/codes", #"{"appid":"wx1","user":"a"}"#), ("_sim/apps", "[]"),
      ("_sim/faults", #"{"endpoint":"x","kind":"y"}"#),
      ("_sim/pushes", "{}"),
    ] {
      let answer = try await caller.post(path, body)
      #expect((400..<500).contains(answer.status) && answer["error"].count > 10, "\(path) \(body): \(answer.text)")
    }
  }

  @Test("the clock is moved, and codes and tokens age by it")
  func clock() async throws {
    let caller = try await Caller.make()
    let app = caller.world.register(App())
    let code = caller.world.loginCode(app.id, person: "a")
    #expect(try await caller.post("_sim/clock", #"{"advance_seconds":301}"#).status == 200)
    #expect(try await caller.login(app, code).errcode == 40029)
  }

  @Test("each fault does what it says, as often as it says", arguments: Fault.Kind.allCases)
  func faults(kind: Fault.Kind) async throws {
    let caller = try await Caller.make()
    let app = caller.world.register(App(openPlatformAccount: nil))
    let body = #"{"endpoint":"sns/jscode2session","kind":"\#(kind.rawValue)","times":1,"errcode":-1,"delay_ms":300}"#
    #expect(try await caller.post("_sim/faults", body).status == 201)
    let code = caller.world.loginCode(app.id, person: "a")
    let query = "appid=\(app.id)&secret=\(app.secret)&js_code=\(code)&grant_type=authorization_code"
    let begun = ContinuousClock.now
    let answer = try? await caller.send("GET", "sns/jscode2session?\(query)", deadline: .seconds(1))
    let again = try await caller.login(app, code)
    // Whether the work was done tells what a blind retry would get.
    switch kind {
    case .errcode: #expect(answer?.errcode == -1 && again.errcode == nil)
    case .badGateway: #expect(answer?.status == 502 && answer?.text.contains("<html>") == true && again.errcode == nil)
    case .hangBefore: #expect(answer == nil && again.errcode == nil)
    case .hangAfter: #expect(answer == nil && again.errcode == 40163)
    case .delay:
      #expect(answer?.errcode == nil && ContinuousClock.now - begun > .milliseconds(290) && again.errcode == 40163)
    case .wrongJSON: #expect(answer?.json.members.isEmpty == true && again.errcode == 40163)
    case .otherContentType: #expect(answer?.headers["content-type"]?.hasPrefix("application/json") == true)
    case .dirtyStrings: #expect(answer?.errcode == nil && again.errcode == 40163)
    case .oddTypes: #expect(answer?.json["errcode"]?.integer == 0 && again.errcode == 40163)
    case .cut: #expect(answer == nil || answer?.json.members.isEmpty == true)
    }
    #expect(try await caller.login(app, caller.world.loginCode(app.id, person: "b")).errcode == nil)
  }

  @Test("nicknames come with control bytes and broken UTF-8, country codes as numbers")
  func dirt() async throws {
    let caller = try await Caller.make()
    let app = caller.world.register(App(kind: .mobile))
    let code = try await caller.post("_sim/codes", #"{"appid":"\#(app.id)","user":"alice","kind":"oauth"}"#)["code"]
    let token = try await caller.get(
      "sns/oauth2/access_token",
      ["appid": app.id, "secret": app.secret, "code": code, "grant_type": "authorization_code"])
    caller.world.inject(Fault(.dirtyStrings, times: 1), at: "sns/userinfo")
    let dirty = try await caller.get(
      "sns/userinfo", ["access_token": token["access_token"], "openid": token["openid"]])
    #expect(dirty.bytes.contains(0x08) && dirty.bytes.contains(0x14) && dirty.bytes.contains(0xFF))
    let miniapp = caller.world.register(App())
    caller.world.inject(Fault(.oddTypes, times: 1), at: "wxa/business/getuserphonenumber")
    let access = try await caller.stable(miniapp)["access_token"]
    let phone = try await caller.post(
      "wxa/business/getuserphonenumber?access_token=\(access)",
      #"{"code":"\#(caller.world.phoneCode(miniapp.id, person: "alice"))"}"#)
    #expect(phone.text.contains(#""countryCode":86"#))
  }
}
