import Foundation
import JSON
import Simulator
import Testing

/// Web and native OAuth behind the pages (WeChat: website login, web authorisation).
@Suite("Grants")
struct GrantTests {
  @Test("a code gives tokens once, with scope, and unionid where the app may have it")
  func exchange() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App(kind: .web, openPlatformAccount: "one"))
      let code = try await wechat.oauthCode(app, "a")
      let tokens = try await wechat.exchange(app, code)
      #expect(tokens.text("scope") == "snsapi_login" && tokens["expires_in"]?.integer == 7200)
      #expect(!tokens.text("unionid").isEmpty && tokens["is_snapshotuser"] == nil)
      #expect(try await wechat.exchange(app, code).errcode == 40163)
      #expect(try await wechat.exchange(app, "nonsense").errcode == 40029)
      let official = wechat.world.register(App(kind: .officialAccount, openPlatformAccount: "one"))
      let base = try await wechat.exchange(
        official, try await wechat.oauthCode(official, "a", #","scope":"snsapi_base""#))
      #expect(base["unionid"] == nil && base.text("scope") == "snsapi_base")
      #expect(try await wechat.userinfo(base).errcode == 48001)
    }
  }

  @Test("userinfo escapes slashes, withholds sex and region, and knows the token's person only")
  func userinfo() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App(kind: .web))
      try await wechat.control("POST", "users", #"{"id":"a","nickname":"小明 🐼","avatar_url":"https://a.example/1"}"#)
      let tokens = try await wechat.exchange(app, try await wechat.oauthCode(app, "a"))
      let info = try await wechat.userinfo(tokens)
      #expect(info.text.contains(#""headimgurl":"https:\/\/a.example\/1""#) && info.text.contains(#""privilege":[]"#))
      #expect(info.text("nickname") == "小明 🐼" && info["sex"]?.integer == 0 && info.text("city") == "")
      try await wechat.control("PATCH", "apps/\(app.id)", #"{"region_form":"absent"}"#)
      #expect(try await wechat.userinfo(tokens)["sex"] == nil)
      func errcode(_ path: String, _ token: String, _ openid: String) async throws -> Int? {
        try await wechat.get(path, ["access_token": token, "openid": openid]).errcode
      }
      let (token, openid) = (tokens.text("access_token"), tokens.text("openid"))
      for path in ["sns/userinfo", "sns/auth"] {
        #expect(try await errcode(path, "", openid) == 41001)
        #expect(try await errcode(path, token, "") == 41009)
        #expect(try await errcode(path, "nonsense", openid) == 40001)
        #expect(try await errcode(path, token, wechat.world.openid("b", appID: app.id)) == 40003)
      }
      #expect(try await errcode("sns/auth", token, openid) == 0)
      wechat.world.advanceClock(seconds: 7201)
      #expect(try await errcode("sns/auth", token, openid) == 42001)
    }
  }

  @Test("a refresh keeps a living token, replaces an expired one, and ends after 30 days whatever was renewed")
  func refresh() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App(kind: .mobile))
      let tokens = try await wechat.exchange(app, try await wechat.oauthCode(app, "a"))
      #expect(tokens.text("scope") == "snsapi_userinfo")
      let refreshToken = tokens.text("refresh_token")
      wechat.world.advanceClock(seconds: 7000)
      let same = try await wechat.refresh(app, refreshToken)
      #expect(same.text("access_token") == tokens.text("access_token") && same["unionid"] == nil)
      wechat.world.advanceClock(seconds: 7000)
      #expect(try await wechat.userinfo(same).errcode == nil)
      wechat.world.advanceClock(seconds: 7000)
      let new = try await wechat.refresh(app, refreshToken)
      #expect(new.text("access_token") != tokens.text("access_token"))
      #expect(try await wechat.userinfo(tokens).errcode == 40001)
      wechat.world.advanceClock(seconds: 30 * 86_400)
      #expect(try await wechat.refresh(app, refreshToken).errcode == 42002)
      #expect(try await wechat.refresh(app, "nonsense").errcode == 40030)
      #expect(try await wechat.refresh(app, "").errcode == 41003)
      #expect(try await wechat.refresh(App(), refreshToken).errcode == 40013)
      let other = wechat.world.register(App(kind: .mobile))
      #expect(try await wechat.refresh(other, refreshToken).errcode == 40030)
    }
  }

  @Test("a changed password ends all grants with 42007")
  func password() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App(kind: .web))
      let tokens = try await wechat.exchange(app, try await wechat.oauthCode(app, "a"))
      try await wechat.control("POST", "users/a/change-password")
      #expect(try await wechat.refresh(app, tokens.text("refresh_token")).errcode == 42007)
      #expect(try await wechat.userinfo(tokens).errcode == 42001)
      let again = try await wechat.exchange(app, try await wechat.oauthCode(app, "a"))
      #expect(try await wechat.userinfo(again).errcode == nil)
    }
  }

  @Test("a snapshot page gives a virtual person each time, who has no userinfo")
  func snapshot() async throws {
    try await TestWeChat.run { wechat async throws in
      let app = wechat.world.register(App(kind: .officialAccount))
      var openids: Set<String> = [wechat.world.openid("a", appID: app.id)]
      for _ in 0..<2 {
        let tokens = try await wechat.exchange(app, try await wechat.oauthCode(app, "a", #","snapshot":true"#))
        #expect(tokens["is_snapshotuser"]?.integer == 1)
        #expect(openids.insert(tokens.text("openid")).inserted)
        #expect(try await wechat.userinfo(tokens).errcode == 48001)
      }
    }
  }
}
