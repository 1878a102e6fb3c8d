import JSON
import Simulator
import TestSupport
import Testing

/// Buttons that are pressed twice and addresses that are opened twice.
@Suite("OpenID provider, everything twice")
struct RepeatedFormTests {
  private static func register(
    _ site: TestWeChatSite, _ browser: TestBrowser, _ page: TestServer.Answer
  ) async throws -> TestServer.Answer {
    try await browser.post("\(site.party.issuer)/wechat/register", [("interaction", page.input("interaction"))])
  }

  @Test(
    "who presses 'create an account' twice, one press after the other, is in both times, as one user in one session")
  func inTurn() async throws {
    let site = try await TestWeChatSite.make("")
    let browser = site.browser()
    let page = try await site.signIn("mei", by: site.web, browser)
    // The browser drops the first answer, with its cookie.
    let lost = try await Self.register(site, browser.copy(), page)
    #expect(lost.status == 303, "\(lost.text)")
    let second = try await Self.register(site, browser, page)
    #expect(second.status == 303 && second.headers["set-cookie"]?.contains("qss_") == true, "\(second.text)")
    let back = try await browser.follow(second)
    let first = try await site.subject(of: back)
    // And once more when everything is done, before the client's page has come.
    let third = try await browser.follow(Self.register(site, browser, page))
    #expect(try await site.subject(of: third) == first, "\(third.text)")
    #expect(third.redirect.parameters["state"] == "s t&a")
    #expect(try await site.rows("federated_identities") == 1)
    #expect(try await site.rows("sessions") == 1)
    // Somebody without that session is told nothing.
    let stranger = try await Self.register(site, site.browser(), page)
    #expect(stranger.status == 400 && stranger.headers["set-cookie"]?.contains("qss_") != true)
  }

  @Test("pressed twice at once it makes one user and one session, and either answer is good")
  func atOnce() async throws {
    let site = try await TestWeChatSite.make("")
    let browser = site.browser()
    let page = try await site.signIn("mei", by: site.web, browser)
    let cookies = browser.cookies.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")
    let form = TestBrowser.form([("interaction", page.input("interaction"))])
    let answers = try await withThrowingTaskGroup(of: TestServer.Answer.self) { group in
      for _ in 0..<4 {
        group.addTask {
          try await site.server.send(
            "POST", "\(site.party.issuerPath)/wechat/register", form,
            headers: [("Cookie", cookies), ("Content-Type", "application/x-www-form-urlencoded")])
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    for answer in answers {
      #expect(answer.status == 303 && answer.headers["set-cookie"]?.contains("qss_") == true, "\(answer.text)")
    }
    #expect(Set(answers.map { $0.headers["set-cookie"] }).count == 1)
    let back = try await browser.follow(Self.register(site, browser, page))
    #expect(back.redirect.parameters["code"] != nil, "\(back.text)")
    #expect(try await site.rows("users", where: "origin = 'shadow'") == 1)
    #expect(try await site.rows("sessions") == 1)
  }
}
