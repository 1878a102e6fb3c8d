import FoundationEssentials
import OAuth
import Observability
import Query
import Secrets
import Tenancy

/// The person's side of a device authorization (RFC 8628 section 3.3): the code they type becomes an interaction, which signs them
/// in and asks them, as for a client that redirects.
///
/// ```
///  code typed ─► too many tries ─► locked for ten minutes
///            ├─► nobody's, old or answered ─► unknown
///            └─► interaction ─► signed in ─► asked, always ─► device approved or refused
/// ```
public struct DeviceSignIn: Sendable {
  /// What typing a code came to.
  public enum Entry: Sendable {
    /// No live code of this issuer.
    case unknown
    /// Too many were tried, from this browser or this address.
    case locked
    /// On to the sign-in, or to the question.
    case found(Authorization.Outcome)
  }

  /// Seconds until a browser or address that tried too many codes may go on, at most.
  public static let lockSeconds = 600

  private let key: [UInt8]

  /// A sign-in whose counts of tries are kept under hashes with a key derived from `ring`.
  public init(ring: KeyRing) { key = ring.derivedKey("user code tries") }

  /// Takes a code that somebody typed.
  /// - Parameter address: where the browser comes from, without port.
  /// - Throws: `.fault`.
  public func enter(
    _ text: String, address: String?, _ visit: Authorization.Visit, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> Entry {
    let attempt = TryUserCode(
      application: visit.application, browser: Digest.hmac(Array("browser".utf8) + visit.browserHash, key: key),
      address: address.map { Digest.hmac(Array("address \(IPAddress($0)?.network ?? $0)".utf8), key: key) },
      userCode: UserCode(typed: text))
    do {
      guard let found = try await database.run(attempt).first, !found.isLocked else { return .locked }
      guard let device = found.device else { return .unknown }
      let find = FindAuthorizingClient(client: device.client, application: visit.application, cookie: visit.cookie)
      guard let client = try await database.run(find, repeatable: true).first else { return .unknown }
      let token = OpaqueToken.make(prefix: Interaction.prefix)
      let store = StoreInteraction(
        token: token, application: visit.application, client: device.client, browserHash: visit.browserHash,
        session: client.session?.id, fields: ["scope": device.scope, "user_code": device.userCode.shown],
        device: device.id)
      _ = try await database.run(store, ForgiveUserCodeTry(tried: attempt))
      return .found(client.session == nil ? .signIn(token.text) : .consent(token.text))
    } catch {
      throw .fault(.database(error))
    }
  }
}

extension Authorization {
  /// Brings the interaction of a device to its end. The person is asked whatever they agreed to before: somebody else may have
  /// sent them the code (RFC 8628 section 5.4).
  func proceedForDevice(
    _ interaction: Interaction, decision: Bool?, _ visit: Visit, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> Outcome {
    guard let id = interaction.client else { throw Self.answered }
    let find = FindAuthorizingClient(client: id, application: visit.application, cookie: visit.cookie)
    guard let client = try await run(find, in: database).first else { throw Self.answered }
    guard let session = client.session else { return .signIn(interaction.token) }
    guard let decision else { return .consent(interaction.token) }
    let author = Author.user(session.user, requestID: visit.requestID)
    let decide = DecideDevice(
      author: author, interaction: interaction.opaque, session: session.id, isApproved: decision)
    guard try await !run(decide, in: database).isEmpty else { throw Self.answered }
    if decision {
      let scope = Scope(parsing: interaction.fields["scope"] ?? "") ?? Scope([])
      _ = try await run(
        RecordConsent(author: author, user: session.user, client: client.id, scope: scope), in: database)
    }
    return .device(isAllowed: decision)
  }

  private static let answered = OAuthRefusal.oauth(
    OAuthError(.invalidRequest, "the code of this device has expired or was answered already"))
}
