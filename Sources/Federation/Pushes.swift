import FoundationEssentials
import Observability

/// How a provider's pushes to one app are verified.
public struct PushCredentials: Sendable {
  /// What the app and the provider agreed on at one time.
  public struct Settings: Sendable {
    /// Signs.
    public let token: Secret<String>
    /// Encrypts; `nil` when the app's pushes come in plain mode.
    public let encodingAESKey: Secret<String>?

    /// Settings.
    public init(token: Secret<String>, encodingAESKey: Secret<String>?) {
      self.token = token
      self.encodingAESKey = encodingAESKey
    }
  }

  /// The app.
  public let appID: String
  /// The present ones first, then those that were replaced a short while ago.
  public let settings: [Settings]

  /// Credentials.
  public init(appID: String, settings: [Settings]) {
    self.appID = appID
    self.settings = settings
  }
}

/// What a person did, or what was done to them, at the provider.
public struct PushEvent: Sendable, Equatable {
  /// What happened.
  public enum Kind: Sendable, Equatable {
    /// The provider took away a nickname or picture.
    case profileModified
    /// The person took back what the numbers name; an empty list, or an unknown number, means everything.
    case authorizationRevoked([Int])
    /// The person's account is gone.
    case accountCancelled
    /// Something that does not concern us.
    case other
  }

  /// What happened.
  public let kind: Kind
  /// Who it is about; not always there.
  public let openid: String?
  /// Who it is about in the Open Platform account.
  public let unionid: String?
  /// When it happened.
  public let at: Date
  /// The same for each delivery of one event, and for no other event of the app.
  public let identity: String
  /// False when only the address was signed, so that anybody who saw one push could have written the body.
  public let isAuthentic: Bool

  /// An event.
  public init(kind: Kind, openid: String?, unionid: String?, at: Date, identity: String, isAuthentic: Bool) {
    self.kind = kind
    self.openid = openid
    self.unionid = unionid
    self.at = at
    self.identity = identity
    self.isAuthentic = isAuthentic
  }
}

/// Not acceptable. It never says why: a difference would tell an attacker about signature or padding.
public struct PushRefused: Error, Equatable {
  /// A refusal.
  public init() {}
}

/// Verifies and reads the messages a provider sends by itself.
public protocol PushProvider: Sendable {
  /// What to answer to the request that proves the URL is ours.
  /// - Parameter query: the query parameters, decoded.
  /// - Throws: `PushRefused`.
  func echo(query: [String: String], credentials: PushCredentials) throws(PushRefused) -> String

  /// The event of a message.
  /// - Throws: `PushRefused` for a wrong signature, another receiver, a message older than five minutes, or nonsense.
  func event(
    query: [String: String], body: [UInt8], credentials: PushCredentials, now: Date
  ) throws(PushRefused) -> PushEvent
}
