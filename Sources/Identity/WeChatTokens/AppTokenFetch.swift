import Federation
import FoundationEssentials
import Jobs
import Observability
import Query
import Secrets
import Tenancy

/// Asks WeChat for the app access token of a client and keeps what it says, under a lease that its caller took.
public struct AppTokenFetch: Sendable {
  /// How a fetch ended.
  enum Outcome: Sendable {
    case stored
    /// WeChat refused or could not be asked; the row says so.
    case failed(ProviderFailure)
    /// The lease is somebody else's, or the client is gone: nothing was written.
    case lost
  }

  /// How long WeChat is left alone after it refused the credentials, in seconds.
  private static let probeInterval = 600.0

  private let provider: any AppTokenProvider
  private let ring: KeyRing

  /// A fetch through `provider`; tokens are sealed with `ring`.
  public init(provider: any AppTokenProvider, ring: KeyRing) {
    self.provider = provider
    self.ring = ring
  }

  /// Fetches with the credentials as they are now.
  /// - Throws: `IdentityFault`.
  func fetch(
    _ client: ID<ThirdPartyAuthzClient>, fence: Int, attempts: Int, in database: TenantDatabase
  ) async throws(IdentityFault) -> Outcome {
    let tenant = database.tenant.id
    let found = try await run(FindAppCredentials(client: client), database)
    guard let found = found.first else { return .lost }
    guard let secret = try? ring.open(found.secretSealed, for: .appSecret(tenant, client)) else {
      throw .sealedValue("third_party_authz_clients.app_secret_sealed of \(client)")
    }
    let credentials = AppCredentials(appID: found.appID, secret: Secret(String(decoding: secret, as: UTF8.self)))
    let token: AppToken
    do {
      token = try await provider.appToken(for: credentials)
    } catch {
      return try await keep(error, client, fence, attempts, database)
    }
    let sealed = ring.seal(Array(token.value.expose().utf8), for: .appToken(tenant, client))
    let store = StoreAppToken(
      client: client, fence: fence, sealed: sealed, lifetime: Double(token.expiresIn.components.seconds))
    return try await run(store, database).isEmpty ? .lost : .stored
  }

  private func keep(
    _ failure: ProviderFailure, _ client: ID<ThirdPartyAuthzClient>, _ fence: Int, _ attempts: Int,
    _ database: TenantDatabase
  ) async throws(IdentityFault) -> Outcome {
    let isRefusal = failure.retry == .admin || failure.retry == .disable
    let pause =
      isRefusal
      ? Self.probeInterval
      : max(Pause.backOff(attempts: attempts), failure.retryAfter.map(Double.init) ?? 0)
    let fail = FailAppToken(
      client: client, fence: fence, reason: failure.errcode.map { "\(failure.code) \($0)" } ?? failure.code,
      isRefusal: isRefusal, error: isRefusal ? failure.credentialError : nil, pause: pause)
    return try await run(fail, database).isEmpty ? .lost : .failed(failure)
  }

  private func run<S: TenantStatement>(
    _ statement: S, _ database: TenantDatabase
  ) async throws(IdentityFault) -> [S.Output] {
    do {
      return try await database.run(statement, repeatable: false)
    } catch {
      throw .database(error)
    }
  }
}
