import Foundation

extension TestRelyingParty {
  /// The account page, or the sign-in page before it.
  func account(_ browser: TestBrowser) async throws -> TestServer.Answer {
    try await browser.follow(browser.get("\(issuerPath)/account"))
  }

  /// A browser that is signed in.
  func accountBrowser() async throws -> TestBrowser {
    let browser = TestBrowser(server)
    let back = try await browser.follow(browser.signIn(try await account(browser), username, Self.password))
    guard back.marker == "account" else { throw TestFailure(description: "not signed in: \(back.text)") }
    return browser
  }

  /// Sends a form of the account page with the token of the page, or another one.
  func change(
    _ browser: TestBrowser, token: String? = nil, _ fields: [(String, String)]
  ) async throws -> TestServer.Answer {
    let given = if let token { token } else { try await account(browser).input("csrf") }
    return try await SignInGate.shared.pass {
      try await browser.post("\(issuerPath)/account", [("csrf", given)] + fields)
    }
  }

  /// Makes every sign-in of the user this much older.
  func age(minutes: Int) async throws {
    try await server.database.administer(
      """
      UPDATE sessions SET auth_time = auth_time - interval '\(minutes) minutes'
      WHERE tenant_id = '\(tenant.id)' AND user_id = '\(userID)'
      """)
  }
}
