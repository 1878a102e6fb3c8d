import JSON
import Simulator
import Testing

/// Phone numbers (WeChat: getPhoneNumber).
@Suite("Phone numbers")
struct PhoneTests {
  @Test("a phone code gives the number once, within five minutes, to its app and person")
  func once() async throws {
    try await TestWeChat.run { wechat async throws in
      let (app, other) = (wechat.world.register(App()), wechat.world.register(App()))
      try await wechat.control("POST", "clock", #"{"set":1800000000}"#)
      let token = try await wechat.stableToken(app).text("access_token")
      let foreign = try await wechat.stableToken(other).text("access_token")
      let code = wechat.world.phoneCode(app.id, person: "a")
      #expect(try await wechat.phone(foreign, code).errcode == 40029)
      #expect(try await wechat.phone(token, code, openid: wechat.world.openid("b", appID: app.id)).errcode == 40003)
      try await wechat.control("POST", "clock", #"{"advance_seconds":100}"#)
      let answer = try await wechat.phone(token, code, openid: wechat.world.openid("a", appID: app.id))
      let info = answer["phone_info"]?.object
      #expect(answer.errcode == 0 && answer.text("errmsg") == "ok")
      #expect(info?["countryCode"]?.string == "86")
      #expect(info?["phoneNumber"] == info?["purePhoneNumber"])
      #expect(info?["watermark"]?.object?["appid"]?.string == app.id)
      #expect(info?["watermark"]?.object?["timestamp"]?.integer == 1_800_000_000)
      #expect(try await wechat.phone(token, code).errcode == 40029)
      let late = wechat.world.phoneCode(app.id, person: "a")
      try await wechat.control("POST", "clock", #"{"advance_seconds":301}"#)
      #expect(try await wechat.phone(token, late).errcode == 40029)
      #expect(try await wechat.phone(token, wechat.world.loginCode(app.id, person: "a")).errcode == 40029)
      #expect(try await wechat.post("wxa/business/getuserphonenumber?access_token=\(token)", "{}").errcode == 41008)
    }
  }

  @Test("a foreign number carries its prefix; countryCode can be a number")
  func foreign() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App())
      let token = try await wechat.stableToken(app).text("access_token")
      try await wechat.control("POST", "users", #"{"id":"f","phone_number":"15112345678","country_code":"49"}"#)
      let info = try await wechat.phone(token, wechat.world.phoneCode(app.id, person: "f"))["phone_info"]?.object
      #expect(info?["phoneNumber"]?.string == "+4915112345678")
      #expect(info?["purePhoneNumber"]?.string == "15112345678")
      try await wechat.control("PATCH", "switches", #"{"country_code_is_number":true}"#)
      let odd = try await wechat.phone(token, wechat.world.phoneCode(app.id, person: "f"))["phone_info"]?.object
      #expect(odd?["countryCode"]?.integer == 49)
    }
  }

  @Test("an app without the permission gets 48001")
  func permission() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App())
      let token = try await wechat.stableToken(app).text("access_token")
      try await wechat.control("PATCH", "apps/\(app.id)", #"{"phone_permission":false}"#)
      #expect(try await wechat.phone(token, wechat.world.phoneCode(app.id, person: "a")).errcode == 48001)
    }
  }
}
