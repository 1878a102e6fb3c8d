import Testing

@Suite("OpenID provider, guessing")
struct SignInLockTests {
  @Test("after ten wrong passwords the page refuses the right one, and says what it says of an unknown name")
  func lock() async throws {
    let party = try await TestRelyingParty.make()
    let browser = TestBrowser(party.server)
    let page = try await party.authorize(browser)
    for _ in 0..<10 { #expect(try await browser.signIn(page, party.username, "wrong password").status == 401) }
    let locked = try await browser.signIn(page, party.username, TestRelyingParty.password)
    #expect(locked.status == 401 && locked.marker == "login")
    #expect(locked.headers["set-cookie"] == nil)
    let unknown = try await browser.signIn(page, "nobody", TestRelyingParty.password)
    #expect(unknown.text == locked.text.replacing(party.username, with: "nobody"))
    let events = try await party.tenant.send("GET", "audit-events?action=user.locked")
    #expect(events.items.count == 1)
  }
}
