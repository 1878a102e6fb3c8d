import Foundation
import Simulator
import TestSupport
import Testing

/// What a miniapp is told when WeChat has troubles, over HTTP (the table of contract section 8), with a WeChat of its own.
@Suite struct MiniappTroubleTests {
  @Test("each of WeChat's troubles has its status and code, in both forms")
  func troubles() async throws {
    let server = try await TestServer.start(on: TestDatabase.shared(), refreshesTokens: false)
    let cases: [(fault: Fault, status: Int, code: String, errcode: Int?)] = [
      (Fault(.errcode, times: 1, errcode: 45011), 429, "rate_limited", 45011),
      (Fault(.errcode, times: 1, errcode: 45009), 429, "rate_limited", 45009),
      (Fault(.errcode, times: 1, errcode: -1), 503, "wechat_unavailable", -1),
      (Fault(.badGateway, times: 1), 503, "wechat_unavailable", nil),
      (Fault(.wrongJSON, times: 1), 503, "wechat_unavailable", nil),
      (Fault(.hangBefore, times: 1, delay: 10_000), 503, "wechat_unavailable", nil),
      (Fault(.errcode, times: 1, errcode: 99_999), 502, "wechat_error", 99_999),
      (Fault(.errcode, times: 1, errcode: 48001), 502, "wechat_credentials_rejected", 48001),
    ]
    for (fault, status, code, errcode) in cases {
      // A client of its own for each, so that no circuit breaker has seen the one before.
      let miniapp = try await TestMiniapp.make(on: server)
      server.wechat.inject(fault, at: "sns/jscode2session")
      let begun = ContinuousClock.now
      let answer = try await miniapp.profile("bob")
      #expect(answer.status == status, "\(fault.kind) \(fault.errcode): \(answer.text)")
      #expect(answer.text("code") == code)
      #expect(answer["wechat_errcode"]?.integer == errcode)
      #expect(!answer.text("detail").isEmpty && !answer.text("detail_zh").isEmpty)
      #expect(answer.headers["retry-after"] != nil || ![429, 503].contains(status))
      #expect(ContinuousClock.now - begun < .seconds(6))
      server.wechat.clearFaults()
      server.wechat.inject(Fault(fault.kind, times: 1, errcode: fault.errcode, delay: 4000), at: "sns/jscode2session")
      let six = try await miniapp.sixProfile(code: miniapp.loginCode("bob"))
      #expect(six.status == status && six.sixCode == code, "\(fault.kind) \(fault.errcode): \(six.text)")
      server.wechat.clearFaults()
    }
  }

  @Test("a superseded app token is replaced once, and the phone step goes on")
  func supersededToken() async throws {
    let server = try await TestServer.start(on: TestDatabase.separate())
    let miniapp = try await TestMiniapp.make(on: server)
    server.wechat.register(Person(id: "cara", phoneNumber: "13900006666"))
    let phone = "wxa/business/getuserphonenumber"
    // The first call with the current token tells that it works.
    let ticket = try await miniapp.profile("cara").text("bind_ticket")
    server.wechat.inject(Fault(.errcode, times: 1, errcode: 40001), at: phone)
    server.wechat.expireTokens(miniapp.app.id)
    let bound = try await miniapp.bind(ticket: ticket, ", \"phone_code\": \"\(miniapp.phoneCode("cara"))\"")
    #expect(bound.status == 201, "\(bound.text)")
    #expect(bound["user"]?.object?["phone_number"]?.string == "+8613900006666")
    #expect(server.wechat.count(endpoint: phone, appID: miniapp.app.id) <= 2)
  }

  @Test("a bind ticket and a federateCode live for ten minutes")
  func tenMinutes() async throws {
    let miniapp = try await TestMiniapp.make()
    let database = miniapp.server.database
    let ticket = try await miniapp.profile("dan").text("bind_ticket")
    _ = try await miniapp.register("eve")
    let code = try #require(
      try await miniapp.sixProfile(code: miniapp.loginCode("eve")).federateIdentity?["federateCode"]?.string)
    func redeem(_ code: String) async throws -> Int {
      let grant = "urn:ietf:params:oauth:grant-type:federation:six-wechat-miniapp"
      return try await miniapp.server.send(
        "POST", "/t/\(miniapp.tenant.slug)/oauth2/token", "grant_type=\(grant)&assertion=\(code)",
        headers: [("Content-Type", "application/x-www-form-urlencoded")]
      ).status
    }
    func age(_ interval: String) async throws {
      try await database.administer(
        """
        UPDATE federation_transactions SET expires_at = expires_at - interval '\(interval)'
        WHERE tenant_id = '\(miniapp.tenant.id)' AND used_at IS NULL
        """)
    }
    try await age("10 minutes")
    let late = try await miniapp.bind(ticket: ticket)
    #expect(late.status == 400 && late.text("code") == "bind_ticket_invalid")
    #expect(try await redeem(code) == 400)
    try await age("-30 seconds")
    #expect(try await miniapp.bind(ticket: ticket).status == 201)
    #expect(try await redeem(code) == 200)
  }
}
