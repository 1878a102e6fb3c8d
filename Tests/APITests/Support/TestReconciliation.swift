import EventLoop
import Foundation
import JSON
import Jobs
import Observability
import Outbound
import Secrets
import Simulator
import Tenancy
import TestSupport

@testable import Federation
@testable import Identity
@testable import Runtime

/// A tenant whose people signed in to a website, so that a grant of theirs is stored, and a reconciler as the workers' role.
struct TestReconciliation: Sendable {
  let tenant: TestTenant
  let application: String
  let app: App
  let client: String
  let reconciler: Reconciler

  /// Everything a worker has, as the workers' role.
  private let runtime: Runtime

  private static let worker = Task { try await runtime(for: TestServer.shared()) }

  private static func runtime(for server: TestServer) throws -> Runtime {
    let settings = try Settings([
      "QIAO_DATABASE_URL": server.database.workerURI, "QIAO_LOG_LEVEL": "critical",
      "QIAO_MASTER_KEYS": TestServer.masterKey, "QIAO_WECHAT_API_URL": server.runtime.settings.wechatURL,
    ])
    return Runtime(settings: settings, label: "reconciliation-tests")
  }

  private static let loop = EventLoop(name: "reconciliation-tests")

  static func make(
    on server: TestServer? = nil, label: String? = "open", slice: Duration = .seconds(30),
    provider: @Sendable (any WebProvider) -> any WebProvider = { $0 }
  ) async throws -> TestReconciliation {
    let shared = try await TestServer.shared()
    let tenant = try await (server ?? shared).tenant()
    let application = try await tenant.application()
    let app = tenant.server.wechat.register(App(kind: .web, openPlatformAccount: nil))
    let account = label.map { "\"\($0)\"" } ?? "null"
    let made = try await tenant.send(
      "POST", "third-party-authz-clients",
      """
      {"name": "Site", "identity_application_id": "\(application)", "provider": "wechat_web", "app_id": "\(app.id)",
      "app_secret": "\(app.secret)", "open_platform_account": \(account)}
      """)
    guard let client = made["id"]?.string else { throw TestFailure(description: "no client: \(made.text)") }
    let runtime = if let server { try runtime(for: server) } else { try await worker.value }
    let database = Database(pool: runtime.pool)
    let reconciler = Reconciler(
      database: database, directory: TenantDirectory(database: database), provider: provider(runtime.wechat),
      ring: runtime.settings.masterKeys, slice: slice, now: { Date() })
    return TestReconciliation(
      tenant: tenant, application: application, app: app, client: client, reconciler: reconciler, runtime: runtime)
  }

  var wechat: World { tenant.server.wechat }

  @discardableResult
  func administer(_ sql: String) async throws -> [[String?]] { try await tenant.server.database.administer(sql) }

  /// A user with an identity, as a sign-in on the website leaves them; `change` spoils the stored grant.
  func person(
    _ name: String, fields: String = "", scope: String = "snsapi_login", openid: String? = nil,
    change: (inout OAuthUserToken) -> Void = { _ in }
  ) async throws -> String {
    let user = try await tenant.user(of: application, #""origin":"import"\#(fields)"#)
    let http = HTTPClient(loop: Self.loop)
    let body = #"{"appid":"\#(app.id)","user":"\#(name)","kind":"oauth","scope":"\#(scope)"}"#
    let issued = try await http.send(
      HTTPRequest(
        "POST", Secret("\(runtime.settings.wechatURL)/_sim/codes"), headers: [("Content-Type", "application/json")],
        body: Array(body.utf8)), deadline: .seconds(5))
    let answer = try JSONValue(parsing: issued.body).object
    guard let code = answer?["code"]?.string ?? answer?["codes"]?.array?.first?.string else {
      throw TestFailure(description: "no code: \(String(decoding: issued.body, as: UTF8.self))")
    }
    let signedIn = try await runtime.wechat.exchange(
      code: code, credentials: AppCredentials(appID: app.id, secret: Secret(app.secret)))
    guard var token = signedIn.oauthToken, let tenantID = ID<Tenant>(tenant.id) else {
      throw TestFailure(description: "no grant")
    }
    change(&token)
    let openid = openid ?? signedIn.openid
    let sealed = StoredOAuthToken(token, now: Date()).sealed(
      with: runtime.settings.masterKeys, tenant: tenantID, appID: app.id, openid: openid)
    try await administer(
      """
      INSERT INTO federated_identities (tenant_id, id, identity_application_id, user_id, client_id, app_id, openid,
        oauth_token_sealed, oauth_token_at)
      VALUES ('\(tenant.id)', '\(UUIDv7.make().canonical)', '\(application)', '\(user)', '\(client)', '\(app.id)', '\(openid)',
        '\\x\(sealed.map { String(format: "%02x", $0) }.joined())', now())
      """)
    return user
  }

  /// Identities that nobody can be asked about, each with a user of its own.
  func silent(_ count: Int) async throws {
    try await administer(
      """
      WITH made AS (
        INSERT INTO users (tenant_id, id, identity_application_id, origin)
        SELECT '\(tenant.id)', gen_random_uuid(), '\(application)', 'import' FROM generate_series(1, \(count)) RETURNING id)
      INSERT INTO federated_identities (tenant_id, id, identity_application_id, user_id, app_id, openid)
      SELECT '\(tenant.id)', gen_random_uuid(), '\(application)', id, 'wxsilent', id::text FROM made
      """)
  }

  /// What lets a statement into the tenant.
  func scope() async throws -> TenantScope {
    try await TenantDirectory(database: reconciler.database).scope(slug: tenant.slug)
  }

  /// Queues a run.
  func queue(_ mode: String, user: String? = nil) async throws -> String {
    let only = user.map { #","user_id":"\#($0)""# } ?? ""
    let answer = try await tenant.send(
      "POST", "reconciliations", #"{"identity_application_id":"\#(application)","mode":"\#(mode)"\#(only)}"#)
    guard answer.status == 202, let id = answer["id"]?.string else {
      throw TestFailure(description: "not queued: \(answer.status) \(answer.text)")
    }
    return id
  }

  /// Claims a run of this tenant; what other tests left due on the way is done.
  func claim() async throws -> ReconciliationClaim? {
    while let claim = try await reconciler.claim(Lease(), limit: 1).first {
      if "\(claim.tenant)" == tenant.id { return claim }
      _ = try await reconciler.work(claim)
    }
    return nil
  }

  /// Queues a run, works until it is done, and gives back how it ended.
  func run(_ mode: String, user: String? = nil) async throws -> (run: TestServer.Answer, items: [JSONObject]) {
    let id = try await queue(mode, user: user)
    while let claim = try await claim() { _ = try await reconciler.work(claim) }
    return (
      try await tenant.send("GET", "reconciliations/\(id)"),
      try await tenant.send("GET", "reconciliations/\(id)/items").items
    )
  }

  /// Everything of the tenant that a run could change.
  func dump() async throws -> [[String?]] {
    try await administer(
      """
      SELECT (SELECT string_agg(t::text, '|' ORDER BY t::text) FROM users t WHERE tenant_id = '\(tenant.id)'),
        (SELECT string_agg(t::text, '|' ORDER BY t::text) FROM federated_identities t WHERE tenant_id = '\(tenant.id)'),
        (SELECT string_agg(t::text, '|' ORDER BY t::text) FROM unified_identities t WHERE tenant_id = '\(tenant.id)'),
        (SELECT string_agg(t::text, '|' ORDER BY t::text) FROM sessions t WHERE tenant_id = '\(tenant.id)')
      """)
  }
}
