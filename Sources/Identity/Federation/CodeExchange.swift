import Federation
import FoundationEssentials
import Observability
import Query
import Secrets
import Tenancy

/// Exchanges WeChat login codes: each once, whoever asks how often on however many nodes.
public struct CodeExchange: Sendable {
  /// What became of a code.
  enum Result {
    /// This request exchanged it: the person, and the hash under which the answer must be kept.
    case fresh(FederationClient, Person, codeHash: [UInt8])
    /// An earlier request did, at most 10 s ago: what makes its answer again.
    case repeated(FederationClient, ExchangeSeed, user: ID<User>?)
  }

  /// How long a request waits for an earlier one with the same code: WeChat's deadline and a little.
  static let patience = Duration.seconds(4)

  private let miniapp: any MiniappProvider
  private let web: any WebProvider
  private let ring: KeyRing
  private let now: @Sendable () -> Date

  /// An exchange of miniapps' codes through `miniapp` and of all others through `web`; what is kept is sealed with `ring`.
  public init(
    miniapp: any MiniappProvider, web: any WebProvider, ring: KeyRing, now: @escaping @Sendable () -> Date
  ) {
    self.miniapp = miniapp
    self.web = web
    self.ring = ring
    self.now = now
  }

  /// Exchanges `code` for the person who made it.
  func exchange(
    _ code: String, client id: ID<ThirdPartyAuthzClient>, kind: WeChatFederation.Kind,
    patience: Duration = CodeExchange.patience, in database: TenantDatabase, requestID: String
  ) async throws(FederationRefusal) -> Result {
    let hash = Self.hash(of: code)
    let begun = try await database.refusing(BeginCodeExchange(client: id, codeHash: hash, providers: [kind.rawValue]))
    guard let begun = begun.first else { throw .clientNotFound }
    guard begun.taken else {
      let (seed, user) = try await earlier(hash, id, patience: patience, in: database)
      return .repeated(begun.client, seed, user: user)
    }
    do {
      let person = try await ask(code, begun.client, in: database)
      return .fresh(begun.client, person, codeHash: hash)
    } catch {
      await settle(error, hash: hash, client: id, in: database)
      if case .provider(let failure) = error {
        await database.note(failure, of: begun.client, at: .login, requestID: requestID)
      }
      throw error
    }
  }

  /// Seals `seed` for the row of the exchange.
  func sealed(_ seed: ExchangeSeed, codeHash: [UInt8], tenant: ID<Tenant>) -> [UInt8] {
    ring.seal(seed.bytes, for: .exchangeSeed(tenant, codeHash: codeHash))
  }

  private func ask(
    _ code: String, _ client: FederationClient, in database: TenantDatabase
  ) async throws(FederationRefusal) -> Person {
    let tenant = database.tenant.id
    let secret: [UInt8]
    do {
      secret = try ring.open(client.appSecretSealed, for: .appSecret(tenant, client.id))
    } catch {
      throw .fault(.sealedValue("third_party_authz_clients.app_secret_sealed of \(client.id)"))
    }
    let credentials = AppCredentials(appID: client.appID, secret: Secret(String(decoding: secret, as: UTF8.self)))
    let found: AuthenticatedPerson
    do {
      found =
        client.provider == WeChatFederation.Kind.miniapp.rawValue
        ? try await miniapp.authenticate(code: code, credentials: credentials)
        : try await web.exchange(code: code, credentials: credentials)
    } catch {
      throw .provider(error)
    }
    guard !found.isSnapshotUser else { throw .snapshotUser }
    let sessionKey = found.sessionKey.map { key in
      ring.seal(
        Array(key.expose().utf8), for: .sessionKey(tenant, appID: client.appID, openid: found.openid))
    }
    var person = Person(
      appID: client.appID, openid: found.openid, unionid: found.unionid, sessionKeySealed: sessionKey)
    guard let granted = found.oauthToken else { return person }
    let token = StoredOAuthToken(granted, now: now())
    person.oauthTokenSealed = token.sealed(with: ring, tenant: tenant, appID: client.appID, openid: found.openid)
    guard token.mayReadProfile else { return person }
    // The code is spent: a profile that cannot be read now must not cost the sign-in, the reconciler reads it later.
    let profile = try? await web.profile(openid: found.openid, appID: client.appID, accessToken: granted.access)
    if let profile { person.fields = profile.raw }
    if person.unionid == nil, let unionid = profile?.unionid { person = person.joined(unionid) }
    return person
  }

  /// A code that WeChat consumed stays taken with its refusal; any other is let go, so that the person's next try counts.
  private func settle(
    _ refusal: FederationRefusal, hash: [UInt8], client: ID<ThirdPartyAuthzClient>, in database: TenantDatabase
  ) async {
    let isSpent =
      switch refusal {
      case .provider(let failure): failure.status == 400 || failure.status == 403
      case .snapshotUser: true
      default: false
      }
    await keep(refusal, isSpent: isSpent, codeHash: hash, client: client, in: database)
  }

  /// Keeps a refusal for whoever hands in the same code. Best effort: the refusal itself is what the caller must hear.
  func keep(
    _ refusal: FederationRefusal, isSpent: Bool, codeHash: [UInt8], client: ID<ThirdPartyAuthzClient>,
    in database: TenantDatabase
  ) async {
    let seed = ExchangeSeed(refusal).map { sealed($0, codeHash: codeHash, tenant: database.tenant.id) }
    let refuse = RefuseCodeExchange(client: client, codeHash: codeHash, isSpent: isSpent, seed: seed)
    _ = try? await database.run(refuse, repeatable: true)
  }

  /// Under which a code is kept.
  static func hash(of code: String) -> [UInt8] { Digest.sha256(code.utf8) }

  /// How an earlier request with a code of this hash fared.
  func earlier(
    _ hash: [UInt8], _ client: ID<ThirdPartyAuthzClient>, patience: Duration, in database: TenantDatabase
  ) async throws(FederationRefusal) -> (ExchangeSeed, user: ID<User>?) {
    let deadline = ContinuousClock.now + patience
    var pause = Duration.milliseconds(10)
    while true {
      let found = try await database.refusing(FindCodeExchange(client: client, codeHash: hash)).first
      guard let found else { throw .codeInFlight }
      guard found.isRecent else { throw .codeSpent }
      if found.state != "begun" {
        guard let sealed = found.seed,
          let bytes = try? ring.open(sealed, for: .exchangeSeed(database.tenant.id, codeHash: hash)),
          let seed = ExchangeSeed(bytes)
        else { throw found.state == "done" ? .codeSpent : .codeInFlight }
        return (seed, found.user)
      }
      guard ContinuousClock.now < deadline, (try? await Task.sleep(for: pause)) != nil else { throw .codeInFlight }
      pause = min(pause * 2, .milliseconds(160))
    }
  }
}

extension TenantDatabase {
  /// Runs a statement whose failure is a fault of ours in a federation call.
  func refusing<S: TenantStatement>(_ statement: S) async throws(FederationRefusal) -> [S.Output] {
    do {
      return try await run(statement)
    } catch {
      throw .fault(.database(error))
    }
  }
}
