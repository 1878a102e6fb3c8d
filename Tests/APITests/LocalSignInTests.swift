import Foundation
import Observability
import Tenancy
import Testing

@testable import Identity

/// One after the other: a hash is slow on purpose, and without optimisation ten times as slow.
@Suite("sign-in by password", .serialized)
struct LocalSignInTests {
  @Test("a user signs in by username, address or phone number, however spelled")
  func spellings() async throws {
    let directory = try await Directory.make()
    for name in [" aLICE ", "ALICE@Acme.Example", "+86 138-1234-5678", "13812345678"] {
      let signedIn = try await directory.signIn(name, "correct horse")
      #expect(signedIn.user.description == directory.user)
      #expect(signedIn.amr == ["pwd"])
    }
  }

  @Test("a wrong password, an unknown name, a disabled user and one without password are refused alike")
  func alike() async throws {
    let directory = try await Directory.make()
    _ = try await directory.tenant.user(of: directory.application, #""username":"empty""#)
    _ = try await directory.tenant.user(
      of: directory.application, #""username":"gone","password":"correct horse","status":"disabled""#)
    for (name, password) in [
      ("alice", "wrong horse"), ("nobody", "correct horse"), ("gone", "correct horse"), ("empty", ""), ("empty", "x"),
      ("", "correct horse"), ("a\u{0}lice", "correct horse"),
    ] {
      let refusal = await directory.refusal(name, password)
      guard case .wrongCredentials = refusal else {
        Issue.record("\(name): \(String(describing: refusal))")
        continue
      }
    }
  }

  @Test("a user of another directory of the tenant is not found")
  func otherDirectory() async throws {
    let directory = try await Directory.make()
    let other = try await directory.tenant.application()
    let refusal = await directory.refusal("alice", "correct horse", application: other)
    guard case .wrongCredentials = refusal else {
      Issue.record("\(String(describing: refusal))")
      return
    }
  }

  @Test("the tenth wrong password in a row locks the account under every name, and the right one is not looked at")
  func lock() async throws {
    let directory = try await Directory.make()
    for name in ["alice", "ALICE@acme.example", "13812345678"] { _ = await directory.refusal(name, "wrong horse") }
    #expect(try await directory.tries("user:\(directory.user)") == "3")
    try await directory.setTries(9)
    let last = await directory.refusal("alice", "wrong horse")
    guard case .wrongCredentials = last else {
      Issue.record("\(String(describing: last))")
      return
    }
    for name in ["alice", "alice@acme.example", "+8613812345678"] {
      let refusal = await directory.refusal(name, "correct horse")
      guard case .locked(let seconds) = refusal else {
        Issue.record("\(name): \(String(describing: refusal))")
        continue
      }
      #expect((1...30).contains(seconds))
    }
    let events = try await directory.tenant.server.database.administer(
      "SELECT action FROM audit_events WHERE target_id = '\(directory.user)' AND action = 'user.locked'")
    #expect(events.count == 1)
  }

  @Test("a name that nobody has is locked like one that somebody has, and is not stored as typed")
  func unknownName() async throws {
    let directory = try await Directory.make()
    _ = await directory.refusal("My Secret Typed Here", "wrong horse")
    try await directory.setTries(9)
    _ = await directory.refusal("my secret typed here", "wrong horse")
    let refusal = await directory.refusal("My secret typed here", "wrong horse")
    guard case .locked(let seconds) = refusal else {
      Issue.record("\(String(describing: refusal))")
      return
    }
    #expect((1...30).contains(seconds))
    let accounts = try await directory.tenant.server.database.administer(
      "SELECT account FROM password_tries WHERE identity_application_id = '\(directory.application)'")
    #expect(accounts.count == 1)
    #expect(accounts[0][0]?.contains("ecret") == false)
  }

  @Test("after the lock the right password signs in and the count begins anew; a wrong one locks for longer")
  func afterLock() async throws {
    let directory = try await Directory.make()
    _ = await directory.refusal("alice", "wrong horse")
    try await directory.setTries(10, lockedUntil: "now() - interval '1 second'")
    _ = await directory.refusal("alice", "wrong horse")
    guard case .locked(let seconds) = await directory.refusal("alice", "correct horse") else {
      Issue.record("not locked")
      return
    }
    #expect((31...60).contains(seconds))
    try await directory.setTries(11, lockedUntil: "now() - interval '1 second'")
    _ = try await directory.signIn("alice", "correct horse")
    #expect(try await directory.tries("user:\(directory.user)") == nil)
  }

  @Test("when all places are taken a sign-in is refused at once and not counted")
  func busy() async throws {
    let directory = try await Directory.make()
    let workers = PasswordWorkers(threads: 1, waitingPerThread: 1)
    #expect(workers.enter())
    let refusal = await directory.refusal("alice", "correct horse", workers: workers)
    guard case .busy(let seconds) = refusal else {
      Issue.record("\(String(describing: refusal))")
      return
    }
    #expect(seconds > 0)
    #expect(try await directory.tries("user:\(directory.user)") == nil)
    workers.leave()
    _ = try await directory.signIn("alice", "correct horse", workers: workers)
    #expect(workers.enter())
  }

  @Test("a password stored with other parameters is stored anew at the next sign-in")
  func rehash() async throws {
    let directory = try await Directory.make()
    let old = try await PasswordHash.make(Secret("correct horse"), cost: 12, on: .shared)
    let database = directory.tenant.server.database
    _ = try await database.administer(
      "UPDATE users SET password_hash = '\(old)' WHERE id = '\(directory.user)' RETURNING id")
    _ = try await directory.signIn("alice", "correct horse")
    let stored = try await database.administer("SELECT password_hash FROM users WHERE id = '\(directory.user)'")[0][0]
    #expect(stored != old)
    #expect(PasswordHash.isCurrent(stored))
    #expect(await PasswordHash.matches(Secret("correct horse"), stored))
  }
}

/// A tenant with one directory that knows Alice.
private struct Directory {
  let tenant: TestTenant
  let application: String
  let user: String
  let database: TenantDatabase

  private static let hashed = Task { try await PasswordHash.make(Secret("correct horse")) }

  static func make() async throws -> Directory {
    let server = try await TestServer.shared()
    let tenant = try await server.tenant()
    let application = try await tenant.application()
    let user = try await tenant.user(
      of: application,
      """
      "username":"Alice","email":"alice@acme.example","phone_number":"+8613812345678"
      """)
    let hash = try await hashed.value
    _ = try await server.database.administer(
      "UPDATE users SET password_hash = '\(hash)' WHERE id = '\(user)' RETURNING id")
    let all = server.runtime.services.database
    let scope = try await TenantDirectory(database: all).scope(slug: tenant.slug)
    return Directory(tenant: tenant, application: application, user: user, database: all.scoped(to: scope))
  }

  func signIn(
    _ name: String, _ password: String, application: String? = nil, workers: PasswordWorkers = .shared
  ) async throws -> LocalSignIn.SignedIn {
    let id = try #require(ID<IdentityApplication>(application ?? self.application))
    return try await LocalSignIn(workers: workers).signIn(
      name, Secret(password), application: id, in: database, requestID: "r")
  }

  func refusal(
    _ name: String, _ password: String, application: String? = nil, workers: PasswordWorkers = .shared
  ) async -> LocalSignInRefusal? {
    do {
      _ = try await signIn(name, password, application: application, workers: workers)
      return nil
    } catch {
      return error as? LocalSignInRefusal
    }
  }

  func tries(_ account: String) async throws -> String? {
    try await tenant.server.database.administer(
      "SELECT tries FROM password_tries WHERE identity_application_id = '\(application)' AND account = '\(account)'"
    ).first?[0]
  }

  /// Sets the count of every account of the directory, so that a test need not be wrong ten times.
  func setTries(_ count: Int, lockedUntil: String = "NULL") async throws {
    let changed = try await tenant.server.database.administer(
      """
      UPDATE password_tries SET tries = \(count), locked_until = \(lockedUntil)
      WHERE identity_application_id = '\(application)' RETURNING account
      """)
    try #require(changed.count == 1)
  }
}
