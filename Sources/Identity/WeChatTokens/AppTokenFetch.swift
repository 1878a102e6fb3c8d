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

  /// How long WeChat is left alone after it refused the credentials, in seconds; longer where it says so itself.
  private static let probeInterval = 600.0

  private let provider: any AppTokenProvider
  private let ring: KeyRing
  private let credentials = TenantGathering<ID<ThirdPartyAuthzClient>, FindAppCredentials.Credentials> {
    clients, database throws(DatabaseError) in
    try await database.run(FindAppCredentials(clients: clients), repeatable: true)
  }
  private let stores = TenantGathering<FetchedAppToken, Void> { tokens, database throws(DatabaseError) in
    try await database.run(StoreAppTokens(tokens: tokens))
  }

  /// A fetch through `provider`; tokens are sealed with `ring`.
  public init(provider: any AppTokenProvider, ring: KeyRing) {
    self.provider = provider
    self.ring = ring
  }

  /// Fetches with the credentials as they are now.
  /// - Parameter author: who asked for it; `nil` for the refresher itself.
  /// - Throws: `IdentityFault`.
  func fetch(
    _ client: ID<ThirdPartyAuthzClient>, fence: Int, attempts: Int, author: Author? = nil, in database: TenantDatabase
  ) async throws(IdentityFault) -> Outcome {
    let tenant = database.tenant.id
    guard let found = try await credentials.outcome(of: client, in: database) else { return .lost }
    guard let secret = try? ring.open(found.secretSealed, for: .appSecret(tenant, client)) else {
      throw .sealedValue("third_party_authz_clients.app_secret_sealed of \(client)")
    }
    let token: AppToken
    do {
      token = try await provider.appToken(
        for: AppCredentials(appID: found.appID, secret: Secret(String(decoding: secret, as: UTF8.self))))
    } catch {
      return try await keep(error, client, fence, attempts, author, database)
    }
    let sealed = ring.seal(Array(token.value.expose().utf8), for: .appToken(tenant, client))
    let fetched = FetchedAppToken(
      client: client, fence: fence, sealed: sealed, lifetime: Int(token.expiresIn.components.seconds),
      author: author)
    return try await stores.outcome(of: fetched, in: database) == nil ? .lost : .stored
  }

  private func keep(
    _ failure: ProviderFailure, _ client: ID<ThirdPartyAuthzClient>, _ fence: Int, _ attempts: Int,
    _ author: Author?, _ database: TenantDatabase
  ) async throws(IdentityFault) -> Outcome {
    let isRefusal = failure.isRefusal
    let pause = max(
      isRefusal ? Self.probeInterval : Pause.backOff(attempts: attempts), failure.retryAfter.map(Double.init) ?? 0)
    let fail = FailAppToken(
      client: client, fence: fence, reason: failure.errcode.map { "\(failure.code) \($0)" } ?? failure.code,
      isRefusal: isRefusal, error: isRefusal ? failure.credentialError : nil, pause: pause,
      author: author)
    do {
      return try await database.run(fail).isEmpty ? .lost : .failed(failure)
    } catch {
      throw .database(error)
    }
  }
}
