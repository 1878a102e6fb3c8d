import Federation
import FoundationEssentials
import Observability
import Query
import Secrets
import Tenancy

/// The one place of a client's WeChat app access token: kept in the database, fetched by whoever holds the lease.
///
/// WeChat lets one component own a token; a second one that fetches its own would make the first one's stale. So a server that
/// finds no token takes the lease and fetches one for all, and everybody else waits for what it stores. A slow older answer
/// cannot overwrite a newer token: the store is conditional on the fence of the lease.
public struct AppTokenHub: Sendable {
  /// How long a request waits for another process's refresh.
  private static let patience = Duration.seconds(4)
  /// How long WeChat is left alone after it refused the credentials.
  private static let probeInterval = 600

  private let provider: any AppTokenProvider
  private let ring: KeyRing

  /// A hub that fetches through `provider` and seals with `ring`.
  public init(provider: any AppTokenProvider, ring: KeyRing) {
    self.provider = provider
    self.ring = ring
  }

  /// The current token of `client`, fetched if there is none.
  /// - Parameter rejected: a token that WeChat just refused; the stored one is only replaced while it is still that one.
  /// - Throws: `.provider` when WeChat refuses now, `.credentialFailing` when it did and its pause is not over,
  ///   `.tokenUnavailable` when nobody stored one in time.
  func token(
    of client: FederationClient, insteadOf rejected: Secret<String>? = nil, in database: TenantDatabase
  ) async throws(FederationRefusal) -> Secret<String> {
    let deadline = ContinuousClock.now + Self.patience
    var pause = Duration.milliseconds(20)
    while true {
      let stored = try await database.refusing(FindAppToken(client: client.id)).first
      if let stored, stored.isLive, let token = try opened(stored.sealed, client, in: database),
        token.expose() != rejected?.expose()
      {
        return token
      }
      if stored?.isPaused == true { throw .credentialFailing }
      let claim = ClaimAppToken(client: client.id, owner: UUIDv7.make())
      if let fence = try await database.refusing(claim).first {
        return try await fetch(client, fence: fence, in: database)
      }
      guard ContinuousClock.now < deadline, (try? await Task.sleep(for: pause)) != nil else { throw .tokenUnavailable }
      pause = min(pause * 2, .milliseconds(200))
    }
  }

  /// Asks WeChat with the credentials of `client` now and keeps what it says.
  /// - Returns: the refusal, `nil` when the credentials work.
  public func verify(
    _ client: FederationClient, in database: TenantDatabase
  ) async throws(FederationRefusal) -> ProviderFailure? {
    let claim = ClaimAppToken(client: client.id, owner: UUIDv7.make())
    guard let fence = try await database.refusing(claim).first else { throw .tokenUnavailable }
    do {
      _ = try await fetch(client, fence: fence, in: database)
      return nil
    } catch .provider(let failure) {
      return failure
    }
  }

  private func fetch(
    _ client: FederationClient, fence: Int, in database: TenantDatabase
  ) async throws(FederationRefusal) -> Secret<String> {
    let tenant = database.tenant.id
    guard let secret = try? ring.open(client.appSecretSealed, for: .appSecret(tenant, client.id)) else {
      throw .fault(.sealedValue("third_party_authz_clients.app_secret_sealed of \(client.id)"))
    }
    let credentials = AppCredentials(appID: client.appID, secret: Secret(String(decoding: secret, as: UTF8.self)))
    do {
      let token = try await provider.appToken(for: credentials)
      let sealed = ring.seal(Array(token.value.expose().utf8), for: .appToken(tenant, client.id))
      let store = StoreAppToken(
        client: client.id, fence: fence, sealed: sealed, lifetime: Double(token.expiresIn.components.seconds))
      _ = try await database.refusing(store)
      return token.value
    } catch let failure as ProviderFailure {
      let isRefusal = failure.retry == .admin || failure.retry == .disable
      let fail = FailAppToken(
        client: client.id, fence: fence, reason: failure.code, isRefusal: isRefusal,
        error: isRefusal ? Self.credentialError(failure) : nil,
        pause: isRefusal ? Self.probeInterval : 0)
      _ = try await database.refusing(fail)
      throw .provider(failure)
    } catch let refusal as FederationRefusal {
      throw refusal
    } catch {
      throw .fault(.cryptography("app token"))
    }
  }

  private func opened(
    _ sealed: [UInt8]?, _ client: FederationClient, in database: TenantDatabase
  ) throws(FederationRefusal) -> Secret<String>? {
    guard let sealed else { return nil }
    do {
      let bytes = try ring.open(sealed, for: .appToken(database.tenant.id, client.id))
      return Secret(String(decoding: bytes, as: UTF8.self))
    } catch {
      throw .fault(.sealedValue("wechat_app_tokens.access_token_sealed of \(client.id)"))
    }
  }

  /// What the tenant's administrator is told: WeChat's errcode, what it means, what to do.
  static func credentialError(_ failure: ProviderFailure) -> JSONText {
    failure.credentialError
  }
}
