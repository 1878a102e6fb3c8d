import Federation
import FoundationEssentials
import Observability
import Query
import Secrets
import Tenancy

/// The one place of a client's WeChat app access token: the token refresher writes it, everybody else reads it here.
///
/// WeChat lets one component own a token; a second one that fetches its own would make the first one's stale. So nobody but the
/// refresher asks WeChat: who finds no token, or a rejected one, makes the refresh due and waits for what it stores.
public struct AppTokenHub: Sendable {
  /// A token and how long it lives.
  public struct Current: Sendable {
    /// The token.
    public let token: Secret<String>
    /// Whole seconds.
    public let expiresIn: Int
  }

  /// How long a request waits for the refresher.
  private static let patience = Duration.seconds(3)
  /// A token with less left may be past before WeChat sees it.
  private static let least = 5.0

  /// A notification only makes it earlier: one that was lost costs this.
  private static let lookAgain = Duration.seconds(1)

  private let ring: KeyRing
  private let arrivals: AppTokenArrivals

  /// A hub whose tokens are sealed with `ring`; `arrivals` tells that one was stored.
  public init(ring: KeyRing, arrivals: AppTokenArrivals) {
    self.ring = ring
    self.arrivals = arrivals
  }

  /// The current token of a client.
  /// - Parameter rejected: a token that WeChat just refused; the stored one is only replaced while it is still that one.
  /// - Throws: `.credentialFailing` while WeChat refuses the credentials, `.tokenUnavailable` when the refresher stored none in
  ///   time, `.clientNotFound`.
  func token(
    of client: ID<ThirdPartyAuthzClient>, insteadOf rejected: Secret<String>? = nil, in database: TenantDatabase
  ) async throws(FederationRefusal) -> Secret<String> {
    let deadline = ContinuousClock.now + Self.patience
    while true {
      // Before reading: what is stored in between is not missed.
      let waiter = arrivals.waiter(for: client)
      let (stored, current) = try await read(client, in: database)
      if let current, current.token.expose() != rejected?.expose() { return current.token }
      if stored.isFailing { throw .credentialFailing(errcode: stored.errcode) }
      let left = deadline - ContinuousClock.now
      guard left > .zero, !Task.isCancelled else { throw .tokenUnavailable }
      let hasten = HastenAppToken(client: client, sealed: stored.sealed, isAwaited: true)
      let isStillStored = try await database.refusing(hasten).first ?? true
      if isStillStored { await waiter.wait(atMost: min(left, Self.lookAgain)) }
    }
  }

  /// The current token of a client, for the tenant's own back end.
  /// - Throws: `.clientNotFound`, `.credentialFailing`, `.tokenUnavailable` when there is none right now.
  public func current(
    of client: ID<ThirdPartyAuthzClient>, in database: TenantDatabase
  ) async throws(FederationRefusal) -> Current {
    let (stored, current) = try await read(client, in: database)
    if stored.isFailing { throw .credentialFailing(errcode: stored.errcode) }
    guard let current else { throw .tokenUnavailable }
    return current
  }

  /// Notes that WeChat refused `token`: it is refreshed if it is still the stored one, else nothing happens.
  /// - Throws: `.clientNotFound`.
  public func invalidate(
    _ token: Secret<String>, of client: ID<ThirdPartyAuthzClient>, in database: TenantDatabase
  ) async throws(FederationRefusal) {
    let (stored, current) = try await read(client, in: database)
    guard let current,
      Digest.equal(Digest.sha256(current.token.expose().utf8), Digest.sha256(token.expose().utf8))
    else { return }
    _ = try await database.refusing(HastenAppToken(client: client, sealed: stored.sealed, isAwaited: false))
  }

  private func read(
    _ client: ID<ThirdPartyAuthzClient>, in database: TenantDatabase
  ) async throws(FederationRefusal) -> (FindAppToken.Output, Current?) {
    guard let stored = try await database.refusing(FindAppToken(client: client)).first else { throw .clientNotFound }
    guard let sealed = stored.sealed, stored.remaining > Self.least else { return (stored, nil) }
    do {
      let bytes = try ring.open(sealed, for: .appToken(database.tenant.id, client))
      let token = Secret(String(decoding: bytes, as: UTF8.self))
      return (stored, Current(token: token, expiresIn: Int(stored.remaining)))
    } catch {
      throw .fault(.sealedValue("wechat_app_tokens.access_token_sealed of \(client)"))
    }
  }
}
