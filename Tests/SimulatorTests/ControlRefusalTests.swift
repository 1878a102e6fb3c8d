import JSON
import Simulator
import Testing

/// The control API.
@Suite("The control API")
struct ControlRefusalTests {
  @Test("unknown fields, wrong types and unknown choices are refused by name")
  func refusals() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App())
      for (method, path, body, word) in [
        ("POST", "apps", #"{"colour":"red"}"#, "colour"), ("POST", "apps", #"{"kind":"pigeon"}"#, "miniapp"),
        ("POST", "apps", #"{"appid":"no spaces"}"#, "letters"), ("POST", "apps", #"{"ip_whitelist":[1]}"#, "strings"),
        ("PATCH", "apps/\(app.id)", #"{"confirmation":"maybe"}"#, "refused_once"),
        ("POST", "users", #"{"blocked":"yes"}"#, "true or false"),
        ("POST", "codes", #"{"appid":"\#(app.id)","user":"a","kind":"oauth"}"#, "miniapp"),
        ("POST", "codes", #"{"appid":"\#(app.id)","user":"a","count":0}"#, "10000"),
        ("POST", "clock", #"{"set":"now"}"#, "whole number"),
        ("POST", "faults", #"{"endpoint":"sns/nothing","kind":"cut"}"#, "sns/userinfo"),
        ("POST", "faults", #"{"endpoint":"sns/auth","kind":"rain"}"#, "hang_after"),
        ("PATCH", "switches", #"{"content_type":"jpeg"}"#, "mixed"),
        ("PATCH", "apps/\(app.id)", #"{"calls_per_day":{"sns/auth":1}}"#, "sns/userinfo"),
        ("POST", "pushes", #"{"appid":"x"}"#, "encoding_aes_key"),
      ] {
        let answer = try await wechat.control(method, path, body)
        #expect(answer.status == 422 && answer.text("error").contains(word), "\(path) \(body): \(answer.text)")
      }
      #expect(try await wechat.control("POST", "apps", "[1]").status == 400)
      #expect(try await wechat.control("PATCH", "apps/wx00").status == 404)
      #expect(try await wechat.control("POST", "codes", #"{"appid":"wx00","user":"a"}"#).status == 404)
      #expect(try await wechat.control("GET", "users/nobody").status == 404)
    }
  }

  @Test("an app can be made, listed and changed; a new secret is in force at once")
  func apps() async throws {
    try await TestWeChat.run { wechat async throws in
      let made = try await wechat.control("POST", "apps", #"{"kind":"miniapp","open_platform_account":"one"}"#)
      #expect(made.status == 201 && made.text("appid").contains(/^wx[0-9a-f]{16}$/))
      #expect(made.text("secret").contains(/^[0-9a-f]{32}$/))
      let app = App(id: made.text("appid"), secret: made.text("secret"))
      #expect(try await wechat.legacyToken(app).errcode == nil)
      try await wechat.control("PATCH", "apps/\(app.id)", #"{"secret":"new"}"#)
      #expect(try await wechat.legacyToken(app).errcode == 40125)
      #expect(try await wechat.legacyToken(App(id: app.id, secret: "new")).errcode == nil)
      let items = try await wechat.control("GET", "apps")["items"]?.array
      #expect(items?.first?.object?["open_platform_account"]?.string == "one")
    }
  }

  @Test("counters tell endpoint, app and errcode; the clock can be set, moved and set free; reset forgets all")
  func world() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App())
      for _ in 0..<3 { _ = try await wechat.code2Session(app, "nonsense") }
      let counters = try await wechat.control("GET", "counters")["items"]?.array?.first?.object
      #expect(counters?["endpoint"]?.string == "sns/jscode2session" && counters?["appid"]?.string == app.id)
      #expect(counters?["errcode"]?.integer == 40029 && counters?["count"]?.integer == 3)
      #expect(try await wechat.control("DELETE", "counters").status == 204)
      #expect(wechat.world.count() == 0)
      let moved = try await wechat.control("POST", "clock", #"{"set":1800000000,"advance_seconds":-50}"#)
      #expect(moved["now"]?.integer == 1_799_999_950)
      let free = try await wechat.control("POST", "clock", #"{"real":true}"#)["now"]?.integer
      #expect(free != 1_799_999_950)
      #expect(try await wechat.control("POST", "reset").status == 204)
      #expect(try await wechat.control("GET", "apps")["items"]?.array?.isEmpty == true)
    }
  }

  @Test("a seed registers apps and people, and says what is wrong with it")
  func seed() throws {
    let server = SimulatorServer(port: 0, logger: .init(label: "seed"))
    try server.seed(
      Array(#"{"apps":[{"appid":"wxseed","secret":"s"}],"users":[{"id":"alice","nickname":"A"}]}"#.utf8))
    #expect(server.world.loginCode("wxseed", person: "alice") != "unknown-app")
    #expect(throws: SimulatorServer.SeedError.self) { try server.seed(Array(#"{"apps":[{"x":1}]}"#.utf8)) }
    #expect(throws: SimulatorServer.SeedError.self) { try server.seed(Array("nonsense".utf8)) }
  }
}
