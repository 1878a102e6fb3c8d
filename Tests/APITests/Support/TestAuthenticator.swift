import Foundation
import Identity

/// An authenticator app.
struct TestAuthenticator: Sendable {
  let secret: [UInt8]

  /// The key of an enrolment page.
  init(_ page: TestServer.Answer) throws {
    guard let begin = page.text.range(of: "<code>"),
      let end = page.text.range(of: "</code>", range: begin.upperBound..<page.text.endIndex)
    else { throw TestFailure(description: "no key: \(page.text)") }
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
    let bits = page.text[begin.upperBound..<end.lowerBound].filter { $0 != " " }.flatMap { character -> [Int] in
      let value = alphabet.firstIndex(of: character) ?? 0
      return (0..<5).reversed().map { value >> $0 & 1 }
    }
    secret = stride(from: 0, to: bits.count - 7, by: 8).map { start in
      bits[start..<start + 8].reduce(UInt8(0)) { $0 << 1 | UInt8($1) }
    }
  }

  /// The code of now, or of so many steps later.
  func code(_ later: Int = 0) -> String { TOTP.code(secret, step: TOTP.step(at: Date()) + later) }

  /// A code that is none of now.
  var wrong: String {
    let right = Set((-3...3).map { code($0) })
    return ["000000", "111111", "222222", "333333", "444444", "555555", "666666", "777777"].first {
      !right.contains($0)
    }
      ?? "888888"
  }
}

extension TestRelyingParty {
  /// Enrols on the account page; gives the authenticator, with no code of it used, and the backup codes.
  func enrol(_ browser: TestBrowser) async throws -> (app: TestAuthenticator, codes: [String]) {
    let page = try await change(browser, [("operation", "mfa_begin")])
    let app = try TestAuthenticator(page)
    let done = try await change(browser, [("operation", "mfa_confirm"), ("code", app.code())])
    guard done.marker == "backup-codes" else { throw TestFailure(description: "not enrolled: \(done.text)") }
    try await forgetSteps()
    return (app, done.backupCodes)
  }

  /// As if time had passed: the codes of now were not used.
  func forgetSteps() async throws {
    try await server.database.administer(
      "UPDATE totp_authenticators SET last_step = NULL WHERE tenant_id = '\(tenant.id)'")
  }

  /// The first factor, to whatever follows.
  func firstFactor(_ browser: TestBrowser, _ changes: [String: String] = [:]) async throws -> TestServer.Answer {
    try await signIn(browser, changes)
  }

  /// Sends a code to a page of the second factor.
  func second(_ browser: TestBrowser, _ page: TestServer.Answer, _ code: String) async throws -> TestServer.Answer {
    try await browser.follow(
      browser.post(page.formAction, [("interaction", page.input("interaction")), ("code", code)]))
  }
}

extension TestServer.Answer {
  /// The codes that a page of backup codes shows.
  var backupCodes: [String] {
    text.components(separatedBy: "<li><code>").dropFirst().map { String($0.prefix { $0 != "<" }) }
  }

  /// Where the page's only link that goes on leads.
  var continueURL: String {
    guard let range = text.range(of: "<a class=\"button\" href=\"") else { return "" }
    return String(text[range.upperBound...].prefix { $0 != "\"" })
  }
}
