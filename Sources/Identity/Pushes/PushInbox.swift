import Federation
import FoundationEssentials
import JSON
import Observability
import Query
import Secrets
import Tenancy

/// Takes what a provider pushes: verified, then stored, then answered; a worker applies it afterwards.
public struct PushInbox: Sendable {
  /// Why a push was not taken.
  public enum Refusal: Error, Sendable {
    /// No such client with push settings.
    case clientNotFound
    /// Signature, receiver, time or form are wrong.
    case refused
    /// It tells of a person in plain mode, where nobody signed the body.
    case notEncrypted
    /// A fault of ours.
    case fault(IdentityFault)
  }

  private let provider: any PushProvider
  private let ring: KeyRing
  private let now: @Sendable () -> Date

  /// An inbox for the pushes of `provider`.
  public init(provider: any PushProvider, ring: KeyRing, now: @escaping @Sendable () -> Date) {
    self.provider = provider
    self.ring = ring
    self.now = now
  }

  /// What to answer to the request that proves the URL is ours.
  public func echo(
    _ query: [String: String], client: ID<ThirdPartyAuthzClient>, in database: TenantDatabase
  ) async throws(Refusal) -> String {
    let credentials = try await credentials(client, database)
    do {
      return try provider.echo(query: query, credentials: credentials)
    } catch {
      throw .refused
    }
  }

  /// Takes a message. The same one again is as good as once.
  public func receive(
    _ query: [String: String], body: [UInt8], client: ID<ThirdPartyAuthzClient>, in database: TenantDatabase,
    requestID: String
  ) async throws(Refusal) {
    let credentials = try await credentials(client, database)
    let event: PushEvent
    do {
      event = try provider.event(query: query, body: body, credentials: credentials, now: now())
    } catch {
      throw .refused
    }
    guard event.kind != .other else { return }
    let hash = Digest.sha256(event.identity.utf8)
    guard event.isAuthentic else {
      try await run(RefusePlainPush(client: client, identityHash: hash, requestID: requestID), database)
      throw .notEncrypted
    }
    let push = ID<WeChatPush>.make()
    let sealed = ring.seal(event.stored, for: .push(database.tenant.id, push))
    let store = StorePush(push: push, client: client, identityHash: hash, sealed: sealed)
    try await run(store, database)
  }

  private func credentials(
    _ client: ID<ThirdPartyAuthzClient>, _ database: TenantDatabase
  ) async throws(Refusal) -> PushCredentials {
    let found: [FindPushSettings.Output]
    let previous: [FindPreviousPushSettings.Output]
    do {
      (found, previous) = try await database.run(
        FindPushSettings(client: client), FindPreviousPushSettings(client: client), repeatable: true)
    } catch {
      throw .fault(.database(error))
    }
    guard let current = found.first else { throw .clientNotFound }
    func opened(_ token: [UInt8], _ key: [UInt8]?) throws(KeyRing.Fault) -> PushCredentials.Settings {
      let tenant = database.tenant.id
      return PushCredentials.Settings(
        token: Secret(String(decoding: try ring.open(token, for: .pushToken(tenant, client)), as: UTF8.self)),
        encodingAESKey: try key.map { sealed throws(KeyRing.Fault) in
          Secret(String(decoding: try ring.open(sealed, for: .pushKey(tenant, client)), as: UTF8.self))
        })
    }
    do {
      let settings = try opened(current.tokenSealed, current.keySealed)
      // One that does not open any more is as good as past: its hour is short.
      let older = previous.compactMap { try? opened($0.tokenSealed, $0.keySealed) }
      return PushCredentials(appID: current.appID, settings: [settings] + older)
    } catch {
      throw .fault(.sealedValue("third_party_authz_clients.push_token_sealed of \(client)"))
    }
  }

  private func run<S: TenantStatement>(_ statement: S, _ database: TenantDatabase) async throws(Refusal) {
    do {
      _ = try await database.run(statement, repeatable: true)
    } catch {
      throw .fault(.database(error))
    }
  }
}

/// A push that was stored.
public enum WeChatPush {}

extension KeyRing.Place {
  /// Where a push lies.
  static func push(_ tenant: ID<Tenant>, _ push: ID<WeChatPush>) -> KeyRing.Place {
    KeyRing.Place(tenant: tenant.uuid, table: "wechat_pushes", column: "event_sealed", row: push.description)
  }
}

extension PushEvent {
  /// The stored form.
  var stored: [UInt8] {
    JSONWriter.object { json in
      switch kind {
      case .profileModified: json.member("kind", "profile_modified")
      case .authorizationRevoked(let numbers):
        json.member("kind", "authorization_revoked")
        json.member("revoked", numbers.map(String.init))
      case .accountCancelled: json.member("kind", "account_cancelled")
      case .other: json.member("kind", "other")
      }
      json.member("openid", openid)
      json.member("unionid", unionid)
    }
  }

  /// Reads the stored form.
  static func kind(stored: [UInt8]) -> (kind: Kind, openid: String?)? {
    guard let object = (try? JSONValue(parsing: stored))?.object, let word = object["kind"]?.string else { return nil }
    let kind: Kind =
      switch word {
      case "profile_modified": .profileModified
      case "account_cancelled": .accountCancelled
      case "authorization_revoked":
        .authorizationRevoked(object["revoked"]?.array?.compactMap { $0.string.flatMap { Int($0) } } ?? [])
      default: .other
      }
    return (kind, object["openid"]?.string)
  }
}
